// APPEND: messages stream to the driver while the command is still being read (RFC 9051 section 6.3.12, RFC 3502).
#include <algorithm>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/find.hpp"

#include "reading.hpp"

namespace ringpost::imap {

using Kind = Event::Kind;

// `in` stands behind the mailbox, or behind the message before.
std::optional<Event> ServerSession::next_message(Cursor& in, const LiteralHead& literal) {
  Reading::Append& append = reading().append;
  AppendMessage message;
  message.mailbox = append.message.mailbox;
  message.replaces = append.message.replaces;
  message.index = append.count;
  if (read_append_message(in, {*settings_, dialect_}, message) == AppendHead::broken)
    return break_append(in.fault(), literal);
  if (append.count != 0 && (message.replaces || !settings_->capabilities.has(Capability::multi_append)))
    return break_append({Condition::bad, {}, "one message at a time"}, literal);
  if (append.count == kAppendMessagesMax)
    return break_append({Condition::no, codes::kLimit, "too many messages in one APPEND"}, literal);
  if (literal.overflow || literal.size > settings_->append_limit.count)
    return break_append({Condition::no, codes::kTooBig, "the message is too large"}, literal);
  if (literal.size == 0) return break_append({Condition::no, {}, "a message is not empty"}, literal);
  append.message = std::move(message);
  append.waits = !literal.unasked;
  reading_->text.clear();
  reading_->line_begin = 0;
  return Event{Kind::append};
}

void ServerSession::accept_append() {
  RP_ASSERT(pending_ == Kind::append);
  pending_ = Kind::need_input;
  Reading::Append& append = reading_->append;
  append.open = true;
  ++append.count;
  reading_->literal_left = append.message.size;
  if (append.waits) output_ += "+ OK\r\n";
  phase_ = Phase::append;
}

void ServerSession::refuse_append(const StatusResponse& response) {
  RP_ASSERT(pending_ == Kind::append);
  RP_ASSERT(response.condition != Condition::ok);
  pending_ = Kind::need_input;
  reading_->append.open = false;
  const LiteralHead literal{.size = reading_->append.message.size, .unasked = !reading_->append.waits};
  end_early(tag_, response, literal);
}

const AppendMessage& ServerSession::append_message() const {
  RP_ASSERT(reading_ != nullptr);
  return reading_->append.message;
}

std::optional<Event> ServerSession::read_message(Input& input) {
  if (input.empty()) return Event{Kind::need_input};
  const std::size_t size = std::min<std::uint64_t>(reading_->literal_left, input.size());
  const Input piece = input.first(size);
  input = input.subspan(size);
  reading_->literal_left -= size;
  if (!reading_->append.message.binary && scan::as_text(piece).find('\0') != std::string_view::npos)
    return break_append(
        {Condition::bad, {}, "a literal holds NUL"},
        LiteralHead{.size = reading_->literal_left, .unasked = true});  // it comes all the same
  if (reading_->literal_left == 0) {
    queued_ = Kind::append_message_end;
    phase_ = Phase::line;
  }
  return Event{Kind::append_bytes, piece};
}

// What follows a message: nothing, or the next one.
std::optional<Event> ServerSession::on_append_line(std::string_view text) {
  const bool clean = text.ends_with("\r\n") && text.find('\0') == std::string_view::npos;
  text.remove_suffix(clean ? 2 : 1);
  const auto literal = find_literal_head(text);
  if (!clean) return break_append({Condition::bad, {}, "a line ends in CRLF, and holds no NUL"}, literal);
  Cursor in(text);
  if (reading_->append.message.utf8 && !in.expect(')')) return break_append(in.fault(), literal);
  if (literal) return next_message(in, *literal);
  if (!in.end()) return break_append(in.fault(), literal);
  reading_->append.open = false;
  return Event{Kind::append_end};
}

std::optional<Event> ServerSession::break_append(const StatusResponse& why,
                                                 const std::optional<LiteralHead>& literal) {
  const bool open = reading_ && std::exchange(reading_->append.open, false);
  end_early(tag_, why, literal);
  if (!open) return std::nullopt;
  return Event{Kind::append_abort};
}

}  // namespace ringpost::imap
