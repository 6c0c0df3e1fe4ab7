// From received bytes to command lines.
//
// Only CRLF ends a line. A LF that stands alone is refused at once and what follows up to the next CRLF is
// dropped: nothing behind it is ever executed, so nothing can be smuggled past a relay that reads lines in
// another way, and a client that knows only LF gets an answer for each of its lines instead of silence.
#include <algorithm>
#include <cstring>

#include "ringpost/scan/find.hpp"
#include "ringpost/smtp/server_session.hpp"

#include "command_table.hpp"

namespace ringpost::smtp {

namespace {

// What is kept of a line that is dropped: enough to tell which verb it was, however it was split.
constexpr std::size_t kVerbBytes = 8;

}  // namespace

ServerSession::Line ServerSession::take_line(Input& input) {
  const void* const found = input.empty() ? nullptr : std::memchr(input.data(), '\n', input.size());
  if (found == nullptr) {
    keep_part(scan::as_text(input));
    input = {};
    return {};
  }
  const auto size = static_cast<std::size_t>(static_cast<const std::byte*>(found) - input.data()) + 1;
  const std::string_view part = scan::as_text(input.first(size));
  input = input.subspan(size);
  return end_line(part);
}

// `part` ends in LF and is the rest of a line whose front may be in line_.
ServerSession::Line ServerSession::end_line(std::string_view part) {
  const bool front_cr = line_skip_ || line_overlong_ ? line_cr_ : line_.ends_with('\r');
  const bool crlf = part.size() >= 2 ? part[part.size() - 2] == '\r' : front_cr;
  if (line_skip_ && crlf) {
    drop_line();
    line_skip_ = false;
    return {Line::State::refused, {}};
  }
  if (!crlf) {
    const Line refused = refuse_line(replies::kBareLineEnding, part);
    line_skip_ = true;
    return refused;
  }
  if (line_overlong_ || line_.size() + part.size() > kAuthLineBytesMax) {
    return refuse_line(phase_ == Phase::auth ? replies::kAuthLineTooLong : replies::kLineTooLong, part);
  }
  if (!line_.empty()) {
    keep_part(part);
    part = line_;
  }
  const std::string_view text = part.substr(0, part.size() - 2);
  if (text.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos)
    return refuse_line(replies::kBadBytes, text);
  return {Line::State::complete, text};
}

// A line that is refused unread may have been BDAT: then a body follows that would be read as commands.
ServerSession::Line ServerSession::refuse_line(const FixedReply& why, std::string_view part) {
  const bool was_auth = phase_ == Phase::auth;
  auth_.reset();
  if (was_auth) phase_ = Phase::ready;
  std::string verb = line_.substr(0, kVerbBytes);
  verb += part.substr(0, kVerbBytes - verb.size());
  if (begins_with(verb, "BDAT")) {
    note_error();
    hang_up(why);
  } else {
    refuse(why);
  }
  drop_line();
  return {Line::State::refused, {}};
}

// Keeps what arrived of an unfinished line. Bounded: beyond the limit only its end matters.
void ServerSession::keep_part(std::string_view part) {
  if (part.empty()) return;
  if (line_skip_ || line_overlong_ || line_.size() + part.size() > kAuthLineBytesMax) {
    if (line_.size() < kVerbBytes) line_ += part.substr(0, kVerbBytes - line_.size());
    line_overlong_ = line_overlong_ || !line_skip_;
    line_cr_ = part.back() == '\r';
    return;
  }
  if (line_.capacity() < line_.size() + part.size()) {
    // By hand, because growing a string leaves its old bytes behind, and they may be a password.
    std::string larger;
    larger.reserve(std::max(line_.size() + part.size(), std::min(2 * line_.capacity(), kAuthLineBytesMax)));
    larger = line_;
    sasl::wipe(line_);
    line_ = std::move(larger);
  }
  line_.append(part);
}

void ServerSession::drop_line() {
  line_overlong_ = line_cr_ = false;
  if (line_.empty()) return;
  sasl::wipe(line_);
  if (line_.capacity() > kIdleBufferBytes) std::string().swap(line_);  // assigning would keep the room
}

}  // namespace ringpost::smtp
