#include "ringpost/deliver/router.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"

namespace ringpost::deliver {

namespace {

constexpr std::uint16_t kSmtpPort = 25;

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    return fail(ErrorKind::permanent, fmt::format("\"{}\" is not a port", text));
  return port;
}

// "relay.example.net", "relay.example.net:587", "[2001:db8::1]:25"; a bare IPv6 address has no port.
Result<Route> parse_server(Via via, std::string_view text) {
  Route route{.via = via, .port = via == Via::smtp ? kSmtpPort : std::uint16_t{0}};
  std::size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos)
      return fail(ErrorKind::permanent, "the address lacks its closing bracket");
    colon = close + 1 < text.size() && text[close + 1] == ':' ? close + 1 : std::string_view::npos;
    if (close + 1 != text.size() && colon == std::string_view::npos)
      return fail(ErrorKind::permanent,
                  fmt::format("\"{}\" stands after the address", text.substr(close + 1)));
  } else if (colon != text.find(':')) {
    return fail(ErrorKind::permanent, "an IPv6 address must stand in brackets");
  }
  if (colon != std::string_view::npos) route.port = RP_TRY(parse_port(text.substr(colon + 1)));
  route.host = text.substr(0, colon);
  if (route.host.starts_with('[')) route.host = route.host.substr(1, route.host.size() - 2);
  if (route.host.empty()) return fail(ErrorKind::permanent, "the server has no name");
  if (route.port == 0) return fail(ErrorKind::permanent, "the server needs a port");
  return route;
}

// What a route matches, as domains are kept: lower case, A-labels. "*" and a leading dot stay.
Result<std::string> canonical_pattern(std::string_view domain) {
  if (domain == "*") return std::string(domain);
  const bool below = domain.starts_with('.');
  std::string canonical(below ? "." : "");
  const std::string_view name = below ? domain.substr(1) : domain;
  const bool valid = name.starts_with('[') || mail::is_valid_domain(name, true);
  if (!valid || !mail::append_canonical_domain(name, canonical))
    return fail(ErrorKind::permanent, fmt::format("\"{}\" is not a domain, \".domain\" or \"*\"", domain));
  return canonical;
}

}  // namespace

std::string Route::key(std::string_view domain) const {
  switch (via) {
    case Via::mx:
      return std::string(domain);
    case Via::smtp:
      return fmt::format("smtp:{}:{}", host, port);
    case Via::lmtp:
      return fmt::format("lmtp:{}:{}", host, port);
    case Via::mailbox:
      return {};
    case Via::discard:
      return "discard";
  }
  return {};
}

Result<Route> parse_via(std::string_view via) {
  if (via == "mx") return Route{.via = Via::mx};
  if (via == "mailbox") return Route{.via = Via::mailbox};
  if (via == "discard") return Route{.via = Via::discard};
  if (via.starts_with("smtp:")) return parse_server(Via::smtp, via.substr(5));
  if (via.starts_with("lmtp:")) return parse_server(Via::lmtp, via.substr(5));
  return fail(ErrorKind::permanent, fmt::format("\"{}\" is no way to send mail", via));
}

Result<void> check_match(std::string_view domain) {
  RP_CHECK(canonical_pattern(domain));
  return {};
}

Result<Route> lmtp_route(std::string_view server) {
  Route route = RP_TRY(parse_server(Via::lmtp, server));
  route.name = "local";
  return route;
}

std::vector<RouteConflict> find_conflicts(const Named<RouteOptions>& routes) {
  std::vector<RouteConflict> conflicts;
  std::map<std::string, std::string> seen;
  for (const auto& [name, options] : routes) {
    const auto pattern = canonical_pattern(options.match.domain);
    if (!pattern) continue;  // is an error of its own
    const auto [entry, added] = seen.emplace(*pattern, name);
    if (!added) conflicts.push_back({entry->second, name, *pattern});
  }
  return conflicts;
}

Result<Router> Router::make(const Named<RouteOptions>& routes,
                            const std::unordered_map<std::string, std::string>& passwords, IsLocal is_local) {
  if (const auto conflicts = find_conflicts(routes); !conflicts.empty())
    return fail(ErrorKind::permanent,
                fmt::format("route.{} and route.{} both match \"{}\": remove one", conflicts.front().first,
                            conflicts.front().second, conflicts.front().domain));
  Router router;
  router.default_.name = "default";
  router.mailboxes_ = {.name = "local", .via = Via::mailbox};
  router.is_local_ = std::move(is_local);
  for (const auto& [name, options] : routes) {
    auto route = parse_via(options.via);
    auto pattern = canonical_pattern(options.match.domain);
    if (!route) return fail(std::move(route.error()).in(fmt::format("route.{}.via", name)));
    if (!pattern) return fail(std::move(pattern.error()).in(fmt::format("route.{}.match", name)));
    route->name = name;
    route->username = options.username;
    if (const auto password = passwords.find(name); password != passwords.end())
      route->password = password->second;
    router.suffixes_ += pattern->starts_with('.') ? 1 : 0;
    router.routes_.emplace(std::move(*pattern), std::move(*route));
  }
  return router;
}

const Route* Router::find_named(std::string_view pattern) const {
  const auto found = routes_.find(pattern);
  return found == routes_.end() ? nullptr : &found->second;
}

const Route& Router::find(std::string_view domain) const {
  if (const Route* exact = find_named(domain)) return *exact;
  if (suffixes_ > 0)
    for (std::size_t dot = domain.find('.'); dot != std::string_view::npos; dot = domain.find('.', dot + 1))
      if (const Route* below = find_named(domain.substr(dot))) return *below;
  if (domain.empty() || (is_local_ && is_local_(domain))) return mailboxes_;
  if (const Route* any = find_named("*")) return *any;
  return default_;
}

}  // namespace ringpost::deliver
