// The way to a domain: RFC 5321 §5.1 over Resolver::ask.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "ringpost/resolve/limits.hpp"
#include "ringpost/resolve/resolver.hpp"

#include "state.hpp"

namespace ringpost::resolve {
namespace {

dns::Type type_of(IpVersion version) {
  return version == IpVersion::ipv4 ? dns::Type::a : dns::Type::aaaa;
}

// RFC 5321 §4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]"; without the tag too, for it is what people write.
std::optional<std::string_view> literal_of(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "ipv6:";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  if (text.size() > kTag.size() && std::ranges::equal(text.substr(0, kTag.size()), kTag, same))
    text.remove_prefix(kTag.size());
  return text;
}

// An operator's host that cannot be found is a slip in the configuration: mail waits until it is mended.
void refuse_named_host(Route& route) {
  route.refusal = dns::MxRefusal{.kind = ErrorKind::temporary,
                                 .status = "4.3.5",
                                 .text = fmt::format("the configured host {} has no address", route.domain)};
}

void refuse_bad_domain(Route& route) {
  if (route.named)
    refuse_named_host(route);
  else
    route.refusal = dns::bad_domain(route.domain);
}

void conclude_without_host(Route& route) {
  if (route.lookup_failed)
    route.refusal = dns::lookup_failed(route.domain, dns::Status::servfail);
  else if (route.named)
    refuse_named_host(route);
  else
    route.refusal = dns::no_usable_host(route.domain);
}

// Takes the hosts of the most preferred group.
std::vector<dns::MxHost> take_group(std::vector<dns::MxHost>& unresolved) {
  const std::uint16_t preference = unresolved.front().preference;
  const auto end = std::ranges::find_if(
      unresolved, [&](const dns::MxHost& host) { return host.preference != preference; });
  std::vector<dns::MxHost> group(std::make_move_iterator(unresolved.begin()), std::make_move_iterator(end));
  unresolved.erase(unresolved.begin(), end);
  return group;
}

}  // namespace

std::optional<dns::Answer> Resolver::State::local_answer(const dns::Question& question) const {
  if (question.type == dns::Type::a && hosts.knows(question.name))
    return hosts.find(question.name, IpVersion::ipv4);
  if (question.type == dns::Type::aaaa && hosts.knows(question.name))
    return hosts.find(question.name, IpVersion::ipv6);
  return std::nullopt;
}

bool Resolver::State::is_own(const Endpoint& endpoint) const {
  return std::ranges::find(identity.endpoints, endpoint) != identity.endpoints.end();
}

bool Resolver::State::reaches(IpVersion version) const {
  return std::ranges::find(identity.versions, version) != identity.versions.end();
}

void Resolver::State::start_addresses(const dns::Name& host) {
  if (hosts.knows(host)) return;
  for (const IpVersion version : identity.versions) (void)cache.want({host, type_of(version)});
}

bool Resolver::take_literal(Route& route) {
  const auto literal = literal_of(route.domain);
  if (!literal) return false;
  const auto address = parse_address(*literal);
  if (!address) {
    refuse_bad_domain(route);
    return true;
  }
  const Endpoint endpoint{*address, route.port};
  if (state_->is_own(endpoint))
    route.refusal = dns::loops_back(route.domain);
  else if (!state_->reaches(address->version()))
    conclude_without_host(route);
  else
    route.hosts.push_back({.name = route.domain, .implicit = true, .endpoints = {endpoint}});
  return true;
}

Task<Route> Resolver::resolve_mx(std::string domain, Instant deadline, std::uint16_t port) {
  Route route{.domain = std::move(domain), .port = port};
  if (take_literal(route)) co_return route;
  const auto name = dns::Name::parse(route.domain);
  if (!name || name->is_root()) {
    refuse_bad_domain(route);
    co_return route;
  }
  const dns::Question question{*name, dns::Type::mx};
  dns::Answer mx = co_await ask(question, deadline);
  // A name of the hosts file exists, whatever DNS says: its mail goes to its address.
  if (!mx.ok() && state_->hosts.knows(*name)) mx = {.status = dns::Status::nodata};
  route.authentic = mx.authentic;
  auto hosts = dns::order_mx(*name, mx, state_->identity.names, core_.random());
  if (!hosts) {
    route.refusal = std::move(hosts).error();
    co_return route;
  }
  route.unresolved = std::move(*hosts);
  co_await host(route, 0, deadline);
  co_return route;
}

Task<Route> Resolver::resolve_host(std::string host_name, Instant deadline, std::uint16_t port) {
  Route route{.domain = std::move(host_name), .port = port, .named = true};
  if (take_literal(route)) co_return route;
  const auto name = dns::Name::parse(route.domain);
  if (!name || name->is_root()) {
    refuse_bad_domain(route);
    co_return route;
  }
  route.unresolved.push_back({.name = *name, .implicit = true});
  co_await host(route, 0, deadline);
  co_return route;
}

Task<const MailHost*> Resolver::host(Route& route, std::size_t index, Instant deadline) {
  while (index >= route.hosts.size()) {
    if (route.unresolved.empty()) {
      if (route.hosts.empty() && !route.refusal) conclude_without_host(route);
      co_return nullptr;
    }
    co_await resolve_group(route, deadline);
  }
  co_return &route.hosts[index];
}

// A whole group, because one of equal preference that is ourselves rules out the others (RFC 5321 §5.1).
Task<void> Resolver::resolve_group(Route& route, Instant deadline) {
  const std::vector<dns::MxHost> group = take_group(route.unresolved);
  for (const dns::MxHost& host : group) state_->start_addresses(host.name);
  std::vector<MailHost> found;
  for (const dns::MxHost& host : group) {
    MailHost resolved = co_await resolve_addresses(route, host, deadline);
    if (std::ranges::any_of(resolved.endpoints, [&](const Endpoint& one) { return state_->is_own(one); })) {
      route.unresolved.clear();
      if (route.hosts.empty()) route.refusal = dns::loops_back(route.domain);
      co_return;
    }
    if (!resolved.endpoints.empty()) found.push_back(std::move(resolved));
  }
  std::ranges::move(found, std::back_inserter(route.hosts));
}

Task<MailHost> Resolver::resolve_addresses(Route& route, const dns::MxHost& host, Instant deadline) {
  MailHost resolved{.name = host.name.to_string(),
                    .preference = host.preference,
                    .implicit = host.implicit,
                    .authentic = true};
  for (const IpVersion version : state_->identity.versions) {
    const dns::Question question{host.name, type_of(version)};
    const dns::Answer answer = co_await ask(question, deadline);
    if (answer.temporary()) route.lookup_failed = true;
    if (!answer.authentic) resolved.authentic = false;
    std::size_t taken = 0;
    for (const dns::Data& data : answer.records) {
      const IpAddress* address = std::get_if<IpAddress>(&data);
      // An IPv4 address that is mapped into an AAAA record is no IPv6 address, and nobody publishes it in earnest.
      if (address == nullptr || address->version() != version || taken++ == kHostAddressesMax) continue;
      resolved.endpoints.push_back({*address, route.port});
    }
  }
  co_return resolved;
}

}  // namespace ringpost::resolve
