#include "ringpost/smtp/client_session.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::smtp {

using Kind = ClientEvent::Kind;
using Reason = ClientEvent::Reason;

ClientSession::ClientSession(const ClientSettings& settings) : settings_(&settings) {
  expect(Expect::greeting);
}
ClientSession::ClientSession(ClientSession&&) noexcept = default;
ClientSession& ClientSession::operator=(ClientSession&&) noexcept = default;
ClientSession::~ClientSession() {
  if (output_secret_) sasl::wipe(output_);
}

ClientEvent ClientSession::next(Input& input) {
  for (;;) {
    if (phase_ == Phase::closed) {
      input = {};
      return close(reason_);
    }
    if (body_announced_) {
      body_announced_ = false;
      return transaction_event(Kind::send_body, transactions_.back());
    }
    if (const MaybeEvent done = finish_when_done()) return *done;
    if (!transactions_.empty() && transactions_.front().premature) {
      return break_off("the message was refused before its end");
    }
    RP_ASSERT(phase_ != Phase::in_tls);
    if (!take_reply(input)) {
      if (phase_ == Phase::closed) continue;
      if (!lost_) return event(Kind::need_input);
      return close(phase_ == Phase::quitting ? Reason::quit : Reason::lost);
    }
    if (const MaybeEvent happened = on_reply(input)) return *happened;
  }
}

// True when a whole reply is in reply_. False: more input is needed, or the peer was hung up on.
bool ClientSession::take_reply(Input& input) {
  while (!input.empty()) {
    const void* const found = std::memchr(input.data(), '\n', input.size());
    const std::size_t size =
        found == nullptr ? input.size()
                         : static_cast<std::size_t>(static_cast<const std::byte*>(found) - input.data()) + 1;
    const std::string_view part = scan::as_text(input.first(size));
    input = input.subspan(size);
    if (line_.size() + part.size() > kPeerReplyLineBytesMax) {
      break_off("reply line too long");
      return false;
    }
    if (found == nullptr || !line_.empty()) line_ += part;
    if (found == nullptr) return false;
    const bool complete = feed_line(line_.empty() ? part : std::string_view(line_));
    line_.clear();
    if (complete) return true;
    if (phase_ == Phase::closed) return false;
  }
  return false;
}

// A reply line may end in a bare LF: nothing that follows it is executed, so leniency costs nothing here.
bool ClientSession::feed_line(std::string_view line) {
  line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
  switch (parser_.feed(line)) {
    case mail::ReplyParser::Progress::more:
      return false;
    case mail::ReplyParser::Progress::complete:
      parser_.take(reply_);
      return true;
    case mail::ReplyParser::Progress::malformed:
      break;
  }
  break_off("malformed reply");
  return false;
}

ClientSession::MaybeEvent ClientSession::on_reply(Input& input) {
  // RFC 5321 section 3.8: whatever it answers, or nothing, the peer closes.
  if (reply_.code == 421) return close(Reason::shutdown);
  if (expected_.empty()) return break_off("reply without a command");
  const Expect what = expected_.front().what;
  answered();
  switch (what) {
    case Expect::greeting:
      return on_greeting();
    case Expect::ehlo:
      return on_ehlo();
    case Expect::helo:
      return on_helo();
    case Expect::starttls:
      return on_starttls(input);
    case Expect::auth:
      return on_auth();
    case Expect::rset:
      write_more();
      return std::nullopt;
    case Expect::mail:
      return on_mail();
    case Expect::rcpt:
      return on_rcpt();
    case Expect::data:
      return on_data();
    case Expect::body:
      return on_body();
    case Expect::nothing_sent:
      return on_nothing_sent();
    case Expect::noop:
      return event(Kind::ready);
    case Expect::quit:
      return close(Reason::quit);
  }
  return break_off("reply without a command");
}

void ClientSession::expect(Expect what) {
  ++commands_in_flight_;
  if (!expected_.empty() && expected_.back().what == what && what == Expect::rcpt) {
    ++expected_.back().count;
  } else {
    expected_.push_back({what});
  }
}

void ClientSession::answered() {
  --commands_in_flight_;
  if (--expected_.front().count == 0) expected_.erase(expected_.begin());
}

ClientEvent ClientSession::event(Kind kind) const {
  ClientEvent made;
  made.kind = kind;
  return made;
}

ClientEvent ClientSession::close(Reason reason) {
  if (phase_ != Phase::closed && reason == Reason::lost) {
    reply_ = {451, {4, 4, 2}, fmt::format("Connection lost, waiting for {}", waiting_for())};
  }
  phase_ = Phase::closed;
  reason_ = reason;
  exchange_.reset();
  ClientEvent closed = event(Kind::closed);
  closed.reason = reason;
  return closed;
}

ClientEvent ClientSession::break_off(std::string_view why) {
  reply_ = {451, {4, 5, 0}, fmt::format("Protocol error: {}", why)};
  return close(Reason::protocol);
}

void ClientSession::noop() {
  RP_ASSERT(phase_ == Phase::ready && transactions_.empty());
  output_ += "NOOP\r\n";
  expect(Expect::noop);
}

void ClientSession::quit() {
  if (phase_ == Phase::closed) return;
  RP_ASSERT(transactions_.empty() || transactions_.back().body == BodyStep::sent);
  output_ += "QUIT\r\n";
  expect(Expect::quit);
  phase_ = Phase::quitting;
}

void ClientSession::lost_connection() {
  lost_ = true;
}

std::string_view ClientSession::waiting_for() const {
  // In the order of Expect.
  constexpr std::array<std::string_view, 13> kNames{"greeting",    "EHLO", "HELO", "STARTTLS", "AUTH",
                                                    "RSET",        "MAIL", "RCPT", "DATA",     "end of data",
                                                    "end of data", "NOOP", "QUIT"};
  if (expected_.empty()) return "nothing";
  if (expected_.front().what == Expect::ehlo && settings_->lmtp) return "LHLO";
  return kNames[static_cast<std::size_t>(expected_.front().what)];
}

void ClientSession::output_sent(std::size_t bytes) {
  RP_ASSERT(bytes <= output().size());
  output_sent_ += bytes;
  if (output_sent_ < output_.size()) return;
  output_sent_ = 0;
  if (std::exchange(output_secret_, false)) sasl::wipe(output_);
  if (output_.capacity() > kIdleBufferBytes) {
    std::string().swap(output_);  // assigning would keep the room
  } else {
    output_.clear();
  }
}

std::size_t ClientSession::memory_used() const {
  return sizeof(*this) + output_.capacity() + line_.capacity() + reply_.text.capacity() +
         expected_.capacity() * sizeof(Expected) + transactions_.capacity() * sizeof(Transaction);
}

}  // namespace ringpost::smtp
