// What message authentication and Bayes said. Each function answers from the facts, and names the fact where it is missing.
#include <algorithm>

#include "ringpost/filter/facts.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

EvalFactory spf_is(AuthResult SpfFact::* identity, AuthResult wanted) {
  return [identity, wanted](const EvalSetup&) -> Result<EvalFunction> {
    return [identity, wanted](const EvalCall& call) {
      if (!call.facts.spf) return EvalAnswer::needs(Fact::spf);
      return EvalAnswer::of((*call.facts.spf).*identity == wanted);
    };
  };
}

using Dkim = std::vector<DkimFact>;

EvalFactory dkim_test(bool (*test)(const EvalCall&, const Dkim&, Arguments)) {
  return [test](const EvalSetup& setup) -> Result<EvalFunction> {
    return [test, arguments = std::vector<std::string>(setup.arguments.begin(), setup.arguments.end())](
               const EvalCall& call) {
      if (!call.facts.dkim) return EvalAnswer::needs(Fact::dkim);
      return EvalAnswer::of(test(call, *call.facts.dkim, arguments));
    };
  };
}

bool is_signed(const EvalCall&, const Dkim& dkim, Arguments) {
  return !dkim.empty();
}

bool lies_in(std::string_view host, std::string_view domain) {
  return ends_nocase(host, domain) &&
         (host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.');
}

// By any domain, or by one of those named.
bool is_valid(const EvalCall&, const Dkim& dkim, Arguments domains) {
  return std::ranges::any_of(dkim, [&](const DkimFact& one) {
    if (one.result != AuthResult::pass) return false;
    return domains.empty() || std::ranges::any_of(domains, [&](const std::string& domain) {
             return lies_in(one.domain, domain);
           });
  });
}

bool signed_for(const Dkim& dkim, std::string_view address) {
  const std::size_t sign = address.rfind('@');
  if (sign == kNowhere) return false;
  const std::string domain = canonical_host(address.substr(sign + 1));
  return std::ranges::any_of(dkim, [&](const DkimFact& one) {
    return one.result == AuthResult::pass && lies_in(domain, one.domain);
  });
}

bool is_valid_for_author(const EvalCall& call, const Dkim& dkim, Arguments) {
  const auto authors = call.message.header_values("From:addr");
  return std::ranges::any_of(authors, [&](const std::string& author) { return signed_for(dkim, author); });
}

bool is_valid_for_envelope(const EvalCall& call, const Dkim& dkim, Arguments) {
  return signed_for(dkim, first_of(call, "EnvelopeFrom:addr"));
}

// The signatures were looked at: there is an answer to depend on.
bool is_dependable(const EvalCall&, const Dkim& dkim, Arguments) {
  return std::ranges::none_of(dkim, [](const DkimFact& one) { return one.result == AuthResult::temperror; });
}

EvalFactory dmarc_is(bool (*test)(const DmarcFact&)) {
  return [test](const EvalSetup&) -> Result<EvalFunction> {
    return [test](const EvalCall& call) {
      if (!call.facts.dmarc) return EvalAnswer::needs(Fact::dmarc);
      return EvalAnswer::of(test(*call.facts.dmarc));
    };
  };
}

bool fails_with(const DmarcFact& fact, DmarcPolicy policy) {
  return fact.result == AuthResult::fail && fact.policy == policy;
}

EvalFactory arc_is(bool (*test)(AuthResult)) {
  return [test](const EvalSetup&) -> Result<EvalFunction> {
    return [test](const EvalCall& call) {
      if (!call.facts.arc) return EvalAnswer::needs(Fact::arc);
      return EvalAnswer::of(test(*call.facts.arc));
    };
  };
}

EvalAnswer check_bayes(const EvalCall& call, Arguments arguments) {
  if (!call.facts.bayes) return EvalAnswer::needs(Fact::bayes);
  const double probability = *call.facts.bayes;
  const double least = number(arguments, 0, 0);
  const double most = number(arguments, 1, 1);
  return EvalAnswer::of((least == 0 || probability > least) && probability <= most);
}

// --- lists that hold only with proof ---

struct AuthLists {
  // "address" or "address domain": who may send it, and who must have signed it.
  struct Entry {
    std::string glob;
    std::string signer;
  };
  std::vector<Entry> entries;

  void add_lines(const Settings& settings, std::string_view key) {
    for (const Settings::Line& line : settings.lines(key)) {
      const std::string_view value = trim(line.value);
      const std::size_t blank = std::min(value.find_first_of(" \t"), value.size());
      const std::string glob = lower(value.substr(0, blank));
      if (line.key == key)
        entries.push_back({glob, lower(trim(value.substr(blank)))});
      else
        std::erase_if(entries, [&](const Entry& entry) { return entry.glob == glob; });
    }
  }
};

std::shared_ptr<const AuthLists> auth_lists(const EvalSetup& setup, std::string_view one,
                                            std::string_view other) {
  return setup.shared.of<AuthLists>(one, [&] {
    AuthLists lists;
    lists.add_lines(setup.settings, one);
    lists.add_lines(setup.settings, other);
    return lists;
  });
}

EvalFactory in_spf_list(std::string_view key, std::string_view any_proof) {
  return [key, any_proof](const EvalSetup& setup) -> Result<EvalFunction> {
    return [lists = auth_lists(setup, key, any_proof)](const EvalCall& call) {
      if (!call.facts.spf) return EvalAnswer::needs(Fact::spf);
      if (call.facts.spf->mail_from != AuthResult::pass) return EvalAnswer::of(false);
      const std::string sender = lower(first_of(call, "EnvelopeFrom:addr"));
      return EvalAnswer::of(std::ranges::any_of(lists->entries, [&](const auto& entry) {
        return entry.signer.empty() && glob_matches(entry.glob, sender);
      }));
    };
  };
}

EvalFactory in_dkim_list(std::string_view key, std::string_view any_proof) {
  return [key, any_proof](const EvalSetup& setup) -> Result<EvalFunction> {
    return [lists = auth_lists(setup, key, any_proof)](const EvalCall& call) {
      if (!call.facts.dkim) return EvalAnswer::needs(Fact::dkim);
      for (const std::string& author : call.message.header_values("From:addr")) {
        const std::string address = lower(author);
        for (const auto& entry : lists->entries) {
          if (!glob_matches(entry.glob, address)) continue;
          const bool proved = entry.signer.empty()
                                  ? signed_for(*call.facts.dkim, address)
                                  : is_valid(call, *call.facts.dkim, std::span(&entry.signer, 1));
          if (proved) return EvalAnswer::of(true);
        }
      }
      return EvalAnswer::of(false);
    };
  };
}

void add_spf_evals(EvalRegistry& registry) {
  constexpr std::pair<std::string_view, AuthResult> kResults[] = {
      {"pass", AuthResult::pass},          {"fail", AuthResult::fail}, {"softfail", AuthResult::softfail},
      {"neutral", AuthResult::neutral},    {"none", AuthResult::none}, {"temperror", AuthResult::temperror},
      {"permerror", AuthResult::permerror}};
  for (const auto& [name, result] : kResults) {
    registry.add("check_for_spf_" + std::string(name), spf_is(&SpfFact::mail_from, result), Fact::spf);
    registry.add("check_for_spf_helo_" + std::string(name), spf_is(&SpfFact::helo, result), Fact::spf);
  }
  for (const std::string_view spelling : {"welcomelist", "whitelist"}) {
    registry.add("check_for_spf_" + std::string(spelling) + "_from",
                 in_spf_list("welcomelist_from_spf", "welcomelist_auth"), Fact::spf);
    registry.add("check_for_def_spf_" + std::string(spelling) + "_from",
                 in_spf_list("def_welcomelist_from_spf", "def_welcomelist_auth"), Fact::spf);
  }
}

}  // namespace

