// Welcome and block lists: of senders, recipients, subjects, URI hosts, and the named address lists.
#include <algorithm>
#include <map>

#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/uris.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

bool any_matches(const GlobList& list, const std::vector<std::string>& addresses) {
  return std::ranges::any_of(addresses, [&](const std::string& one) { return list.matches(one); });
}

enum class Whom : unsigned char { from, to };

// The functions that only ask whether an address is in one list.
EvalFactory in_list(std::string_view key, Whom whom) {
  return [key, whom](const EvalSetup& setup) -> Result<EvalFunction> {
    return [list = glob_list(setup, key), whom](const EvalCall& call) {
      if (list->empty()) return EvalAnswer::of(false);
      return EvalAnswer::of(
          any_matches(*list, whom == Whom::from ? from_addresses(call) : to_addresses(call)));
    };
  };
}

// --- enlist_addrlist (NAME) glob ... ---

using NamedLists = std::map<std::string, GlobList, std::less<>>;

// "(NAME) word word": calls `use` with the name and each word; without a name, `otherwise` is it.
template <class Use>
void each_enlisted(std::string_view value, std::string_view otherwise, Use use) {
  std::string_view name = otherwise;
  value = trim(value);
  if (value.starts_with('(')) {
    const std::size_t close = value.find(')');
    if (close == kNowhere) return;
    name = trim(value.substr(1, close - 1));
    value = trim_front(value.substr(close + 1));
  }
  while (!value.empty()) {
    std::size_t size = 0;
    while (size < value.size() && !is_space(value[size])) ++size;
    use(name, value.substr(0, size));
    value = trim_front(value.substr(size));
  }
}

std::shared_ptr<const NamedLists> address_lists(const EvalSetup& setup) {
  return setup.shared.of<NamedLists>("enlist_addrlist", [&] {
    NamedLists lists;
    for (const Settings::Line& line : setup.settings.lines("addrlist"))
      each_enlisted(line.value, "", [&](std::string_view name, std::string_view glob) {
        GlobList& list = lists[std::string(name)];
        line.key == "delist_addrlist" ? list.remove(glob) : list.add(glob);
      });
    return lists;
  });
}

// check_from_in_list and its like: the name of an address list is the argument.
template <class Addresses>
EvalFactory in_named_list(Addresses addresses) {
  return [addresses](const EvalSetup& setup) -> Result<EvalFunction> {
    if (setup.arguments.size() != 1) return fail(ErrorKind::permanent, "takes the name of a list");
    const auto lists = address_lists(setup);
    const auto found = lists->find(setup.arguments[0]);
    if (found == lists->end())
      return fail(ErrorKind::permanent, "there is no address list " + setup.arguments[0]);
    return [lists, list = &found->second, addresses](const EvalCall& call) {
      return EvalAnswer::of(any_matches(*list, addresses(call)));
    };
  };
}

std::vector<std::string> reply_to(const EvalCall& call) {
  std::string address = first_of(call, "Reply-To:addr");
  return address.empty() ? std::vector<std::string>{} : std::vector{std::move(address)};
}

// --- welcomelist_from_rcvd address domain ---

struct RelayEntry {
  std::string glob;
  std::string domain;  // or "[network]"
};

std::vector<std::string_view> two_words(std::string_view value) {
  std::vector<std::string_view> words;
  each_enlisted(value, "", [&](std::string_view, std::string_view word) { words.push_back(word); });
  return words;
}

// Each line's address and domain; an "un" line takes an address off again.
std::shared_ptr<const std::vector<RelayEntry>> relay_list(const EvalSetup& setup, std::string_view key) {
  return setup.shared.of<std::vector<RelayEntry>>(key, [&] {
    std::vector<RelayEntry> entries;
    for (const Settings::Line& line : setup.settings.lines(key)) {
      const auto words = two_words(line.value);
      if (line.key != key)
        for (const std::string_view glob : words)
          std::erase_if(entries, [&](const RelayEntry& entry) { return entry.glob == lower(glob); });
      else if (words.size() >= 2)
        entries.push_back({lower(words[0]), std::string(words[1])});
    }
    return entries;
  });
}

bool relay_belongs(const Relay& relay, std::string_view domain) {
  if (domain.starts_with('[')) {
    const std::size_t close = std::min(domain.find(']'), domain.size());
    Networks network;
    const std::string text = std::string(domain.substr(1, close - 1)) +
                             std::string(domain.substr(std::min(close + 1, domain.size())));
    const auto address = parse_address(relay.ip);
    return address && network.add(text) && network.contains(*address);
  }
  return ends_nocase(relay.rdns, domain) &&
         (relay.rdns.size() == domain.size() || relay.rdns[relay.rdns.size() - domain.size() - 1] == '.');
}

