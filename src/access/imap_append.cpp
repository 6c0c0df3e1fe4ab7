// APPEND and REPLACE: messages that a client stores. All of one command or none (RFC 3502). What does not stay small goes to the log as it comes.
#include "ringpost/store/limits.hpp"

#include "imap_conversation.hpp"

namespace ringpost::access {

namespace {

static_assert(store::kChunkSize == buffer::Pool::kClasses.back(), "a full block is a chunk");
static_assert(kAppendsAtOnce <= store::kAppendsMax);

std::uint64_t in_memory(const std::vector<StagedMessage>& staged) {
  std::uint64_t size = 0;
  for (const StagedMessage& each : staged)
    if (each.incoming == nullptr) size += each.about.size;
  return size;
}

store::Failure no_buffers() {
  return {store::Refused::none, {ErrorKind::exhausted, 0, "the buffers of this core are in use"}};
}

}  // namespace

Task<void> ImapConversation::begin_append() {
  const imap::AppendMessage message = session_.append_message();
  if (message.index == 0) {
    co_await forget_append();
    parcel_ = std::make_unique<Parcel>(service_, reach_, co_await reach_.path_to(message.mailbox));
  }
  StagedMessage staged;
  staged.about = message;
  const Answer answer = co_await admit(message, staged);
  if (answer.is_ok()) {
    staged_.push_back(std::move(staged));
    session_.accept_append();
    co_return;
  }
  co_await forget_append();
  session_.refuse_append({answer.condition, answer.code, answer.text});
}

// Whether one more message may come.
Task<Answer> ImapConversation::admit(const imap::AppendMessage& message, StagedMessage& staged) {
  std::uint64_t coming = message.size;
  for (const StagedMessage& each : staged_) coming += each.about.size;
  const std::size_t more = message.replaces ? 0 : 1;
  if (message.replaces) {
    const store::Message* const old = find_replaced(*message.replaces);
    if (old == nullptr) co_return refuse_replace(*message.replaces);
    if (!rights().has_all(kTakeOut)) co_return Answer::not_allowed();
    if (parcel_->to().owner != mail_->name())
      co_return Answer::no(imap::codes::kCannot,
                           "What takes the place of a message belongs to the same owner");
    staged.replaces = old->uid;
    coming -= std::min<std::uint64_t>(coming, old->size);
  }
  if (Answer may = co_await parcel_->admit(staged_.size() + more, coming, Parcel::Room::as_it_comes);
      !may.is_ok())
    co_return may;
  if (message.size > store::kMessageSizeMax.count)
    co_return Answer::no(imap::codes::kTooBig, "The message is too large");
  if (staged_.size() == kAppendsAtOnce)
    co_return Answer::no(imap::codes::kLimit, "Too many messages at once");
  if (service_.core().buffers().tight())
    co_return Answer::no(imap::codes::kLimit, "The server is short of memory, try again later");
  if (in_memory(staged_) + message.size <= store::kWholeMessageMax) co_return Answer::ok();
  auto begun = co_await parcel_->begin(message.size);
  if (!begun) co_return Answer::refused({store::Refused::none, std::move(begun).error()});
  staged.incoming = *begun;
  co_return Answer::ok();
}

// Found at once: what a sequence number means may be another when the message has come.
const store::Message* ImapConversation::find_replaced(const imap::Replaced& replaced) const {
  if (!has_selection() || selection_->read_only) return nullptr;
  const auto which = selection_->resolve(replaced.message, replaced.uid);
  return which ? selection_->next(*which, store::Uid{1}) : nullptr;
}

Answer ImapConversation::refuse_replace(const imap::Replaced& replaced) const {
  if (!has_selection()) return Answer::deleted();
  if (selection_->read_only) return Answer::only_read();
  if (!replaced.uid && !selection_->resolve(replaced.message, false))
    return Answer::bad("There are not so many messages");
  return Answer::no(imap::codes::kNonExistent, "There is no such message");
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
        staging_error_ = no_buffers();
        return;
      }
    }
    const std::size_t taken = last.blocks.back().append(bytes);
    last.taken += taken;
    bytes = bytes.subspan(taken);
  }
}

