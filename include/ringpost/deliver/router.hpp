// Which way the mail for a domain goes: the most specific of the [route.NAME] tables, or into the mailboxes here.
//
// Layer:  services, pure. Immutable; owner: the Settings of its time.
// Order:  "example.com" before ".example.com" (the longest) before "*". Local domains go to the mailboxes unless a route
//         names them. Without a route for "*": by MX.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/deliver/options.hpp"

namespace ringpost::deliver {

enum class Via : std::uint8_t { mx, smtp, lmtp, mailbox, discard };

struct Route {
  std::string name;  // of the configuration table; "default" and "local" for the built-in ones
  Via via = Via::mx;
  std::string host;  // of smtp and lmtp
  std::uint16_t port = 0;
  std::string username;
  std::string password;
  // What a queue for this way and domain is called: "example.com", "smtp:relay.example.net:25"; "" for mailboxes.
  std::string key(std::string_view domain) const;
};

// "mx", "smtp:HOST[:PORT]", "lmtp:HOST:PORT", "mailbox", "discard"; an IPv6 address stands in brackets.
// The error is a sentence for `ringpost check`.
Result<Route> parse_via(std::string_view via);
// Whether a route may match that: "example.com", ".example.com", "*".
Result<void> check_match(std::string_view domain);
// The server of "127.0.0.1:24", as a local delivery names it.
Result<Route> lmtp_route(std::string_view server);

struct RouteConflict {
  std::string first, second;  // names of the tables
  std::string domain;         // that both match equally well
};
// Two routes that would be a matter of luck: `check` refuses them.
std::vector<RouteConflict> find_conflicts(const Named<RouteOptions>& routes);

class Router {
 public:
  using IsLocal = std::function<bool(std::string_view domain)>;
  // `passwords`: the contents of each password_file, by the name of the route. Errors name the table and the mend.
  static Result<Router> make(const Named<RouteOptions>& routes,
                             const std::unordered_map<std::string, std::string>& passwords, IsLocal is_local);

  // `domain` is canonical; "" is ours. Valid as long as the router.
  const Route& find(std::string_view domain) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  const Route* find_named(std::string_view pattern) const;

  std::unordered_map<std::string, Route, Hash, std::equal_to<>> routes_;  // by what they match
  std::size_t suffixes_ = 0;                                              // how many of them begin with a dot
  Route mailboxes_;
  Route default_;
  IsLocal is_local_;
};

}  // namespace ringpost::deliver
