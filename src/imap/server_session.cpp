#include "ringpost/imap/server_session.hpp"

#include <utility>

#include "ringpost/base/assert.hpp"

#include "capabilities.hpp"
#include "line_text.hpp"
#include "reading.hpp"

namespace ringpost::imap {

using Kind = Event::Kind;

ServerSession::ServerSession(const ServerSettings& settings, bool secure)
    : settings_(&settings), mechanisms_(settings.mechanisms), secure_(secure) {}
ServerSession::ServerSession(ServerSession&&) noexcept = default;
ServerSession& ServerSession::operator=(ServerSession&&) noexcept = default;
ServerSession::~ServerSession() = default;

void ServerSession::greet() {
  RP_ASSERT(state_ == State::greeting);
  state_ = State::not_authenticated;
  output_ += "* OK [CAPABILITY ";
  append_own_capabilities();
  output_ += "] ";
  append_line_text(settings_->hostname, output_);
  output_ += ' ';
  append_line_text(settings_->banner, output_);
  output_ += "\r\n";
}

void ServerSession::greet_known(std::string_view login) {
  RP_ASSERT(state_ == State::greeting);
  state_ = State::authenticated;
  login_ = login;
  output_ += "* PREAUTH [CAPABILITY ";
  append_own_capabilities();
  output_ += "] ";
  append_line_text(settings_->hostname, output_);
  output_ += "\r\n";
}

void ServerSession::append_own_capabilities() {
  const bool in = state_ == State::authenticated || state_ == State::selected;
  append_capabilities(*settings_, {in, secure_, compressed_, mechanisms_}, output_);
}

Event ServerSession::next(Input& input) {
  RP_ASSERT(state_ != State::greeting);
  RP_ASSERT(!decision_pending() || phase_ == Phase::idle);
  for (;;) {
    if (queued_ != Kind::need_input) return decide({std::exchange(queued_, Kind::need_input)});
    if (state_ == State::logout) {
      input = {};
      return {farewell_};
    }
    RP_ASSERT(phase_ != Phase::tls && phase_ != Phase::compression);
    if (output().size() >= kOutputBytesFlush) return {Kind::flush};
    if (const std::optional<Event> event = advance(input)) return decide(*event);
  }
}

std::optional<Event> ServerSession::advance(Input& input) {
  switch (phase_) {
    case Phase::literal:
      return read_literal(input);
    case Phase::append:
      return read_message(input);
    case Phase::skip_literal:
      return skip_literal(input);
    case Phase::skip_line:
      return skip_line(input);
    default:
      return read_line(input);
  }
}

// Events that wait for an answer block next() until it came.
Event ServerSession::decide(Event event) {
  switch (event.kind) {
    case Kind::auth_keys:
    case Kind::auth:
    case Kind::command:
    case Kind::append:
    case Kind::append_end:
      pending_ = event.kind;
      break;
    default:
      break;
  }
  return event;
}

// A complete command: `text` is all of it, without its last line end.
std::optional<Event> ServerSession::execute(std::string_view text, Input& input) {
  const Words words = words_of(text);
  if (const auto why = obstacle(words)) return refuse(words.tag, *why), std::nullopt;
  tag_ = words.tag;
  switch (words.traits->verb) {
    case Verb::append:
      return refuse(tag_, {Condition::bad, {}, "the message is missing"}), std::nullopt;
    case Verb::authenticate:
      return on_authenticate(text, words.offset);
    case Verb::capability:
      on_capability();
      return std::nullopt;
    case Verb::compress:
      return on_compress(text, words.offset);
    case Verb::enable:
      return on_enable(text, words.offset);
    case Verb::id:
      on_id(text, words.offset);
      return std::nullopt;
    case Verb::login:
      return on_login(text, words.offset);
    case Verb::logout:
      output_ += "* BYE Logging out\r\n";
      say(tag_, {Condition::ok, {}, "Goodbye"});
      state_ = State::logout;
      farewell_ = Kind::logout;
      return std::nullopt;
    case Verb::starttls:
      return on_starttls(input);
    case Verb::unauthenticate:
      return on_unauthenticate(text, words.offset);
    case Verb::noop:
      // Before login there is nothing that a driver could tell.
      if (state_ == State::not_authenticated) return say(tag_, {Condition::ok, {}, "Done"}), std::nullopt;
      break;
    case Verb::driver:
      break;
  }
  Cursor cursor(text.substr(words.offset));
  Parsing parsing{*settings_, dialect_, words.uid};
  if (!words.traits->parse(cursor, parsing)) return refuse(tag_, cursor.fault()), std::nullopt;
  bad_commands_ = 0;
  condstore_just_enabled_ = parsing.uses_condstore && !dialect_.condstore && state_ == State::selected;
  dialect_.condstore = dialect_.condstore || parsing.uses_condstore;
  command_ = std::move(parsing.command);
  if (std::holds_alternative<Idle>(command_)) {
    output_ += "+ idling\r\n";
    phase_ = Phase::idle;
  }
  if (std::holds_alternative<Select>(command_) && state_ == State::selected) {
    if (dialect_.tells_closed())
      respond().status({Condition::ok, codes::kClosed, "The mailbox before is closed"});
    state_ = State::authenticated;
    condstore_just_enabled_ = false;  // SELECT tells of its own mailbox
  }
  return Event{Kind::command};
}

void ServerSession::finish(const StatusResponse& response) {
  RP_ASSERT(pending_ == Kind::command || pending_ == Kind::append_end);
  RP_ASSERT(phase_ != Phase::idle);
  const bool append = std::exchange(pending_, Kind::need_input) == Kind::append_end;
  if (std::exchange(idle_broken_, false)) {
    bad(tag_, "IDLE ends with DONE");
  } else {
    say(tag_, response);
  }
  if (append)
    drop_line();
  else
    conclude(response.condition == Condition::ok);
  forget_command();
}

void ServerSession::conclude(bool accepted) {
  if (state_ == State::logout) return;
  if (std::holds_alternative<Select>(command_)) {
    state_ = accepted ? State::selected : State::authenticated;
  } else if (std::holds_alternative<Close>(command_) || std::holds_alternative<Unselect>(command_)) {
    if (accepted) state_ = State::authenticated;
  }
}

void ServerSession::forget_command() {
  command_ = Noop{};
  condstore_just_enabled_ = false;
  tag_.clear();
}

void ServerSession::deselect() {
  if (state_ != State::selected) return;
  respond().status({Condition::ok, codes::kClosed, "The mailbox is closed"});
  state_ = State::authenticated;
}

void ServerSession::bad(std::string_view tag, std::string_view reason) {
  refuse(tag, {Condition::bad, {}, reason});
}

// A mistake of the client. BAD in a row end the conversation; NO is no BAD.
void ServerSession::refuse(std::string_view tag, const StatusResponse& why) {
  say(tag.empty() ? "*" : tag, why);
  if (why.condition != Condition::bad) return;
  ++protocol_errors_;
  if (++bad_commands_ >= settings_->bad_commands_max) close("Too many bad commands");
}

void ServerSession::say(std::string_view tag, const StatusResponse& response) {
  append_status(tag, response, output_);
}

void ServerSession::close(std::string_view text, std::string_view code) {
  if (state_ == State::logout) return;
  output_ += "* BYE ";
  if (!code.empty()) output_.append("[").append(code).append("] ");
  append_line_text(text, output_);
  output_ += "\r\n";
  const bool append_open = reading_ && reading_->append.open;
  queued_ = append_open ? Kind::append_abort : Kind::need_input;
  pending_ = Kind::need_input;
  auth_.reset();
  drop_line();
  phase_ = Phase::line;
  state_ = State::logout;
  forget_command();
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

bool ServerSession::in_command() const {
  return reading_ != nullptr || phase_ == Phase::auth;
}

std::size_t ServerSession::memory_used() const {
  constexpr std::size_t kInString = sizeof(std::string) / 2;
  std::size_t bytes = sizeof(*this) + (reading_ ? sizeof(Reading) + reading_->text.capacity() : 0);
  for (const std::string* text : {&output_, &tag_, &login_, &client_id_}) {
    if (text->capacity() >= kInString) bytes += text->capacity() + 1;
  }
  return bytes;
}

}  // namespace ringpost::imap
