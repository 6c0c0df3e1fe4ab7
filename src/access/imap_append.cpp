// APPEND and REPLACE: messages that a client stores. All of one command or none (RFC 3502). What does not stay small goes to the log as it comes.
#include "ringpost/store/limits.hpp"

#include "imap_conversation.hpp"

namespace ringpost::access {

namespace {

static_assert(store::kChunkSize == buffer::Pool::kClasses.back(), "a full block is a chunk");

std::uint64_t in_memory(const std::vector<StagedMessage>& staged) {
  std::uint64_t size = 0;
  for (const StagedMessage& each : staged)
    if (!each.incoming) size += each.about.size;
  return size;
}

}  // namespace

void ImapConversation::begin_append() {
  const imap::AppendMessage& message = session_.append_message();
  if (message.index == 0) forget_append();
  const auto refuse = [&](std::string_view code, std::string_view text) {
    forget_append();
    session_.refuse_append({imap::Condition::no, code, text});
  };
  const store::Quota quota = mail_->quota();
  std::uint64_t coming = message.size;
  for (const StagedMessage& staged : staged_) coming += staged.about.size;
  store::Uid replaces;
  if (message.replaces) {
    const auto old = find_replaced(*message.replaces);
    if (!old) return refuse_replace(*message.replaces);
    replaces = old->uid;
    coming -= std::min<std::uint64_t>(coming, old->size);
  }
  if (mail_->find(message.mailbox) == nullptr)
    refuse(imap::codes::kTryCreate, "There is no such mailbox");
  else if (message.size > store::kMessageSizeMax.count)
    refuse(imap::codes::kTooBig, "The message is too large");
  else if (staged_.size() == store::kAppendsMax)
    refuse(imap::codes::kLimit, "Too many messages at once");
  else if (quota.bytes_max != 0 && mail_->bytes_used() + coming > quota.bytes_max)
    refuse(imap::codes::kOverQuota, "The quota is used up");
  else if (service_.core().buffers().tight())
    refuse(imap::codes::kLimit, "The server is short of memory, try again later");
  else {
    StagedMessage& staged = staged_.emplace_back();
    staged.about = message;
    staged.replaces = replaces;
    if (in_memory(staged_) > store::kWholeMessageMax) staged.incoming = mail_->receive(message.size);
    session_.accept_append();
  }
}

// Found at once: what a sequence number means may be another when the message has come.
const store::Message* ImapConversation::find_replaced(const imap::Replaced& replaced) const {
  if (!has_selection() || selection_->read_only) return nullptr;
  const auto which = selection_->resolve(replaced.message, replaced.uid);
  return which ? selection_->next(*which, store::Uid{1}) : nullptr;
}

void ImapConversation::refuse_replace(const imap::Replaced& replaced) {
  forget_append();
  if (!has_selection())
    session_.refuse_append({imap::Condition::no, imap::codes::kNonExistent, "The mailbox has been deleted"});
  else if (selection_->read_only)
    session_.refuse_append(
        {imap::Condition::no, imap::codes::kNoPerm, "The mailbox is selected to be read only"});
  else if (!replaced.uid && !selection_->resolve(replaced.message, false))
    session_.refuse_append({imap::Condition::bad, {}, "There are not so many messages"});
  else
    session_.refuse_append({imap::Condition::no, imap::codes::kNonExistent, "There is no such message"});
}

// When something fails the rest is read and dropped, and at the end none of them is stored.
void ImapConversation::stage(std::span<const std::byte> bytes) {
  if (staging_error_ || staged_.empty()) return;
  StagedMessage& last = staged_.back();
  last.reader.write(text_of(bytes));
  while (!bytes.empty()) {
    if (last.blocks.empty() || last.blocks.back().room().empty()) {
      const std::uint64_t left = last.about.size - last.taken;
      last.blocks.push_back(service_.core().buffers().take(std::min<std::uint64_t>(left, store::kChunkSize)));
      if (!last.blocks.back()) {
        last.blocks.pop_back();
        staging_error_ = Error{ErrorKind::exhausted, 0, "the buffers of this core are in use"};
        return;
      }
    }
    const std::size_t taken = last.blocks.back().append(bytes);
    last.taken += taken;
    bytes = bytes.subspan(taken);
  }
}

Task<void> ImapConversation::store_staged() {
  if (staging_error_ || staged_.empty() || !staged_.back().incoming) co_return;
  StagedMessage& last = staged_.back();
  const bool complete = last.taken == last.about.size;
  while (!last.blocks.empty() && (complete || last.blocks.front().size() >= store::kChunkSize)) {
    buffer::Block& first = last.blocks.front();
    if (auto written = co_await last.incoming->write(std::as_const(first).bytes()); !written) {
      staging_error_ = std::move(written).error();
      co_return;
    }
    last.blocks.erase(last.blocks.begin());
  }
}

Task<void> ImapConversation::end_staged() {
  if (staging_error_ || staged_.empty()) co_return;
  StagedMessage& last = staged_.back();
  last.prepared = last.reader.finish();
  if (last.prepared.size() > store::kFactsSizeMax) last.prepared.clear();
  if (!last.incoming) co_return;
  co_await store_staged();
  if (staging_error_) co_return;
  const std::string facts = std::exchange(last.prepared, {});
  if (auto ended = co_await last.incoming->end(std::as_bytes(std::span(facts))); !ended)
    staging_error_ = std::move(ended).error();
}

void ImapConversation::forget_append() {
  staged_.clear();
  staging_error_.reset();
}

namespace {

// Pieces, and what they are in, live as long as what is staged.
store::NewMessage new_message(const StagedMessage& staged, std::vector<std::span<const std::byte>>& pieces) {
  store::NewMessage message;
  for (const buffer::Block& block : staged.blocks) pieces.push_back(block.bytes());
  message.pieces = pieces;
  message.facts = std::as_bytes(std::span(staged.prepared));
  message.incoming = staged.incoming.get();
  message.flags = to_store(staged.about.flags.system);
  message.keywords = staged.about.flags.keywords;
  message.uid = store::Uid{staged.about.uid};
  if (const auto date = staged.about.internal_date) {
    message.internal_date = date->seconds();
    message.zone_minutes = static_cast<std::int16_t>(staged.about.zone_minutes);
  }
  return message;
}

}  // namespace

Task<void> ImapConversation::finish_append() {
  const std::vector<StagedMessage> staged = std::exchange(staged_, {});
  const std::optional<Error> error = std::exchange(staging_error_, std::nullopt);
  const store::Mailbox* to = staged.empty() ? nullptr : mail_->find(staged.front().about.mailbox);
  if (error || to == nullptr) {
    finish(error ? Answer::refused({store::Refused::none, *error})
                 : Answer::no(imap::codes::kTryCreate, "There is no such mailbox"));
    co_return;
  }
  std::vector<store::NewMessage> messages;
  std::vector<std::vector<std::span<const std::byte>>> pieces(staged.size());
  for (std::size_t i = 0; i < staged.size(); ++i) messages.push_back(new_message(staged[i], pieces[i]));
  if (staged.front().replaces) {
    co_await replace(staged.front().replaces, to->id(), messages.front());
    co_return;
  }
  auto appended = co_await mail_->append(to->id(), messages);
  if (!appended) {
    finish(Answer::refused(appended.error(), imap::codes::kTryCreate));
    co_return;
  }
  imap::NumberSet uids;
  for (const store::Uid uid : appended->uids) uids.add(uid.value);
  tell_news(true);
  finish(Answer::ok("Stored", imap::codes::append_uid(appended->uid_validity, uids)));
}

// RFC 8508 section 4.3: the new UID comes before the expunge.
Task<void> ImapConversation::replace(store::Uid old, store::MailboxId to, const store::NewMessage& message) {
  if (!has_selection()) {
    finish(Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted"));
    co_return;
  }
  auto replaced = co_await mail_->replace(selection_->mailbox()->id(), old, to, message);
  if (!replaced) {
    finish(Answer::refused(replaced.error(), imap::codes::kTryCreate));
    co_return;
  }
  imap::NumberSet uids;
  uids.add(replaced->uids.front().value);
  const std::string code = imap::codes::append_uid(replaced->uid_validity, uids);
  session_.respond().status({imap::Condition::ok, code, "In its place"});
  tell_news(true);
  finish(Answer::ok("Replaced"));
}

}  // namespace ringpost::access
