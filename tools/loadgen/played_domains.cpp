#include "played_domains.hpp"

#include <algorithm>

namespace ringpost::loadgen {

namespace {

constexpr std::string_view kExchanger = "mx";

bool is_blank_or_comment(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t\r");
  return first == std::string_view::npos || line[first] == ';' || line[first] == '#';
}

Result<void> read_zone(std::string_view text, dns::Zone& zone) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (is_blank_or_comment(line)) continue;
    if (auto added = zone.add(line); !added)
      return fail(std::move(added).error().in("zone file, line " + std::to_string(number)));
  }
  return {};
}

}  // namespace

Result<void> PlayedDomains::add(std::string_view domain, const Addresses& addresses) {
  const bool wildcard = domain.starts_with("*.");
  if (wildcard) domain.remove_prefix(2);
  auto name = dns::Name::parse(domain);
  if (!name) return fail(std::move(name).error().in("domain " + std::string(domain)));
  const bool fresh = (wildcard ? parents_ : domains_).emplace(std::move(*name), addresses).second;
  if (!fresh) return fail(ErrorKind::permanent, "two play the domain " + std::string(domain));
  return {};
}

Result<PlayedDomains> PlayedDomains::make(const SinkOptions& options, std::string_view zone_text) {
  PlayedDomains played;
  for (const std::string& domain : options.dns.domains) RP_CHECK(played.add(domain, options.dns.addresses));
  for (const Persona& persona : options.personas)
    for (const std::string& domain : persona.domains) RP_CHECK(played.add(domain, persona.listen));
  played.ttl_ = options.dns.ttl;
  RP_CHECK(read_zone(zone_text, played.zone_));
  return played;
}

const PlayedDomains::Addresses* PlayedDomains::player_of(const dns::Name& name) const {
  if (const auto found = domains_.find(name); found != domains_.end()) return &found->second;
  const auto parent = parents_.find(name.parent());
  return parent == parents_.end() ? nullptr : &parent->second;
}

void PlayedDomains::add_addresses(const dns::Question& question, const Addresses& addresses,
                                  dns::Message& message) const {
  for (const IpAddress& address : addresses) {
    const dns::Type type = address.is_ipv4() ? dns::Type::a : dns::Type::aaaa;
    if (type == question.type)
      message.answers.push_back({.owner = question.name, .type = type, .ttl = ttl_, .data = address});
  }
}

void PlayedDomains::add_domain(const dns::Question& question, dns::Message& message) const {
  const dns::Name& domain = question.name;
  if (question.type == dns::Type::mx) {
    const auto exchanger = dns::Name::parse(kExchanger)->under(domain);
    if (exchanger)
      message.answers.push_back(
          {.owner = domain, .type = dns::Type::mx, .ttl = ttl_, .data = dns::Mx{10, *exchanger}});
  }
  if (question.type == dns::Type::txt)
    message.answers.push_back(
        {.owner = domain, .type = dns::Type::txt, .ttl = ttl_, .data = dns::Txt{"v=spf1 a mx -all"}});
}

dns::Message PlayedDomains::respond(const dns::Query& query) const {
  dns::Message message = zone_.respond(query);
  if (message.rcode != dns::Rcode::nxdomain) return message;
  const dns::Question& question = query.question;
  const Addresses* const domain = player_of(question.name);
  const Addresses* player = domain;
  if (player == nullptr && question.name.first_label() == kExchanger)
    player = player_of(question.name.parent());
  if (player == nullptr) return message;
  // What remains of the "there is none" is the SOA, which a name without that type of record needs too.
  message.rcode = dns::Rcode::ok;
  if (domain != nullptr) add_domain(question, message);
  add_addresses(question, *player, message);
  if (!message.answers.empty()) message.authority.clear();
  return message;
}

}  // namespace ringpost::loadgen
