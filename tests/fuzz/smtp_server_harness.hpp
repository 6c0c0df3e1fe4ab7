// One SMTP conversation as the server sees it: the client's bytes whole, and split, with the same outcome.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ringpost/smtp/server_session.hpp"

#include "fuzz_input.hpp"
#include "unit/smtp/server_driver.hpp"

namespace ringpost::fuzz {

struct Outcome {
  std::string output;
  std::vector<std::string> events;
  std::vector<smtp::testing::ReceivedMail> mails;
  bool operator==(const Outcome&) const = default;
};

inline std::string describe(const Outcome& outcome) {
  return fmt::format("{}[{}] {} mails", outcome.output, fmt::join(outcome.events, "; "),
                     outcome.mails.size());
}

// Bits of `choice`: what the listener was told.
inline smtp::ServerSettings server_settings(std::uint8_t choice) {
  smtp::ServerSettings settings;
  if ((choice & 1U) != 0) settings.dialect = smtp::Dialect::lmtp;
  if ((choice & 2U) != 0) settings.tls = smtp::TlsOffer::offered;
  if ((choice & 4U) != 0) {
    settings.mechanisms = sasl::MechanismSet::passwords();
    settings.auth_needs_tls = false;
  }
  if ((choice & 8U) != 0) settings.bare_line_ending = smtp::BareLineEnding::normalise;
  if ((choice & 16U) != 0) {
    settings.message_size_max = 40_B;
    settings.recipients_max = 3;
    settings.text_line_max = 20_B;
    settings.errors_max = 5;
  }
  if ((choice & 32U) != 0) settings.strict_8bit = true;
  if ((choice & 64U) != 0) settings.smtputf8 = false;
  // What follows a group's end in the same packet is refused; whether something does is a matter of splits.
  settings.refuse_unauthorised_pipelining = (choice & 128U) != 0;
  return settings;
}

// What the session holds may grow with what the client said, not beyond: an entry and its text for each recipient, in
// vectors that double.
inline void check_memory(const smtp::ServerSession& session, std::size_t said) {
  constexpr std::size_t kAtRest = 64 * 1024;
  RP_ASSERT(session.memory_used() <= kAtRest + 32 * said);
}

// After its last event a session eats what comes and says nothing new.
inline void check_silence(smtp::testing::TestServer& server) {
  if (!server.ended() || !server.session.closed()) return;
  for (int i = 0; i < 2; ++i) {
    std::span<const std::byte> more = scan::as_bytes("NOOP\r\nMAIL FROM:<a@example.com>\r\n");
    const smtp::Event event = server.session.next(more);
    RP_ASSERT(event.kind == smtp::Event::Kind::quit || event.kind == smtp::Event::Kind::closed);
    RP_ASSERT(more.empty());
  }
  RP_ASSERT(server.session.output().empty());
}

template <class NextSize>
Outcome converse(const smtp::ServerSettings& settings, std::span<const std::string_view> turns,
                 NextSize next_size, std::size_t room) {
  smtp::testing::TestServer server(settings);
  server.greeted();
  server.target_bytes = room;
  std::size_t said = 0;
  for (const std::string_view turn : turns) {
    std::string_view rest = turn;
    while (!rest.empty()) {
      const Exact piece(rest.substr(0, next_size()));
      said += piece.text().size();
      const bool more = server.feed(piece.text());
      check_memory(server.session, said);
      if (!more) break;
      rest.remove_prefix(piece.text().size());
    }
  }
  check_silence(server);
  return {std::move(server.output), std::move(server.events), std::move(server.mails)};
}

// A body with several faults is refused for the one that is seen first, and that is a matter of where the bytes were
// split. That it is refused is not.
inline Outcome without_reasons(Outcome outcome) {
  for (const smtp::FixedReply* reply : {&smtp::replies::kBareInBody, &smtp::replies::kLongTextLine,
                                        &smtp::replies::kUndeclared8bit, &smtp::replies::kTooLarge}) {
    std::string line;
    mail::append_reply(*reply, line);
    for (auto at = outcome.output.find(line); at != std::string::npos; at = outcome.output.find(line, at))
      outcome.output.replace(at, line.size(), "5yz refused\r\n");
  }
  for (std::string& event : outcome.events) {
    if (event.starts_with("reset ")) event = "reset 5yz";
  }
  return outcome;
}

// Runs it whole and in pieces. With unauthorised pipelining refused, pieces are another conversation: then only the
// session's own statements are checked.
inline Outcome check_splits(const smtp::ServerSettings& settings, std::span<const std::string_view> turns,
                            std::uint8_t seed) {
  const Outcome whole = converse(settings, turns, [] { return std::string_view::npos; }, 4096);
  Sizes sizes(seed);
  const std::size_t longest = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 7 : 100;
  const Outcome pieces = converse(settings, turns, [&] { return sizes(longest); }, 2 + sizes(40));
  const bool same =
      settings.refuse_unauthorised_pipelining || without_reasons(whole) == without_reasons(pieces);
  if (!same) fmt::print(stderr, "whole:\n{}\npieces:\n{}\n", describe(whole), describe(pieces));
  RP_ASSERT(same);
  return whole;
}

}  // namespace ringpost::fuzz