std::vector<const Relay*> judged_relays(const EvalCall& call) {
  const RelayChain& chain = call.message.relays();
  std::vector<const Relay*> relays;
  if (!chain.untrusted.empty())
    relays.push_back(&chain.untrusted.front());
  else
    for (const Relay& relay : chain.trusted) relays.push_back(&relay);
  return relays;
}

enum class Listed : signed char { forged = -1, no = 0, yes = 1 };

Listed in_relay_list(const EvalCall& call, const std::vector<RelayEntry>& entries,
                     const GlobList& relayed_by_any) {
  const std::vector<const Relay*> relays = judged_relays(call);
  if (relays.empty() || entries.empty()) return Listed::no;
  Listed listed = Listed::no;
  for (const std::string& one : from_addresses(call)) {
    const std::string address = lower(one);
    for (const RelayEntry& entry : entries) {
      if (!glob_matches(entry.glob, address)) continue;
      if (std::ranges::any_of(relays,
                              [&](const Relay* relay) { return relay_belongs(*relay, entry.domain); }))
        return Listed::yes;
      if (!relayed_by_any.matches(address)) listed = Listed::forged;
    }
  }
  return listed;
}

struct WelcomeLists {
  std::shared_ptr<const GlobList> from;
  std::shared_ptr<const std::vector<RelayEntry>> own, defaults;
  std::shared_ptr<const GlobList> relayed_by_any;

  explicit WelcomeLists(const EvalSetup& setup)
      : from(glob_list(setup, "welcomelist_from")),
        own(relay_list(setup, "welcomelist_from_rcvd")),
        defaults(relay_list(setup, "def_welcomelist_from_rcvd")),
        relayed_by_any(glob_list(setup, "welcomelist_allows_relays")) {}

  Listed by_own(const EvalCall& call) const {
    if (!from->empty() && any_matches(*from, from_addresses(call))) return Listed::yes;
    return in_relay_list(call, *own, *relayed_by_any);
  }
  Listed by_default(const EvalCall& call) const { return in_relay_list(call, *defaults, *relayed_by_any); }
};

EvalFactory in_welcome_lists(bool (*test)(const WelcomeLists&, const EvalCall&)) {
  return [test](const EvalSetup& setup) -> Result<EvalFunction> {
    return [lists = WelcomeLists(setup), test](const EvalCall& call) {
      return EvalAnswer::of(test(lists, call));
    };
  };
}

bool is_welcome(const WelcomeLists& lists, const EvalCall& call) {
  return lists.by_own(call) == Listed::yes;
}
bool is_welcome_by_default(const WelcomeLists& lists, const EvalCall& call) {
  return lists.by_default(call) == Listed::yes;
}
bool is_forged(const WelcomeLists& lists, const EvalCall& call) {
  return lists.by_own(call) == Listed::forged && lists.by_default(call) == Listed::no;
}
bool is_forged_default(const WelcomeLists& lists, const EvalCall& call) {
  return lists.by_default(call) == Listed::forged && lists.by_own(call) == Listed::no;
}

// The envelope's sender and the relay belong to one domain.
EvalAnswer check_mailfrom_matches_rcvd(const EvalCall& call, Arguments) {
  const std::string sender = first_of(call, "EnvelopeFrom:addr");
  const std::size_t sign = sender.rfind('@');
  if (sign == std::string::npos || !contains(std::string_view(sender).substr(sign), "."))
    return EvalAnswer::of(false);
  const RegistrarBoundaries& registrars = call.message.settings().registrars;
  const std::string domain =
      registrars.trim_domain(canonical_host(std::string_view(sender).substr(sign + 1)));
  return EvalAnswer::of(std::ranges::any_of(judged_relays(call), [&](const Relay* relay) {
    return !relay->rdns.empty() && registrars.trim_domain(canonical_host(relay->rdns)) == domain;
  }));
}

// --- subjects ---

EvalFactory subject_in(std::string_view key) {
  return [key](const EvalSetup& setup) -> Result<EvalFunction> {
    std::vector<std::string> globs;
    for (const Settings::Line& line : setup.settings.lines(key))
      globs.push_back("*" + lower(trim(line.value)) + "*");
    return [globs = std::move(globs)](const EvalCall& call) {
      const std::string subject = lower(first_of(call, "Subject"));
      if (subject.empty()) return EvalAnswer::of(false);
      return EvalAnswer::of(
          std::ranges::any_of(globs, [&](const std::string& glob) { return glob_matches(glob, subject); }));
    };
  };
}

// --- enlist_uri_host (NAME) host ... ---

