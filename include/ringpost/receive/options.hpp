// [listener.NAME]: where mail comes in, and what a client may do there.
//
// Layer: base only. Read by receive::Service; a reload swaps all but the addresses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::receive {

enum class Protocol : std::uint8_t { smtp, submission, lmtp, imap, pop3, http };
constexpr auto option_choices(const Protocol*) {
  return std::to_array<Choice<Protocol>>({{"smtp", Protocol::smtp},
                                          {"submission", Protocol::submission},
                                          {"lmtp", Protocol::lmtp},
                                          {"imap", Protocol::imap},
                                          {"pop3", Protocol::pop3},
                                          {"http", Protocol::http}});
}
// What an HTTP listener serves.
enum class Serve : std::uint8_t { metrics };
constexpr auto option_choices(const Serve*) {
  return std::to_array<Choice<Serve>>({{"metrics", Serve::metrics}});
}
enum class TlsMode : std::uint8_t { none, offered, required, implicit };
constexpr auto option_choices(const TlsMode*) {
  return std::to_array<Choice<TlsMode>>({{"none", TlsMode::none},
                                         {"offered", TlsMode::offered},
                                         {"required", TlsMode::required},
                                         {"implicit", TlsMode::implicit}});
}
enum class Level : std::uint8_t { disk, relaxed, memory, through };
constexpr auto option_choices(const Level*) {
  return std::to_array<Choice<Level>>({{"disk", Level::disk},
                                       {"relaxed", Level::relaxed},
                                       {"memory", Level::memory},
                                       {"through", Level::through}});
}
enum class BareNewline : std::uint8_t { refuse, normalize };
constexpr auto option_choices(const BareNewline*) {
  return std::to_array<Choice<BareNewline>>(
      {{"refuse", BareNewline::refuse}, {"normalize", BareNewline::normalize}});
}

struct ListenerOptions {
  Protocol protocol = Protocol::smtp;
  std::vector<Endpoint> address;
  std::vector<unsigned> cores;  // that take its connections, by their numbers; empty: all
  std::vector<Serve> serve;     // of an HTTP listener
  TlsMode tls = TlsMode::offered;
  Level durability = Level::disk;
  std::string banner = "ESMTP";
  Bytes message_size_limit = 50_MiB;
  std::uint32_t recipient_limit = 1000;
  std::uint32_t connection_limit = 10'000;
  std::uint32_t client_connection_limit = 50;
  std::optional<Rate> client_connection_rate;
  std::optional<Rate> client_message_rate;
  std::uint32_t messages_per_connection = 0;
  std::uint32_t error_limit = 20;
  Duration command_timeout = 5min;
  Duration greeting_delay = 0s;
  BareNewline bare_newline = BareNewline::refuse;
  bool auth_without_tls = false;
  bool unauthenticate = true;
  Duration login_delay = 0s;
  bool any_sender = false;
  std::vector<Network> proxy_protocol_from;
};
const OptionTable& option_table(const ListenerOptions*);

}  // namespace ringpost::receive
