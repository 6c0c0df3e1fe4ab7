// DNS lists of the hosts and domains that a mail links to: check_uridnsbl with the lines of uridnsbl, urirhssub and their kin.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "ringpost/filter/dns_answers.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/filter/uris.hpp"

#include "characters.hpp"
#include "dns_lists.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

struct LinkedHost {
  std::string host;
  std::string domain;
};
// Of one message; the same for all rules.
struct LinkedHosts {
  bool made = false;
  std::vector<LinkedHost> hosts;
};

// Which settings pick the hosts.
struct LinkSettings {
  std::set<std::string, std::less<>> skipped;
  std::size_t hosts_max = 20;
  bool skips_mailto = true;
};

LinkSettings make_link_settings(const Settings& settings) {
  LinkSettings made;
  for (const Settings::Line& line : settings.lines("uridnsbl_skip_domain")) {
    const std::string words = lower(line.value);
    const bool clears = line.key.starts_with("clear_");
    if (clears && trim(words).empty()) made.skipped.clear();
    for (std::string_view rest = trim_front(words); !rest.empty(); rest = trim_front(rest)) {
      std::size_t size = 0;
      while (size < rest.size() && !is_space(rest[size])) ++size;
      if (clears)
        made.skipped.erase(std::string(rest.substr(0, size)));
      else
        made.skipped.emplace(rest.substr(0, size));
      rest.remove_prefix(size);
    }
  }
  made.hosts_max = static_cast<std::size_t>(
      std::clamp(settings.number("uridnsbl_max_domains", 20), 0.0, static_cast<double>(kDnsQuestionsMax)));
  made.skips_mailto = settings.flag("uridnsbl_skip_mailto", true);
  return made;
}

// What a reader is most likely to follow comes first: links with a text, forms, images, others, bare text, links without one.
unsigned rank_of(const UriDetail& uri) {
  if (uri.has_type("a"))
    return std::ranges::any_of(uri.anchor_texts, [](const std::string& text) { return !text.empty(); }) ? 0
                                                                                                        : 5;
  if (uri.has_type("form")) return 1;
  if (uri.has_type("img")) return 2;
  return uri.types.size() == 1 && uri.types[0] == "parsed" ? 4 : 3;
}

const std::vector<LinkedHost>& linked_hosts(const EvalCall& call, const LinkSettings& settings) {
  auto& state = call.scratch.of<LinkedHosts>();
  if (state.made) return state.hosts;
  state.made = true;
  std::set<std::string, std::less<>> known;
  for (unsigned rank = 0; rank <= 5; ++rank) {
    for (const UriDetail& uri : call.message.uri_details()) {
      if (rank_of(uri) != rank || (settings.skips_mailto && starts_nocase(uri.uri, "mailto:"))) continue;
      for (const auto& [host, domain] : uri.hosts) {
        if (state.hosts.size() >= settings.hosts_max) return state.hosts;
        const std::string name = lower(host);
        if (settings.skipped.contains(lower(domain)) || settings.skipped.contains(name)) continue;
        if (known.insert(name).second) state.hosts.push_back({name, lower(domain)});
      }
    }
  }
  return state.hosts;
}

// One list, as a line says: "urirhssub RULE zone A 127.0.1.2".
struct UriList {
  enum class By : unsigned char { name, server_domain, server_name, address } by = By::address;
  std::string zone;
  dns::Type type = dns::Type::a;
  UriListTest test;
  bool addresses_only = false, names_only = false, whole_host = false;
  bool of_servers = true, of_hosts = false;  // by address
};

