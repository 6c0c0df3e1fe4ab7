#include "ringpost/pop3/server_session.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::pop3 {

using Kind = Event::Kind;

namespace {

std::string_view text_of(ResponseCode code) {
  switch (code) {
    case ResponseCode::none:
      return "";
    case ResponseCode::in_use:
      return "[IN-USE] ";
    case ResponseCode::login_delay:
      return "[LOGIN-DELAY] ";
    case ResponseCode::sys_temp:
      return "[SYS/TEMP] ";
    case ResponseCode::sys_perm:
      return "[SYS/PERM] ";
    case ResponseCode::auth:
      return "[AUTH] ";
    case ResponseCode::utf8:
      return "[UTF8] ";
  }
  return "";
}

void append_text(std::string_view text, std::string& out) {
  for (const char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

}  // namespace

ServerSession::ServerSession(const ServerSettings& settings, bool secure)
    : settings_(&settings), mechanisms_(settings.mechanisms), secure_(secure) {}
ServerSession::ServerSession(ServerSession&&) noexcept = default;
ServerSession& ServerSession::operator=(ServerSession&&) noexcept = default;
ServerSession::~ServerSession() = default;

void ServerSession::greet() {
  RP_ASSERT(state_ == State::greeting);
  state_ = State::authorization;
  say("+OK", settings_->hostname + ' ' + settings_->banner, ResponseCode::none);
}

Event ServerSession::next(Input& input) {
  RP_ASSERT(state_ != State::greeting);
  RP_ASSERT(!decision_pending());
  for (;;) {
    if (state_ == State::closed) {
      input = {};
      return {Kind::closed};
    }
    RP_ASSERT(phase_ != Phase::tls);
    if (output().size() >= kOutputBytesFlush) return {Kind::flush};
    const std::optional<Event> event = read_line(input);
    if (!event) continue;
    switch (event->kind) {
      case Kind::auth_keys:
      case Kind::auth:
      case Kind::command:
      case Kind::update:
        pending_ = event->kind;
        break;
      default:
        break;
    }
    return *event;
  }
}

// A line that is too long is dropped up to its end, which may be the end of the conversation.
std::optional<Event> ServerSession::read_line(Input& input) {
  const void* const found = input.empty() ? nullptr : std::memchr(input.data(), '\n', input.size());
  const std::size_t size =
      found == nullptr ? input.size()
                       : static_cast<std::size_t>(static_cast<const std::byte*>(found) - input.data()) + 1;
  const std::string_view part = scan::as_text(input.first(size));
  const std::size_t most = state_ == State::authorization ? kAuthLineBytesMax : kCommandLineBytesMax;
  if (phase_ != Phase::skip_line && line_.size() + size > most) {
    dropped_ = line_.size();
    drop_line();
    if (phase_ == Phase::auth)
      fail_auth("the line is too long");
    else
      refuse("the line is too long");
    if (state_ == State::closed) return std::nullopt;
    phase_ = Phase::skip_line;
  }
  input = input.subspan(size);
  if (phase_ == Phase::skip_line) {
    dropped_ += size;
    if (dropped_ > kDroppedLineBytesMax) return close("The line does not end"), std::nullopt;
    if (found != nullptr) phase_ = Phase::line;
    return found == nullptr ? std::optional(Event{Kind::need_input}) : std::nullopt;
  }
  if (line_.empty() && found != nullptr) return on_line(part, input);
  if (line_.capacity() < line_.size() + size) {
    // By hand, because growing a string leaves its old bytes behind, and they may be a password.
    std::string larger;
    larger.reserve(std::max(line_.size() + size, std::min(2 * line_.capacity(), kAuthLineBytesMax)));
    larger = line_;
    sasl::wipe(line_);
    line_ = std::move(larger);
  }
  line_ += part;
  if (found == nullptr) return Event{Kind::need_input};
  const std::optional<Event> event = on_line(line_, input);
  drop_line();
  return event;
}

std::optional<Event> ServerSession::on_line(std::string_view line, Input& input) {
  const bool clean =
      line.ends_with("\r\n") && line.find_first_of(std::string_view("\r\0", 2)) == line.size() - 2;
  constexpr std::string_view kUnclean = "a line ends in CRLF, and holds no CR and no NUL";
  if (phase_ == Phase::auth)
    return clean ? take_turn(auth_->answer(line.substr(0, line.size() - 2))) : fail_auth(kUnclean);
  if (!clean) return refuse(kUnclean), std::nullopt;
  return execute(line.substr(0, line.size() - 2), input);
}

std::optional<Event> ServerSession::carry_out(Command command) {
  errors_ = 0;
  command_ = command;
  return Event{Kind::command};
}

void ServerSession::ok(std::string_view text) {
  RP_ASSERT(pending_ == Kind::command || pending_ == Kind::update);
  say("+OK", text, ResponseCode::none);
  if (std::exchange(pending_, Kind::need_input) == Kind::update) state_ = State::closed;
}

void ServerSession::error(std::string_view text, ResponseCode code) {
  RP_ASSERT(pending_ == Kind::command || pending_ == Kind::update);
  say("-ERR", text, code);
  if (std::exchange(pending_, Kind::need_input) == Kind::update) state_ = State::closed;
}

void ServerSession::begin_lines(std::string_view text) {
  RP_ASSERT(pending_ == Kind::command);
  say("+OK", text, ResponseCode::none);
}

void ServerSession::line(std::string_view text) {
  if (text.starts_with('.')) output_ += '.';
  append_text(text, output_);
  output_ += "\r\n";
}

void ServerSession::end_lines() {
  output_ += ".\r\n";
  end_message();
}

void ServerSession::end_message() {
  RP_ASSERT(pending_ == Kind::command);
  pending_ = Kind::need_input;
}

// A mistake of the client. Too many in a row end the conversation.
void ServerSession::refuse(std::string_view text, ResponseCode code) {
  say("-ERR", text, code);
  ++protocol_errors_;
  if (++errors_ >= settings_->errors_max) close("Too many errors");
}

void ServerSession::say(std::string_view state, std::string_view text, ResponseCode code) {
  output_ += state;
  if (!text.empty() || code != ResponseCode::none) {
    output_ += ' ';
    output_ += text_of(code);
    append_text(text, output_);
  }
  output_ += "\r\n";
}

void ServerSession::close(std::string_view text, ResponseCode code) {
  if (state_ == State::closed) return;
  say("-ERR", text, code);
  pending_ = Kind::need_input;
  auth_.reset();
  phase_ = Phase::line;
  state_ = State::closed;
}

void ServerSession::drop_line() {
  if (line_.empty()) return;
  sasl::wipe(line_);
  if (line_.capacity() > kIdleBufferBytes) std::string().swap(line_);  // assigning would keep the room
}

void ServerSession::output_sent(std::size_t bytes) {
  RP_ASSERT(bytes <= output().size());
  output_sent_ += bytes;
  if (output_sent_ < output_.size()) return;
  output_sent_ = 0;
  if (output_.capacity() > kIdleBufferBytes) {
    std::string().swap(output_);  // assigning would keep the room
  } else {
    output_.clear();
  }
}

std::size_t ServerSession::memory_used() const {
  constexpr std::size_t kInString = sizeof(std::string) / 2;
  std::size_t bytes = sizeof(*this);
  for (const std::string* text : {&output_, &line_, &login_}) {
    if (text->capacity() >= kInString) bytes += text->capacity() + 1;
  }
  return bytes;
}

}  // namespace ringpost::pop3
