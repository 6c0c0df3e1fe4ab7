// DNS lists of addresses and senders: check_rbl and its kin. Each asks about the hosts that its set names, and answers from what is
// known of them; what is not known it notes (DnsAnswers).
#include <algorithm>

#include "ringpost/filter/dns_answers.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/rules.hpp"

#include "characters.hpp"
#include "dns_lists.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

// One check_rbl... rule: whom it asks about, and where.
struct Asker {
  std::string function;
  std::string set;
  std::string zone;
  std::string more;  // the accreditor, or names of fields
  dns::Type type = dns::Type::a;
  bool nice = false, names_only = false, addresses_only = false;

  static Asker of(const Rule& rule, const Settings& settings) {
    const auto argument = [&](std::size_t n) {
      return n < rule.arguments.size() ? rule.arguments[n] : std::string();
    };
    Asker asker{.function = rule.function, .set = argument(0), .zone = argument(1)};
    asker.more = argument(3);
    if (asker.function == "check_rbl_headers" && asker.more.empty())
      asker.more =
          settings.text("rbl_headers")
              .value_or("EnvelopeFrom,Reply-To,Disposition-Notification-To,X-WebmailclientIP,X-Source-IP");
    if (asker.function == "check_rbl_txt") asker.type = dns::Type::txt;
    asker.nice = rule.flags.nice;
    asker.names_only = flagged(rule, "domains_only");
    asker.addresses_only = flagged(rule, "ips_only");
    return asker;
  }
};

bool is_asker(const Rule& rule) {
  return rule.kind == RuleKind::eval && rule.function.starts_with("check_rbl") &&
         rule.function != "check_rbl_sub" && rule.arguments.size() >= 2;
}

void add_public(std::vector<std::string>& ips, std::string_view ip) {
  if (!ip.empty() && !is_private_ip(ip) && std::ranges::find(ips, ip) == ips.end()) ips.emplace_back(ip);
}

// Addresses that webmail and its like write into fields of their own.
std::vector<std::string> originating_ips(const MessageView& message) {
  std::vector<std::string> ips;
  for (const std::string& name : message.settings().originating_ip_headers)
    for (const std::string& value : message.header_values(name))
      for (AddressPlace place = find_ip_address(value); place.size > 0;
           place = find_ip_address(value, place.begin + place.size))
        ips.push_back(value.substr(place.begin, place.size));
  return ips;
}

bool is_trusted(const MessageView& message, std::string_view ip) {
  const auto address = parse_address(ip);
  return address && message.settings().trusted_networks.contains(*address);
}

// The hosts that the end of a set's name picks: "zen-lastexternal" is who gave the mail to us.
std::vector<std::string> relay_ips(const MessageView& message, const Asker& asker) {
  const RelayChain& relays = message.relays();
  std::vector<std::string> untrusted, external, ips;
  for (const Relay& relay : relays.untrusted) add_public(untrusted, relay.ip);
  const std::vector<std::string> originating = originating_ips(message);
  if (untrusted.empty() && originating.empty()) return {};
  for (const Relay& relay : relays.trusted)
    if (!relay.internal) add_public(external, relay.ip);
  for (const Relay& relay : relays.untrusted) add_public(external, relay.ip);
  if (asker.set.ends_with("-lastexternal")) {
    ips = external;
    ips.resize(std::min<std::size_t>(ips.size(), 1));
  } else if (asker.set.ends_with("-notfirsthop")) {
    ips = external;
    if (ips.size() > 1) ips.pop_back();
  } else {
    ips = untrusted;
    for (const std::string& ip : originating)
      if (!is_trusted(message, ip)) add_public(ips, ip);
    if (asker.set.ends_with("-firsttrusted"))
      ips.resize(std::min<std::size_t>(ips.size(), 1));
    else if (asker.set.ends_with("-untrusted"))
      ips.erase(ips.begin(), ips.begin() + (ips.empty() ? 0 : 1));
    else
      std::ranges::reverse(ips);
  }
  ips.resize(std::min(ips.size(), kListedRelaysMax));
  if (!asker.nice)
    while (!ips.empty() && is_trusted(message, ips.front())) ips.erase(ips.begin());
  return ips;
}