std::optional<UriList::By> kind_of(std::string_view key) {
  if (key == "urirhsbl" || key == "urirhssub") return UriList::By::name;
  if (key == "urinsrhsbl" || key == "urinsrhssub") return UriList::By::server_domain;
  if (key == "urifullnsrhsbl" || key == "urifullnsrhssub") return UriList::By::server_name;
  if (key == "uridnsbl" || key == "uridnssub") return UriList::By::address;
  return std::nullopt;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (text = trim_front(text); !text.empty(); text = trim_front(text)) {
    std::size_t size = 0;
    while (size < text.size() && !is_space(text[size])) ++size;
    words.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

// The last line that names the rule.
Result<UriList> find_list(const Settings& settings, const Rule& rule) {
  std::optional<UriList> list;
  Place place;
  for (const std::string_view key : {"uridnsbl", "uridnssub", "urirhsbl", "urirhssub", "urinsrhsbl",
                                     "urinsrhssub", "urifullnsrhsbl", "urifullnsrhssub"}) {
    for (const Settings::Line& line : settings.lines(key)) {
      const std::vector<std::string> words = split_words(line.value);
      const bool with_test = key.ends_with("sub");
      if (words.empty() || words[0] != rule.name || (list && line.place < place)) continue;
      if (words.size() != (with_test ? 4U : 3U))
        return fail(ErrorKind::permanent,
                    fmt::format("{} needs a rule, a zone, a type{}", key, with_test ? " and an answer" : ""));
      place = line.place;
      list.emplace();
      list->by = *kind_of(key);
      list->zone = words[1];
      list->type = words[2] == "TXT" ? dns::Type::txt : dns::Type::a;
      list->test = RP_TRY(UriListTest::parse(with_test ? words[3] : std::string()));
    }
  }
  if (!list) return fail(ErrorKind::permanent, "no uridnsbl or urirhsbl line names this rule");
  list->addresses_only = flagged(rule, "ips_only");
  list->names_only = flagged(rule, "domains_only");
  list->whole_host = flagged(rule, "notrim");
  list->of_hosts = flagged(rule, "a");
  list->of_servers = flagged(rule, "ns") || !list->of_hosts;
  return *std::move(list);
}

class UriListCheck {
 public:
  UriListCheck(const EvalCall& call, const UriList& list) : call_(call), list_(list) {}

  bool run(const std::vector<LinkedHost>& hosts) {
    for (const LinkedHost& one : hosts) {
      const bool literal = one.host.starts_with('[') || parse_address(one.host).has_value();
      if (literal)
        check_literal(one.host);
      else if (list_.by == UriList::By::name)
        check_name(one);
      else
        check_servers(one);
    }
    return hit_;
  }

 private:
  void check_literal(const std::string& host) {
    const auto address = parse_address(host);
    if (!address || !address->is_ipv4() || is_private_ip(host)) return;
    if (list_.by == UriList::By::name && !list_.names_only) ask_list(host);
  }
  void check_name(const LinkedHost& one) {
    if (!list_.addresses_only) ask_list(list_.whole_host ? one.host : one.domain);
  }
  void check_servers(const LinkedHost& one) {
    if (list_.by == UriList::By::address && list_.of_hosts) check_addresses(one.host);
    if (list_.by == UriList::By::address && !list_.of_servers) return;
    each(one.domain, dns::Type::ns, [&](const dns::Data& data) {
      const auto* server = std::get_if<dns::Target>(&data);
      if (server == nullptr) return;
      const std::string name = server->name.to_string();
      if (list_.by == UriList::By::address)
        check_addresses(name);
      else if (list_.by == UriList::By::server_name)
        ask_list(name);
      else
        ask_list(call_.message.settings().registrars.trim_domain(name));
    });
  }
  void check_addresses(const std::string& host) {
    each(host, dns::Type::a, [&](const dns::Data& data) {
      if (const auto* address = std::get_if<IpAddress>(&data)) ask_list(to_string(*address));
    });
  }
  void ask_list(const std::string& host_or_address) {
    const auto question = list_question(host_or_address, list_.zone, list_.type);
    const dns::Answer* answer = question ? call_.facts.dns->find(*question) : nullptr;
    if (answer == nullptr) return;
    for (const dns::Data& data : answer->records)
      if (const auto entry = list_entry(data); entry && list_.test.holds(*entry)) hit_ = true;
  }
  void each(const std::string& host, dns::Type type, auto use) {
    const auto name = dns::Name::parse(canonical_host(host));
    const dns::Answer* answer = name ? call_.facts.dns->find({*name, type}) : nullptr;
    if (answer == nullptr) return;
    // A domain may name hundreds.
    for (std::size_t n = 0; n < std::min(answer->records.size(), kListedServersMax); ++n)
      use(answer->records[n]);
  }

  const EvalCall& call_;
  const UriList& list_;
  bool hit_ = false;
};

Result<EvalFunction> make_uridnsbl(const EvalSetup& setup) {
  if (setup.settings.flag("skip_uribl_checks", false) || !setup.settings.flag("dns_available", true))
    return [](const EvalCall&) { return EvalAnswer::of(false); };
  if (setup.rules == nullptr) return fail(ErrorKind::permanent, "there are no rules");
  UriList list = RP_TRY(find_list(setup.settings, setup.rules->rule(setup.rules->find(setup.rule))));
  auto links = setup.shared.of<LinkSettings>("uridnsbl", [&] { return make_link_settings(setup.settings); });
  return [list = std::move(list), links = std::move(links)](const EvalCall& call) {
    if (!call.facts.dns) return EvalAnswer::needs(Fact::dns);
    return EvalAnswer::of(UriListCheck(call, list).run(linked_hosts(call, *links)));
  };
}

}  // namespace

void add_uridns_evals(EvalRegistry& registry) {
  registry.add("check_uridnsbl", make_uridnsbl, Fact::dns);
}

}  // namespace ringpost::filter
