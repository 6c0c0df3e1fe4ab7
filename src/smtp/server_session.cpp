#include "ringpost/smtp/server_session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

#include "command_table.hpp"
#include "server_body.hpp"

namespace ringpost::smtp {

using Kind = Event::Kind;

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

}  // namespace

ServerSession::ServerSession(const ServerSettings& settings, bool secure)
    : settings_(&settings), mechanisms_(settings.mechanisms), secure_(secure) {}
ServerSession::ServerSession(ServerSession&&) noexcept = default;
ServerSession& ServerSession::operator=(ServerSession&&) noexcept = default;
ServerSession::~ServerSession() = default;

Event ServerSession::next(Input& input, std::span<std::byte> target) {
  RP_ASSERT(!decision_pending());
  RP_ASSERT(phase_ != Phase::greeting);
  unspoken_ = 0;
  for (;;) {
    if (queued_ != Kind::need_input) return decide({std::exchange(queued_, Kind::need_input)});
    RP_ASSERT(phase_ != Phase::tls);
    if (phase_ == Phase::closed) {
      unspoken_ += input.size();
      input = {};
      return {farewell_};
    }
    if (over_limits()) {
      hang_up(replies::kTooManyErrors);
      continue;
    }
    if (output().size() >= kOutputBytesFlush) return {Kind::flush};
    std::optional<Event> event;
    if (phase_ == Phase::data) {
      event = receive_data(input, target);
    } else if (phase_ == Phase::chunk) {
      event = receive_chunk(input, target);
    } else {
      event = read_command(input);
    }
    if (event) return decide(*event);
  }
}

// Events that wait for an answer block next() until it came.
Event ServerSession::decide(Event event) {
  switch (event.kind) {
    case Kind::helo:
    case Kind::auth_keys:
    case Kind::auth:
    case Kind::mail:
    case Kind::recipient:
    case Kind::data_begin:
    case Kind::message_end:
      pending_ = event.kind;
      break;
    default:
      break;
  }
  return event;
}

std::optional<Event> ServerSession::read_command(Input& input) {
  const Line line = take_line(input);
  if (line.state == Line::State::none) return Event{Kind::need_input};
  if (line.state == Line::State::refused) return std::nullopt;
  std::optional<Event> event =
      phase_ == Phase::auth ? take_turn(auth_->answer(line.text)) : execute(line.text, input);
  drop_line();
  return event;
}

std::optional<Event> ServerSession::execute(std::string_view line, Input& input) {
  const CommandLine command = parse_command(line);
  const VerbTraits& traits = *command.traits;
  if (line.size() + 2 > traits.line_bytes_max) return refuse(replies::kLineTooLong);
  const bool has_address = traits.verb == Verb::mail || traits.verb == Verb::rcpt;
  if (!has_address && !is_ascii(line)) return refuse(replies::kNonAscii);
  const bool farewell = traits.verb == Verb::quit || traits.verb == Verb::foreign;
  const bool must_wait = traits.ends_group || (!esmtp_ && !farewell);
  if (must_wait && !input.empty() && settings_->refuse_unauthorised_pipelining) {
    note_error();
    return hang_up(replies::kPipelining);
  }
  if (traits.idle && ++idle_commands_ > settings_->idle_commands_max) note_error();
  switch (traits.verb) {
    case Verb::helo:
    case Verb::ehlo:
    case Verb::lhlo:
      return on_hello(traits.verb, command.arguments);
    case Verb::mail:
      return on_mail(command.arguments);
    case Verb::rcpt:
      return on_rcpt(command.arguments);
    case Verb::data:
      return on_data(command.arguments);
    case Verb::bdat:
      return on_bdat(command.arguments);
    case Verb::rset:
      return on_rset(command.arguments);
    case Verb::noop:
      say(replies::kOk);
      return std::nullopt;
    case Verb::quit:
      return on_quit();
    case Verb::vrfy:
      return on_vrfy(command.arguments);
    case Verb::help:
      say(replies::kHelp);
      return std::nullopt;
    case Verb::starttls:
      return on_starttls(command.arguments, input);
    case Verb::auth:
      return on_auth(command.arguments);
    case Verb::expn:
    case Verb::etrn:
      return refuse(replies::kNotImplemented);
    case Verb::foreign:
      note_error();
      return hang_up(replies::kNotSmtp);
    case Verb::unknown:
      return refuse(replies::kUnknownCommand);
  }
  return refuse(replies::kUnknownCommand);
}

void ServerSession::accept() {
  switch (std::exchange(pending_, Kind::need_input)) {
    case Kind::helo:
      return say_hello();
    case Kind::mail:
      phase_ = Phase::mail;
      return say(replies::kSenderOk);
    case Kind::recipient:
      phase_ = Phase::recipients;
      return say(replies::kRecipientOk);
    case Kind::data_begin:
      return begin_body();
    default:
      RP_ASSERT(false);  // only those four are answered so
  }
}