Task<void> ImapConversation::store_staged() {
  if (staging_error_ || staged_.empty() || staged_.back().incoming == nullptr) co_return;
  StagedMessage& last = staged_.back();
  const bool complete = last.taken == last.about.size;
  while (!last.blocks.empty() && (complete || last.blocks.front().size() >= store::kChunkSize)) {
    buffer::Block& first = last.blocks.front();
    if (auto written = co_await parcel_->write(*last.incoming, std::as_const(first).bytes()); !written) {
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
  if (last.incoming == nullptr) co_return;
  co_await store_staged();
  if (staging_error_) co_return;
  const std::string facts = std::exchange(last.prepared, {});
  if (auto ended = co_await parcel_->end(*last.incoming, std::as_bytes(std::span(facts))); !ended)
    staging_error_ = {store::Refused::none, std::move(ended).error()};
}

Task<void> ImapConversation::forget_append() {
  staged_.clear();
  staging_error_.reset();
  if (parcel_) co_await parcel_->drop();
  parcel_.reset();
}

namespace {

// Pieces, and what they are in, live as long as what is staged.
store::NewMessage new_message(const StagedMessage& staged, std::vector<std::span<const std::byte>>& pieces) {
  store::NewMessage message;
  for (const buffer::Block& block : staged.blocks) pieces.push_back(block.bytes());
  message.pieces = pieces;
  message.facts = std::as_bytes(std::span(staged.prepared));
  message.incoming = staged.incoming;
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
  const Answer answer = staging_error_    ? Answer::refused(*staging_error_)
                        : staged_.empty() ? Answer::no_mailbox(imap::codes::kTryCreate)
                                          : co_await append();
  co_await forget_append();
  if (answer.is_ok()) co_await tell_what_happened(true);
  finish(answer);
}

Task<Answer> ImapConversation::append() {
  std::vector<store::NewMessage> messages;
  std::vector<std::vector<std::span<const std::byte>>> pieces(staged_.size());
  for (std::size_t i = 0; i < staged_.size(); ++i) messages.push_back(new_message(staged_[i], pieces[i]));
  if (staged_.front().replaces)
    co_return co_await replace(staged_.front().replaces, std::move(messages.front()));
  auto stored = co_await parcel_->put(std::move(messages));
  if (!stored) co_return std::move(stored).error();
  imap::NumberSet uids;
  for (const store::Uid uid : stored->uids) uids.add(uid.value);
  if (!parcel_->to().others) made_messages(parcel_->mailbox(), to_store(uids));
  co_return Answer::ok("Stored",
                       stored->told ? imap::codes::append_uid(stored->uid_validity, uids) : std::string());
}

// Both are of one owner, whose core is this. RFC 8508 section 4.3: the new UID comes before the expunge.
Task<Answer> ImapConversation::replace(store::Uid old, store::NewMessage message) {
  if (!has_selection()) co_return Answer::deleted();
  const store::MailboxId from = selection_->mailbox()->id(), to = parcel_->mailbox();
  const store::Rights there = mail_->find(to) == nullptr ? store::Rights{} : rights_of(*mail_, to, user_);
  if (!rights().has_all(kTakeOut) || !there.has(store::Right::insert))
    co_return there.has(store::Right::lookup) ? Answer::not_allowed()
                                              : Answer::no_mailbox(imap::codes::kTryCreate);
  message.flags = allowed(message.flags, there);
  message.keywords = allowed(std::move(message.keywords), there);
  parcel_->free_room();
  const store::UserMail& mail = *mail_;
  const store::May may = [&]() -> store::Outcome<> {
    RP_CHECK(access::may(mail, to, store::Right::insert, user_));
    return rights_of(mail, from, user_).has_all(kTakeOut) ? store::Outcome<>{} : not_allowed();
  };
  auto replaced = co_await mail_->replace(from, old, to, message, is_own() ? store::May() : may);
  if (!replaced) co_return Answer::refused(replaced.error(), imap::codes::kTryCreate);
  imap::NumberSet uids;
  uids.add(replaced->uids.front().value);
  if (there.has(store::Right::read)) {
    const std::string code = imap::codes::append_uid(replaced->uid_validity, uids);
    session_.respond().status({imap::Condition::ok, code, "In its place"});
  }
  if (is_own()) made_messages(to, to_store(uids));
  tell_news(true, {}, true);
  co_return Answer::ok("Replaced");
}

}  // namespace ringpost::access
