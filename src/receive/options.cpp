#include "ringpost/receive/options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/mail/limits.hpp"

namespace ringpost::receive {

namespace {

void check_http(const ListenerOptions& options, OptionReport& report) {
  const bool http = options.protocol == Protocol::http;
  if (http && options.serve.empty())
    report.error("serve", "an HTTP listener that serves nothing", "write serve = [\"metrics\"]");
  if (!http && !options.serve.empty())
    report.error("serve", "only an HTTP listener serves pages",
                 "set protocol = \"http\", or leave serve away");
  if (http && (options.tls == TlsMode::required || options.tls == TlsMode::implicit))
    report.error("tls", "an HTTP listener speaks clear text",
                 "leave tls away and listen on loopback, behind a proxy that speaks TLS if need be");
  for (const Endpoint& address : options.address)
    if (http && !address.address.is_loopback())
      report.warning("address", to_string(address) + " shows the figures to whoever can connect",
                     "listen on loopback or on the address of an inner network that only Prometheus reaches");
}

void check(const ListenerOptions& options, OptionReport& report) {
  check_http(options, report);
  const bool logs_in = options.protocol == Protocol::submission || options.protocol == Protocol::imap ||
                       options.protocol == Protocol::pop3;
  if (logs_in && options.tls == TlsMode::none && !options.auth_without_tls)
    report.error("tls", "without TLS this listener would never let anybody log in",
                 "set tls = \"required\" or \"implicit\", or auth_without_tls = true on a trusted network");
}

}  // namespace

const OptionTable& option_table(const ListenerOptions*) {
  static const OptionTable table = options_of<ListenerOptions>(
      "listener", "Where mail comes in, and what a client may do there.",
      {
          field<&ListenerOptions::protocol>("protocol",
                                            "What is spoken there; submission asks for AUTH, imap and pop3 "
                                            "let people at their mailboxes, http serves "
                                            "pages.",
                                            needs_restart()),
          field<&ListenerOptions::address>("address", "Addresses and ports to listen on.", required(),
                                           not_empty(), example("[\"0.0.0.0:25\", \"[::]:25\"]"),
                                           postfix("inet_interfaces"), needs_restart()),
          field<&ListenerOptions::cores>(
              "cores", "Numbers of the cores that take its connections, from 0; []: all of them.",
              example("[0, 1]"), needs_restart()),
          field<&ListenerOptions::serve>(
              "serve", "What an HTTP listener serves: metrics, for Prometheus, at /metrics.",
              example("[\"metrics\"]"), needs_restart()),
          field<&ListenerOptions::tls>(
              "tls",
              "offered: STARTTLS may be used; required: no mail without it; implicit: TLS "
              "from the first byte.",
              postfix("smtpd_tls_security_level")),
          field<&ListenerOptions::durability>(
              "durability",
              "When 250 is said: disk, after the message is on stable storage; relaxed, "
              "before (a crash may cost the last 50 ms); memory, kept in memory until "
              "the first failed delivery; through, after the next hop has said it, and nothing is kept."),
          field<&ListenerOptions::banner>("banner", "After the hostname in the greeting.",
                                          postfix("smtpd_banner")),
          field<&ListenerOptions::message_size_limit>("message_size_limit", "Larger messages get 552 5.3.4.",
                                                      range(64_KiB, 1_GiB), postfix("message_size_limit")),
          field<&ListenerOptions::recipient_limit>(
              "recipient_limit",
              "Recipients of one message; more get 452 4.5.3, and so do more than 384 KiB of addresses.",
              range(100, mail::kRecipientsMax), postfix("smtpd_recipient_limit")),
          field<&ListenerOptions::connection_limit>("connection_limit",
                                                    "Open connections; one more gets 421 4.7.0.",
                                                    range(1, 1'000'000), postfix("default_process_limit")),
          field<&ListenerOptions::client_connection_limit>(
              "client_connection_limit", "Open connections of one client address; relay_networks are exempt.",
              range(1, 1'000'000), postfix("smtpd_client_connection_count_limit")),
          field<&ListenerOptions::client_connection_rate>(
              "client_connection_rate", "New connections of one client address; relay_networks are exempt.",
              example("\"60/min\""), postfix("smtpd_client_connection_rate_limit")),
          field<&ListenerOptions::client_message_rate>(
              "client_message_rate", "Messages of one client address; relay_networks are exempt.",
              example("\"600/min\""), postfix("smtpd_client_message_rate_limit")),
          field<&ListenerOptions::messages_per_connection>(
              "messages_per_connection",
              "After so many messages the client is asked to connect anew; 0: no limit."),
          field<&ListenerOptions::error_limit>("error_limit", "Protocol errors before 421 4.7.0.",
                                               range(1, 1000), postfix("smtpd_hard_error_limit")),
          field<&ListenerOptions::command_timeout>("command_timeout",
                                                   "How long to wait for the client's next word.",
                                                   range(1s, 1h), postfix("smtpd_timeout")),
          field<&ListenerOptions::greeting_delay>("greeting_delay",
                                                  "Wait before the greeting; who talks first is refused.",
                                                  range(0s, 30s), postfix("postscreen_greet_wait")),
          field<&ListenerOptions::bare_newline>("bare_newline",
                                                "What happens to a CR or LF that stands alone in a body.",
                                                postfix("smtpd_forbid_bare_newline")),
          field<&ListenerOptions::auth_without_tls>("auth_without_tls", "Let clients log in over clear text.",
                                                    postfix("smtpd_tls_auth_only")),
          field<&ListenerOptions::unauthenticate>("unauthenticate",
                                                  "Let IMAP clients log out and in again on one connection "
                                                  "(RFC 8437). Not behind an IMAP proxy that looks at "
                                                  "logins and passes the rest through."),
          field<&ListenerOptions::login_delay>("login_delay",
                                               "POP3: the least time from one login of a user to the next "
                                               "(RFC 2449); who comes sooner is told [LOGIN-DELAY].",
                                               range(0s, 1h)),
          field<&ListenerOptions::any_sender>("any_sender",
                                              "Let who has logged in use any sender address; otherwise only "
                                              "its own and those of aliases that lead "
                                              "to it, else 553 5.7.1.",
                                              postfix("smtpd_sender_restrictions")),
          field<&ListenerOptions::proxy_protocol_from>(
              "proxy_protocol_from", "Load balancers that begin with a PROXY header, v1 or v2.",
              postfix("smtpd_upstream_proxy_protocol")),
      },
      &check);
  return table;
}

}  // namespace ringpost::receive