// Of each list: what is in it, and what "!" takes out.
using HostLists = std::map<std::string, std::map<std::string, bool, std::less<>>, std::less<>>;

// welcomelist_uri_host and blocklist_uri_host are the lists WELCOME and BLOCK.
std::shared_ptr<const HostLists> host_lists(const EvalSetup& setup) {
  return setup.shared.of<HostLists>("enlist_uri_host", [&] {
    HostLists lists;
    for (const auto& [key, otherwise] :
         {std::pair{"uri_host", ""}, std::pair{"welcomelist_uri_host", "WELCOME"},
          std::pair{"blocklist_uri_host", "BLOCK"}})
      for (const Settings::Line& line : setup.settings.lines(key))
        each_enlisted(line.value, otherwise, [&](std::string_view name, std::string_view host) {
          const bool out = host.starts_with('!');
          const std::string domain = lower(out ? host.substr(1) : host);
          if (line.key.starts_with("delist_"))
            lists[std::string(name)].erase(domain);
          else
            lists[std::string(name)][domain] = !out;
        });
    return lists;
  });
}

constexpr std::size_t kLabelsLooked = 10;

// The host, then each domain that it lies in: the first that is listed decides.
bool is_enlisted(std::string_view host, const std::map<std::string, bool, std::less<>>& list) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (parse_address(host)) return list.contains(host) && list.find(host)->second;
  while (static_cast<std::size_t>(std::ranges::count(host, '.')) >= kLabelsLooked)
    host.remove_prefix(host.find('.') + 1);
  for (;;) {
    const auto found = list.find(host);
    if (found != list.end()) return found->second;
    const std::size_t dot = host.find('.');
    if (dot == kNowhere) return false;
    host.remove_prefix(dot + 1);
  }
}

EvalFactory uri_host_in(std::string_view fixed) {
  return [fixed](const EvalSetup& setup) -> Result<EvalFunction> {
    const std::string name(fixed.empty() && !setup.arguments.empty() ? std::string_view(setup.arguments[0])
                                                                     : fixed);
    const auto lists = host_lists(setup);
    const auto found = lists->find(name);
    const auto* list = found == lists->end() ? nullptr : &found->second;
    return [lists, list](const EvalCall& call) {
      if (list == nullptr) return EvalAnswer::of(false);
      for (const UriDetail& uri : call.message.uri_details()) {
        if (starts_nocase(uri.uri, "mailto:")) continue;
        for (const auto& [host, domain] : uri.hosts)
          if (is_enlisted(host, *list)) return EvalAnswer::of(true);
      }
      return EvalAnswer::of(false);
    };
  };
}

}  // namespace

void add_list_evals(EvalRegistry& registry) {
  const auto both_spellings = [&](std::string_view name, const EvalFactory& make) {
    registry.add(name, make);
    std::string old(name);
    const std::size_t welcome = old.find("welcomelist");
    const std::size_t block = old.find("blocklist");
    if (welcome != std::string::npos) old.replace(welcome, 11, "whitelist");
    if (block != std::string::npos) old.replace(block, 9, "blacklist");
    registry.add(old, make);
  };
  both_spellings("check_from_in_blocklist", in_list("blocklist_from", Whom::from));
  both_spellings("check_to_in_blocklist", in_list("blocklist_to", Whom::to));
  both_spellings("check_to_in_welcomelist", in_list("welcomelist_to", Whom::to));
  registry.add("check_to_in_more_spam", in_list("more_spam_to", Whom::to));
  registry.add("check_to_in_all_spam", in_list("all_spam_to", Whom::to));
  both_spellings("check_from_in_welcomelist", in_welcome_lists(is_welcome));
  both_spellings("check_from_in_default_welcomelist", in_welcome_lists(is_welcome_by_default));
  both_spellings("check_forged_in_welcomelist", in_welcome_lists(is_forged));
  both_spellings("check_forged_in_default_welcomelist", in_welcome_lists(is_forged_default));
  registry.add("check_from_in_list", in_named_list(from_addresses));
  registry.add("check_to_in_list", in_named_list(to_addresses));
  registry.add("check_replyto_in_list", in_named_list(reply_to));
  registry.add("check_mailfrom_matches_rcvd", {0, 0}, check_mailfrom_matches_rcvd);
  both_spellings("check_subject_in_welcomelist", subject_in("welcomelist_subject"));
  both_spellings("check_subject_in_blocklist", subject_in("blocklist_subject"));
  registry.add("check_uri_host_listed", uri_host_in(""));
  both_spellings("check_uri_host_in_welcomelist", uri_host_in("WELCOME"));
  both_spellings("check_uri_host_in_blocklist", uri_host_in("BLOCK"));
}

}  // namespace ringpost::filter