// What stands behind the '@', and may be asked about.
void add_host(std::vector<std::string>& hosts, std::string_view host, const Asker& asker,
              const MessageView& message) {
  while (host.starts_with('.')) host.remove_prefix(1);
  while (host.ends_with('.')) host.remove_suffix(1);
  std::string name = lower(host);
  if (parse_address(name)) {
    if (asker.names_only) return;
  } else if (asker.addresses_only || !is_valid_fqdn(name) ||
             !message.settings().registrars.is_valid_domain(name)) {
    return;
  }
  if (std::ranges::find(hosts, name) == hosts.end()) hosts.push_back(std::move(name));
}

std::string_view host_part(std::string_view address) {
  const std::size_t sign = address.find('@');
  return sign == kNowhere ? std::string_view{} : trim(address.substr(sign + 1));
}

std::vector<std::string> header_hosts(const EvalCall& call, const Asker& asker) {
  std::vector<std::string> hosts;
  for (std::string_view rest = asker.more; !rest.empty();) {
    const std::string_view name = trim(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
    const std::string address = first_of(call, std::string(name) + ":addr");
    if (!host_part(address).empty()) {
      add_host(hosts, host_part(address), asker, call.message);
      continue;
    }
    for (const std::string& value : call.message.header_values(name))
      add_host(hosts, trim(value), asker, call.message);
  }
  return hosts;
}

bool is_accredited(const EvalCall& call, std::string_view accreditor) {
  const std::string sender = lower(first_of(call, "EnvelopeFrom:addr"));
  if (const std::string mark = "a--" + lower(accreditor) + ".";
      contains(sender, "@" + mark) || contains(sender, "." + mark))
    return true;
  std::string_view rest = text_of(call, "Accreditor");
  while (!rest.empty()) {
    const std::string_view one = trim(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
    if (equal_nocase(one.substr(0, one.find(' ')), accreditor)) return true;
  }
  return false;
}

std::vector<std::string> hosts_of(const EvalCall& call, const Asker& asker) {
  const MessageView& message = call.message;
  if (asker.function == "check_rbl" || asker.function == "check_rbl_txt") return relay_ips(message, asker);
  if (asker.function == "check_rbl_accreditor")
    return is_accredited(call, asker.more) ? relay_ips(message, asker) : std::vector<std::string>{};
  if (asker.function == "check_rbl_headers") return header_hosts(call, asker);
  std::vector<std::string> hosts;
  if (asker.function == "check_rbl_envfrom") {
    add_host(hosts, host_part(first_of(call, "EnvelopeFrom:addr")), asker, message);
  } else if (asker.function == "check_rbl_from_host" || asker.function == "check_rbl_from_domain") {
    for (const std::string& address : from_addresses(call)) {
      const std::string host = lower(host_part(address));
      const bool domain = asker.function == "check_rbl_from_domain";
      add_host(hosts, domain ? message.settings().registrars.trim_domain(host) : host, asker, message);
    }
  } else if (asker.function == "check_rbl_rcvd" && !message.relays().untrusted.empty()) {
    const Relay& relay = message.relays().untrusted.back();
    for (const std::string* value : {&relay.ip, &relay.by, &relay.helo, &relay.rdns})
      add_host(hosts, *value, asker, message);
  }
  return hosts;
}

// Calls `use` with each entry that the list has for this mail.
void each_entry(const EvalCall& call, const Asker& asker, auto use) {
  for (const std::string& host : hosts_of(call, asker)) {
    const auto question = list_question(host, asker.zone, asker.type);
    const dns::Answer* answer = question ? call.facts.dns->find(*question) : nullptr;
    if (answer == nullptr) continue;
    for (const dns::Data& data : answer->records)
      // What is outside of 127.0.0.0/8 is a list that died, or a resolver that sells its own answers.
      if (const auto entry = list_entry(data); entry && (!entry->is_address || is_in_127(*entry)))
        use(*entry);
  }
}

bool is_off(const Settings& settings) {
  return settings.flag("skip_rbl_checks", false) || !settings.flag("dns_available", true);
}

Result<EvalFunction> make_rbl(const EvalSetup& setup) {
  if (is_off(setup.settings)) return [](const EvalCall&) { return EvalAnswer::of(false); };
  if (setup.arguments.size() < 2 || setup.rules == nullptr)
    return fail(ErrorKind::permanent, "a set and a zone are needed");
  std::optional<ListTest> test;
  if (setup.arguments.size() > 2 && !setup.arguments[2].empty())
    test = RP_TRY(ListTest::parse(setup.arguments[2]));
  const Rule& rule = setup.rules->rule(setup.rules->find(setup.rule));
  return [asker = Asker::of(rule, setup.settings), test](const EvalCall& call) {
    if (!call.facts.dns) return EvalAnswer::needs(Fact::dns);
    bool hit = false;
    each_entry(call, asker, [&](const ListEntry& entry) {
      hit = hit || !test || test->holds(entry, call.message.scratch());
    });
    return EvalAnswer::of(hit);
  };
}

// Another meaning of an answer that a check_rbl of the same set asks for.
Result<EvalFunction> make_rbl_sub(const EvalSetup& setup) {
  if (is_off(setup.settings)) return [](const EvalCall&) { return EvalAnswer::of(false); };
  if (setup.arguments.size() < 2 || setup.rules == nullptr)
    return fail(ErrorKind::permanent, "a set and what its answer must be are needed");
  ListTest test = RP_TRY(ListTest::parse(setup.arguments[1]));
  std::vector<Asker> askers;
  for (const Rule& rule : setup.rules->rules())
    if (is_asker(rule) && rule.arguments[0] == setup.arguments[0] &&
        std::ranges::any_of(rule.scores, [](double score) { return score != 0; }))
      askers.push_back(Asker::of(rule, setup.settings));
  return [askers = std::move(askers), test = std::move(test)](const EvalCall& call) {
    if (!call.facts.dns) return EvalAnswer::needs(Fact::dns);
    bool hit = false;
    for (const Asker& asker : askers)
      each_entry(call, asker,
                 [&](const ListEntry& entry) { hit = hit || test.holds(entry, call.message.scratch()); });
    return EvalAnswer::of(hit);
  };
}

// Nobody could answer: the sender's domain has neither a mail host nor an address.
Result<EvalFunction> make_dns_sender(const EvalSetup& setup) {
  if (is_off(setup.settings)) return [](const EvalCall&) { return EvalAnswer::of(false); };
  return [](const EvalCall& call) {
    if (!call.facts.dns) return EvalAnswer::needs(Fact::dns);
    const std::string sender = first_of(call, "EnvelopeFrom:addr");
    const auto name = dns::Name::parse(canonical_host(host_part(sender)));
    if (!name || name->label_count() < 2) return EvalAnswer::of(false);
    bool none = true;
    for (const dns::Type type : {dns::Type::a, dns::Type::mx}) {
      const dns::Answer* answer = call.facts.dns->find({*name, type});
      none = none && answer != nullptr && answer->status == dns::Status::nxdomain;
    }
    return EvalAnswer::of(none);
  };
}

}  // namespace

void add_dnsbl_evals(EvalRegistry& registry) {
  for (const std::string_view name :
       {"check_rbl", "check_rbl_txt", "check_rbl_envfrom", "check_rbl_from_host", "check_rbl_from_domain",
        "check_rbl_headers", "check_rbl_rcvd", "check_rbl_accreditor"})
    registry.add(name, make_rbl, Fact::dns);
  registry.add("check_rbl_sub", make_rbl_sub, Fact::dns);
  registry.add("check_dns_sender", make_dns_sender, Fact::dns);
}

}  // namespace ringpost::filter
