#include "pop3_conversation.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/pop3/message_writer.hpp"

#include "message_parts.hpp"

namespace ringpost::access {

Pop3Conversation::Pop3Conversation(Service& service, std::shared_ptr<const Snapshot> snapshot,
                                   std::size_t index, net::Connection& connection)
    : SessionConversation(
          service, snapshot, index, connection,
          pop3::ServerSession(snapshot->listeners[index].pop3, snapshot->listeners[index].implicit_tls)) {}

Pop3Conversation::~Pop3Conversation() {
  leave_drop();
}

void Pop3Conversation::leave_drop() {
  if (std::exchange(holds_drop_, false)) service_.maildrops().give_up(user_);
}

void Pop3Conversation::begin(std::shared_ptr<store::UserMail> mail) {
  const Duration delay = std::chrono::seconds(session_.settings().login_delay);
  const Maildrops::Taken taken = service_.maildrops().take(user_, delay, service_.core().now());
  if (taken != Maildrops::Taken::yes) {
    session_.refuse_auth(taken == Maildrops::Taken::in_use ? pop3::AuthRefusal::in_use
                                                           : pop3::AuthRefusal::too_soon);
    return;
  }
  holds_drop_ = true;
  mail_ = std::move(mail);
  const store::Mailbox& inbox = *mail_->find(store::kInbox);
  uid_validity_ = inbox.uid_validity();
  drop_.reserve(inbox.messages().size());
  for (const store::Message& message : inbox.messages()) drop_.push_back({.message = message});
  session_.accept_auth(login_);
}

Task<bool> Pop3Conversation::answer(pop3::Event event) {
  if (event.kind == Kind::command) co_return co_await answer_command();
  co_await update();
  co_return true;
}

Pop3Conversation::Item* Pop3Conversation::item(std::uint32_t number) {
  if (number == 0 || number > drop_.size() || drop_[number - 1].deleted) return nullptr;
  return &drop_[number - 1];
}

Task<bool> Pop3Conversation::answer_command() {
  using Command = pop3::Command::Kind;
  const pop3::Command command = session_.command();
  Item* const named = command.message ? item(*command.message) : nullptr;
  if (command.message && named == nullptr) {
    session_.error("There is no such message");
    co_return true;
  }
  switch (command.kind) {
    case Command::stat:
      stat();
      break;
    case Command::list:
    case Command::unique_id:
      if (named != nullptr)
        session_.ok(line_of(*command.message - 1, command.kind == Command::unique_id));
      else
        list(command.kind == Command::unique_id);
      break;
    case Command::retrieve:
      co_return co_await retrieve(command);
    case Command::dele:
      named->deleted = true;
      session_.ok("Marked");
      break;
    case Command::noop:
      session_.ok();
      break;
    case Command::reset:
      for (Item& each : drop_) each.deleted = false;
      session_.ok();
      break;
  }
  co_return true;
}

void Pop3Conversation::stat() {
  std::size_t count = 0;
  std::uint64_t size = 0;
  for (const Item& each : drop_) {
    if (each.deleted) continue;
    ++count;
    size += each.message.size;
  }
  session_.ok(fmt::format("{} {}", count, size));
}

std::string Pop3Conversation::line_of(std::size_t index, bool ids) const {
  const store::Message& message = drop_[index].message;
  return ids ? fmt::format("{} {}.{}", index + 1, uid_validity_, message.uid.value)
             : fmt::format("{} {}", index + 1, message.size);
}

void Pop3Conversation::list(bool ids) {
  session_.begin_lines(fmt::format("{} messages", drop_.size()));
  for (std::size_t i = 0; i < drop_.size(); ++i)
    if (!drop_[i].deleted) session_.line(line_of(i, ids));
  session_.end_lines();
}

// A small message is copied beside its answer and goes with the next one, or when nothing more is asked: one send for both.
// Once the answer has begun it can only be completed, or the connection ends.
Task<bool> Pop3Conversation::retrieve(const pop3::Command& command) {
  const store::Message message = drop_[*command.message - 1].message;
  if (service_.damaged().contains(message.blob)) {
    MessageParts parts(*mail_, message);
    if (const auto whole = co_await parts.verify(); !whole) {
      refuse_message(whole.error());
      co_return true;
    }
  }
  const std::string_view text = "The message follows";
  pop3::MessageWriter writer(command.lines);
  bool begun = false;
  for (std::uint64_t at = 0; at < message.size && !writer.complete();) {
    auto part = co_await mail_->read(message.blob, at, kReadPiece);
    if (!part || part->size() == 0) {
      const Error error =
          part ? Error{ErrorKind::permanent, 0, "The message is shorter than it was"} : part.error();
      if (!begun) {
        refuse_message(error);
        co_return true;
      }
      if (!error.temporary()) service_.damaged().add(message.blob);
      co_return false;
    }
    if (!begun) session_.begin_lines(text);
    begun = true;
    at += part->size();
    if (!co_await send_part(writer, *part)) co_return false;
  }
  if (!begun) session_.begin_lines(text);
  if (!put_output() || !connection_.write(writer.finish())) co_return false;
  session_.end_message();
  co_return true;
}

void Pop3Conversation::refuse_message(const Error& why) {
  session_.error(why.text, why.temporary() ? pop3::ResponseCode::sys_temp : pop3::ResponseCode::sys_perm);
}

// Behind what the session has to say.
bool Pop3Conversation::put_output() {
  const std::string_view waiting = session_.output();
  trace_said(observe::Speaker::server, waiting);
  const bool taken = connection_.write(waiting);
  session_.output_sent(waiting.size());
  return taken;
}

Task<bool> Pop3Conversation::send_part(pop3::MessageWriter& writer, const store::Content& part) {
  if (!put_output()) co_return false;
  trace_mail(part.size());
  const bool small = part.size() <= kCopiedMax;
  if (small && connection_.unsent() > kOutputMax && !co_await flush({})) co_return false;
  std::array<pop3::MessageWriter::Piece, 64> pieces;
  for (auto slice : part.pieces())
    while (!slice.empty() && !writer.complete()) {
      const auto step = writer.write(slice, pieces);
      slice = slice.subspan(step.consumed);
      const auto wanted = std::span(pieces).first(step.pieces);
      if (small ? !copy(wanted) : !co_await flush(wanted)) co_return false;
    }
  co_return true;
}

bool Pop3Conversation::copy(std::span<const pop3::MessageWriter::Piece> pieces) {
  return std::ranges::all_of(pieces, [&](const auto piece) { return connection_.write(piece); });
}

Task<bool> Pop3Conversation::flush(std::span<const pop3::MessageWriter::Piece> pieces) {
  const auto sent = co_await connection_.flush(service_.core().now() + kSendTimeout, pieces);
  co_return sent.has_value();
}

// The client may come again as soon as it has the answer: the drop is free before.
Task<void> Pop3Conversation::update() {
  store::UidSet gone;
  for (const Item& each : drop_)
    if (each.deleted) gone.append(each.message.uid);
  store::Outcome<store::UidSet> done;
  if (!gone.empty()) done = co_await mail_->expunge(store::kInbox, std::move(gone), false);
  leave_drop();
  if (done)
    session_.ok("Goodbye");
  else
    session_.error(done.error().error.text, pop3::ResponseCode::sys_temp);
}

}  // namespace ringpost::access