void ServerSession::reject(const mail::Reply& reply) {
  RP_ASSERT(reply.code >= 400);
  ++rejections_;
  switch (std::exchange(pending_, Kind::need_input)) {
    case Kind::helo:
      helo_.clear();
      esmtp_ = false;
      break;
    case Kind::mail:
      end_transaction();
      break;
    case Kind::recipient:
      envelope_.truncate_recipients(envelope_.recipient_count() - 1);
      break;
    case Kind::data_begin:
      end_transaction();
      if (body().chunked()) return refuse_chunk(reply);
      break;
    default:
      RP_ASSERT(false);  // only those four are answered so
  }
  say_or_close(reply);
}

void ServerSession::accept_message(std::string_view queue_id) {
  std::array<char, 160> text;
  const auto written = fmt::format_to_n(text.data(), text.size(), "Ok: queued as {}", queue_id);
  RP_ASSERT(pending_ == Kind::message_end);
  pending_ = Kind::need_input;
  const FixedReply reply{250, {2, 0, 0}, {text.data(), std::min(written.size, text.size())}};
  for (std::size_t i = answers_due(); i > 0; --i) say(reply);
  forget_offences();
  end_transaction();
}

void ServerSession::finish(const mail::Reply& reply) {
  RP_ASSERT(pending_ == Kind::message_end);
  pending_ = Kind::need_input;
  for (std::size_t i = answers_due(); i > 0; --i) say(reply);
  conclude(reply.completed(), reply.code == 421);
}

void ServerSession::finish(std::span<const mail::Reply> replies) {
  RP_ASSERT(pending_ == Kind::message_end);
  RP_ASSERT(replies.size() == answers_due());
  pending_ = Kind::need_input;
  for (const mail::Reply& reply : replies) say(reply);
  conclude(std::ranges::any_of(replies, &mail::Reply::completed),
           std::ranges::any_of(replies, [](const mail::Reply& reply) { return reply.code == 421; }));
}

void ServerSession::conclude(bool accepted, bool closing) {
  if (accepted) {
    forget_offences();
  } else {
    ++rejections_;
  }
  end_transaction();
  if (closing) phase_ = Phase::closed;
}

void ServerSession::close(const mail::Reply& reply) {
  if (phase_ == Phase::closed) return;
  pending_ = Kind::need_input;
  queued_ = Kind::need_input;
  auth_.reset();
  say(reply);
  phase_ = Phase::closed;
}

std::size_t ServerSession::answers_due() const {
  return settings_->dialect == Dialect::lmtp ? envelope_.recipient_count() : 1;
}

bool ServerSession::end_transaction() {
  const bool was_open = envelope_.has_reverse_path();
  // One letter to a thousand recipients must not leave its room behind in an idle session.
  if (envelope_.recipient_count() > kIdleRecipients || envelope_.text_size() > kIdleBufferBytes) {
    const mail::Envelope large = std::move(envelope_);
    envelope_ = mail::Envelope{};
  } else {
    envelope_.clear();
  }
  if (scratch_.capacity() > kIdleBufferBytes) std::string().swap(scratch_);  // assigning would keep the room
  size_hint_ = 0;
  if (phase_ != Phase::closed && phase_ != Phase::tls) phase_ = Phase::ready;
  return was_open;
}

void ServerSession::note_error() {
  ++errors_;
  ++protocol_errors_;
}

void ServerSession::forget_offences() {
  errors_ = rejections_ = idle_commands_ = 0;
}

bool ServerSession::over_limits() const {
  return errors_ >= settings_->errors_max || rejections_ >= settings_->rejections_max ||
         auth_failures_ >= settings_->auth_failures_max;
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

// Our own words are clean and short: they need no wrapping, and this is the hot path.
void ServerSession::say(const FixedReply& reply) {
  if (output_.capacity() < kIdleBufferBytes) output_.reserve(kIdleBufferBytes);
  auto out = std::back_inserter(output_);
  fmt::format_to(out, FMT_COMPILE("{} "), reply.code);
  if (reply.status.given()) {
    fmt::format_to(out, FMT_COMPILE("{}.{}.{} "), reply.status.category, reply.status.subject,
                   reply.status.detail);
  }
  output_.append(reply.text).append("\r\n");
}

void ServerSession::say(const mail::Reply& reply) {
  mail::append_reply(reply, output_);
}

// 421 means that the channel closes (RFC 5321 section 3.8), whoever says it.
void ServerSession::say_or_close(const mail::Reply& reply) {
  say(reply);
  if (reply.code == 421) phase_ = Phase::closed;
}

std::optional<Event> ServerSession::refuse(const FixedReply& reply) {
  note_error();
  say(reply);
  return std::nullopt;
}

std::optional<Event> ServerSession::hang_up(const FixedReply& reply) {
  say(reply);
  auth_.reset();
  phase_ = Phase::closed;
  return std::nullopt;
}

std::size_t ServerSession::memory_used() const {
  constexpr std::size_t kInString = sizeof(std::string) / 2;
  std::size_t bytes = sizeof(*this) + (body_ ? sizeof(Body) : 0) + envelope_.text_size();
  for (const std::string* text : {&output_, &line_, &helo_, &login_, &scratch_}) {
    if (text->capacity() >= kInString) bytes += text->capacity() + 1;
  }
  return bytes;
}

}  // namespace ringpost::smtp
