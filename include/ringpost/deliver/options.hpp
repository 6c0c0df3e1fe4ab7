// [route.NAME] and [mailboxes]: where mail goes from here.
//
// Layer: base only.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::deliver {

struct RouteMatch {
  std::string domain = "*";  // "example.com", ".example.com" (its subdomains), "*"
};
const OptionTable& option_table(const RouteMatch*);

struct RouteOptions {
  RouteMatch match;
  std::string via = "mx";  // mx | smtp:HOST[:PORT] | lmtp:HOST:PORT | mailbox | discard
  std::string username;    // AUTH towards a smarthost
  FilePath password_file;
};
const OptionTable& option_table(const RouteOptions*);

struct MailboxesOptions {
  // store | maildir:~/Maildir | mbox:/var/mail/%u | pipe:COMMAND | lmtp:HOST:PORT; %u user, %d domain, %n local part, ~ home
  std::string location = "store";
  Bytes quota = 10_GiB;       // store: of one user, unless he has his own; 0: none
  bool anyone = false;        // store: rights to a mailbox may be given to "anyone"
  bool forward_files = true;  // honour ~/.forward of users of the system
  Duration command_timeout = 5min;
};
const OptionTable& option_table(const MailboxesOptions*);

struct DeliverOptions {     // [deliver]
  std::uint32_t port = 25;  // of the receivers found by MX
  Duration connect_timeout = 30s;
  Duration command_timeout = 5min;  // RFC 5321 section 4.5.3.2
  Duration data_timeout = 10min;
  Duration idle_timeout = 5s;      // how long a connection waits for another message to the same destination
  std::uint32_t flows_max = 2000;  // deliveries at once, each core
};
const OptionTable& option_table(const DeliverOptions*);

}  // namespace ringpost::deliver