void add_auth_evals(EvalRegistry& registry) {
  add_spf_evals(registry);
  registry.add("check_dkim_signed", dkim_test(is_signed), Fact::dkim);
  registry.add("check_dkim_valid", dkim_test(is_valid), Fact::dkim);
  registry.add("check_dkim_valid_author_sig", dkim_test(is_valid_for_author), Fact::dkim);
  registry.add("check_dkim_valid_envelopefrom", dkim_test(is_valid_for_envelope), Fact::dkim);
  registry.add("check_dkim_dependable", dkim_test(is_dependable), Fact::dkim);
  for (const std::string_view spelling : {"welcomelist", "whitelist"}) {
    registry.add("check_for_dkim_" + std::string(spelling) + "_from",
                 in_dkim_list("welcomelist_from_dkim", "welcomelist_auth"), Fact::dkim);
    registry.add("check_for_def_dkim_" + std::string(spelling) + "_from",
                 in_dkim_list("def_welcomelist_from_dkim", "def_welcomelist_auth"), Fact::dkim);
  }
  registry.add("check_dmarc_pass",
               dmarc_is([](const DmarcFact& fact) { return fact.result == AuthResult::pass; }), Fact::dmarc);
  registry.add("check_dmarc_reject",
               dmarc_is([](const DmarcFact& fact) { return fails_with(fact, DmarcPolicy::reject); }),
               Fact::dmarc);
  registry.add("check_dmarc_quarantine",
               dmarc_is([](const DmarcFact& fact) { return fails_with(fact, DmarcPolicy::quarantine); }),
               Fact::dmarc);
  registry.add("check_dmarc_none",
               dmarc_is([](const DmarcFact& fact) { return fails_with(fact, DmarcPolicy::none); }),
               Fact::dmarc);
  registry.add("check_dmarc_missing",
               dmarc_is([](const DmarcFact& fact) { return fact.result == AuthResult::none; }), Fact::dmarc);
  registry.add("check_arc_signed", arc_is([](AuthResult result) { return result != AuthResult::none; }),
               Fact::arc);
  registry.add("check_arc_valid", arc_is([](AuthResult result) { return result == AuthResult::pass; }),
               Fact::arc);
  registry.add("check_bayes", {2, 2}, check_bayes, Fact::bayes);
}

}  // namespace ringpost::filter
