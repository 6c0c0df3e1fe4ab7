#include "ringpost/deliver/options.hpp"

#include <fmt/format.h>

#include "ringpost/base/option_table.hpp"
#include "ringpost/deliver/router.hpp"

namespace ringpost::deliver {

namespace {

void check(const RouteOptions& options, OptionReport& report) {
  const auto route = parse_via(options.via);
  if (!route) {
    report.error(
        "via", route.error().text,
        "write \"mx\", \"smtp:HOST\", \"smtp:HOST:PORT\", \"lmtp:HOST:PORT\", \"mailbox\" or \"discard\"");
    return;
  }
  if (const auto pattern = check_match(options.match.domain); !pattern)
    report.error("match", pattern.error().text, "write \"example.com\", \".example.com\" or \"*\"");
  if (options.username.empty() && options.password_file.empty()) return;
  if (route->via != Via::smtp)
    report.error("username", "only a route by way of an SMTP server logs in",
                 "remove username and password_file");
  else if (options.username.empty())
    report.error("username", "there is a password_file, but nobody to log in as", "add username");
  else if (options.password_file.empty())
    report.error("password_file", "there is a username, but no password for it", "add password_file");
}

bool known_location(std::string_view location) {
  if (location == "store") return true;
  for (const std::string_view kind : {"maildir:", "mbox:", "pipe:", "lmtp:"})
    if (location.starts_with(kind) && location.size() > kind.size()) return true;
  return false;
}

void check(const MailboxesOptions& options, OptionReport& report) {
  if (!known_location(options.location)) {
    report.error("location", fmt::format("\"{}\" is no place for mail", options.location),
                 "write \"store\", \"maildir:PATH\", \"mbox:PATH\", \"pipe:COMMAND\" or \"lmtp:HOST:PORT\"");
    return;
  }
  if (!options.location.starts_with("lmtp:")) return;
  if (const auto route = parse_via(options.location); !route)
    report.error("location", route.error().text, "write \"lmtp:HOST:PORT\"");
}

}  // namespace

const OptionTable& option_table(const RouteMatch*) {
  static const OptionTable table = options_of<RouteMatch>(
      "match", "Which mail takes a route.",
      {
          field<&RouteMatch::domain>(
              "domain", "The recipient's domain; \".example.com\" is what lies below it, \"*\" anything.",
              example("\".example.com\"")),
      });
  return table;
}

const OptionTable& option_table(const RouteOptions*) {
  static const OptionTable table = options_of<RouteOptions>(
      "route",
      "Where mail goes from here. The most specific match wins: a domain, then the longest suffix, then "
      "\"*\".",
      {
          field<&RouteOptions::match>("match", "Which mail takes this route."),
          field<&RouteOptions::via>(
              "via",
              "mx: the receiver's servers; smtp:HOST[:PORT] or lmtp:HOST:PORT: that server; "
              "mailbox: delivered here; discard: thrown away.",
              example("\"smtp:relay.example.net:587\""), postfix("transport_maps, relayhost")),
          field<&RouteOptions::username>("username",
                                         "Whom to log in as at the server (AUTH PLAIN or LOGIN)."),
          field<&RouteOptions::password_file>("password_file", "A file with the password, in its first line.",
                                              postfix("smtp_sasl_password_maps")),
      },
      [](const RouteOptions& options, OptionReport& report) { check(options, report); });
  return table;
}

const OptionTable& option_table(const MailboxesOptions*) {
  static const OptionTable table = options_of<MailboxesOptions>(
      "mailboxes", "Where mail for users of this host ends.",
      {
          field<&MailboxesOptions::location>("location",
                                             "store (the mailboxes of this server), maildir:PATH, mbox:PATH, "
                                             "pipe:COMMAND or lmtp:HOST:PORT; %u is the address's "
                                             "user, %n its local part, %d its domain, ~ the user's home.",
                                             example("\"maildir:~/Maildir\""),
                                             postfix("home_mailbox, mail_spool_directory, mailbox_command")),
          field<&MailboxesOptions::quota>(
              "quota",
              "How much mail one user may have in the store, unless he has a quota of his own; 0: no bound.",
              range(Bytes{0}, Bytes{std::uint64_t{1} << 50}), postfix("virtual_mailbox_limit")),
          field<&MailboxesOptions::anyone>(
              "anyone",
              "Users may give rights to a mailbox in the store to \"anyone\", that is to all users; the "
              "mailbox then stands in the list of each of them."),
          field<&MailboxesOptions::forward_files>(
              "forward_files", "Honour ~/.forward of users of the system.", postfix("forward_path")),
          field<&MailboxesOptions::command_timeout>(
              "command_timeout", "A pipe command that runs longer is ended and tried again later.",
              range(1s, 1h), postfix("command_time_limit")),
      },
      [](const MailboxesOptions& options, OptionReport& report) { check(options, report); });
  return table;
}

const OptionTable& option_table(const DeliverOptions*) {
  static const OptionTable table = options_of<DeliverOptions>(
      "deliver", "How mail is sent to other servers.",
      {
          field<&DeliverOptions::port>("port", "Of the servers that MX records name.", range(1, 65535)),
          field<&DeliverOptions::connect_timeout>("connect_timeout", "For one address of one host.",
                                                  range(1s, 10min), postfix("smtp_connect_timeout")),
          field<&DeliverOptions::command_timeout>("command_timeout",
                                                  "For the reply to a command, and for the greeting.",
                                                  range(1s, 1h), postfix("smtp_mail_timeout")),
          field<&DeliverOptions::data_timeout>(
              "data_timeout", "For the reply to a whole message; earlier means sending it twice.",
              range(1s, 2h), postfix("smtp_data_done_timeout")),
          field<&DeliverOptions::idle_timeout>(
              "idle_timeout", "How long an open connection waits for another message; 0s: not at all.",
              range(0s, 5min), postfix("smtp_connection_cache_time_limit")),
          field<&DeliverOptions::flows_max>("flows_max", "Deliveries at once, on each core.",
                                            range(1, 100'000), postfix("default_process_limit")),
      });
  return table;
}

}  // namespace ringpost::deliver
