// COPY and MOVE. Within the mailboxes of one owner both are one change of his store. To somebody else's mailbox the bytes are copied,
// all messages become visible there in one change, and a MOVE takes them out here when that is durable: a crash between the two leaves
// them in both.
#include "ringpost/store/limits.hpp"

#include "imap_steps.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

static_assert(kCopyToOthersMax <= store::kAppendsMax);

namespace {

constexpr const char* kNoneThere = "None of them is there";

store::NewMessage copy_of(const store::Message& message, const store::Mailbox& in) {
  store::NewMessage copy;
  copy.flags = message.flags;
  for (const std::string_view name : keywords_of(in, message.keywords)) copy.keywords.emplace_back(name);
  copy.internal_date = message.internal_date;
  copy.zone_minutes = message.zone_minutes;
  copy.thread = message.thread;
  return copy;
}

}  // namespace

Task<Answer> ImapConversation::run(imap::Copy& command) {
  if (!has_selection()) co_return Answer::deleted();
  if (command.move && selection_->read_only) co_return Answer::only_read();
  if (command.move && !rights().has_all(kTakeOut)) co_return Answer::not_allowed();
  const auto which = selection_->resolve(command.set, command.uid);
  if (!which) co_return Answer::bad("There are not so many messages");
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  if (path.owner == mail_->name()) co_return co_await copy_within(*which, path, command.move);
  co_return co_await copy_to_other(*which, path, command.move);
}

Task<Answer> ImapConversation::copy_within(store::UidSet which, MailboxPath path, bool moves) {
  if (!has_selection()) co_return Answer::deleted();
  const store::MailboxId from = selection_->mailbox()->id();
  std::optional<SpamTeacher::Lesson> lesson;
  store::MailboxId target;
  store::Copied copied;
  bool told = false;
  const Reach::AtMailbox transfer = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                        store::Rights there) -> Task<Answer> {
    target = mailbox.id();
    told = there.has(store::Right::read);
    if (is_own()) lesson = lesson_of(from, target);
    const store::FlagsKept kept{.flags = changeable_flags(there), .keywords = there.has(store::Right::write)};
    const store::May still = [&]() -> store::Outcome<> {
      RP_CHECK(may(mail, target, store::Right::insert, user_));
      const store::Rights needed = moves ? store::Right::read | kTakeOut : store::Right::read;
      return rights_of(mail, from, user_).has_all(needed) ? store::Outcome<>{} : not_allowed();
    };
    auto done = moves ? co_await mail.move(from, which, target, kept, is_own() ? store::May() : still)
                      : co_await mail.copy(from, which, target, kept, is_own() ? store::May() : still);
    if (!done) co_return Answer::refused(done.error(), imap::codes::kTryCreate);
    copied = std::move(*done);
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at(path, store::Right::insert, transfer, imap::codes::kTryCreate);
  if (!answer.is_ok()) co_return answer;
  if (copied.to.empty()) co_return Answer::ok(kNoneThere);
  if (is_own()) made_messages(target, copied.to);
  if (lesson) co_await teach(*lesson, target, copied.to);
  std::string code;
  if (told) code = imap::codes::copy_uid(copied.uid_validity, to_imap(copied.from), to_imap(copied.to));
  if (!moves) co_return Answer::ok("Copied", code);
  // RFC 6851 section 4.3: before the expunges, so that a client that loses the connection knows.
  if (told) session_.respond().status({imap::Condition::ok, code, "Moved"});
  tell_news(true, {}, true);
  co_return Answer::ok("Moved");
}

// ---- to somebody else

namespace {

bool may_go_at_once(std::size_t messages, std::uint64_t bytes) {
  return messages <= kCopyToOthersMax && bytes <= kCopyToOthersBytesMax.count;
}

}  // namespace

struct ImapConversation::Copies {
  store::MailboxId from;
  store::UidSet uids;  // rising, as `messages`
  std::vector<store::Message> messages;
  std::vector<store::NewMessage> copies;
};

Task<Answer> ImapConversation::copy_to_other(store::UidSet which, MailboxPath path, bool moves) {
  if (!has_selection()) co_return Answer::deleted();
  Copies copies{.from = selection_->mailbox()->id(), .uids = {}, .messages = {}, .copies = {}};
  std::uint64_t bytes = 0;
  selection_->for_each(which, [&](const store::Message& message) {
    if (copies.messages.size() <= kCopyToOthersMax) copies.messages.push_back(message);
    bytes += message.size;
  });
  Parcel parcel(service_, reach_, path);
  if (!may_go_at_once(copies.messages.size(), bytes)) {
    Answer may = co_await parcel.admit(0, 0, Parcel::Room::at_once);  // what may not go keeps no room
    co_await parcel.drop();
    if (!may.is_ok()) co_return may;
    co_return Answer::no(imap::codes::kLimit, "Too much for a mailbox of somebody else at once");
  }
  if (Answer may = co_await parcel.admit(copies.messages.size(), bytes, Parcel::Room::at_once); !may.is_ok())
    co_return may;
  Parcel::Stored stored;
  Answer answer = Answer::ok(kNoneThere);
  if (!copies.messages.empty()) answer = co_await fill(parcel, copies);
  if (answer.is_ok() && moves && !rights().has_all(kTakeOut)) answer = Answer::not_allowed();
  if (answer.is_ok() && !copies.copies.empty()) {
    auto put = co_await parcel.put(std::move(copies.copies));
    if (put)
      stored = *std::move(put);
    else
      answer = std::move(put).error();
  }
  co_await parcel.drop();
  if (!answer.is_ok() || copies.messages.empty()) co_return answer;

  imap::NumberSet uids;
  for (const store::Uid uid : stored.uids) uids.add(uid.value);
  if (!path.others) made_messages(parcel.mailbox(), to_store(uids));
  std::string code;
  if (stored.told) code = imap::codes::copy_uid(stored.uid_validity, to_imap(copies.uids), uids);
  if (!moves) co_return Answer::ok("Copied", code);
  if (stored.told) session_.respond().status({imap::Condition::ok, code, "Copied"});
  co_return co_await take_out(copies.from, copies.uids);
}

// All of them are at the target, and none is visible. One that was expunged meanwhile is left out.
Task<Answer> ImapConversation::fill(Parcel& parcel, Copies& copies) {
  ToldSteps steps(*this, {.messages = copies.messages.size()});
  for (const store::Message& message : copies.messages) {
    if (!has_selection()) co_return Answer::deleted();
    const store::Message* now = selection_->mailbox()->find(message.uid);
    if (now == nullptr) continue;
    store::NewMessage copy = copy_of(*now, *selection_->mailbox());
    if (message.size != 0) {
      auto poured = co_await pour(parcel, message);
      const bool there = has_selection() && selection_->mailbox()->find(message.uid) != nullptr;
      if (!poured && there) co_return Answer::refused({store::Refused::none, std::move(poured).error()});
      if (!poured) continue;
      copy.incoming = *poured;
    }
    copies.uids.append(message.uid);
    copies.copies.push_back(std::move(copy));
    if (steps.step() && !co_await steps.pause())
      co_return Answer::no(imap::codes::kUnavailable, "You have gone");
  }
  if (!has_selection()) co_return Answer::deleted();
  if (copies.copies.empty())
    co_return Answer::no(imap::codes::kExpungeIssued, "All of them have been expunged");
  co_return Answer::ok();
}

// The bytes of a message, chunk by chunk, and what is prepared of them.
Task<Result<store::Incoming*>> ImapConversation::pour(Parcel& parcel, const store::Message& message) {
  store::Incoming* const incoming = RP_CO_TRY(co_await parcel.begin(message.size));
  for (std::uint64_t at = 0; at < message.size;) {
    const std::uint64_t size = std::min<std::uint64_t>(store::kChunkSize, message.size - at);
    buffer::Block chunk = service_.core().buffers().take(size);
    if (!chunk) co_return fail(ErrorKind::exhausted, "the buffers of this core are in use");
    while (chunk.size() < size) {
      const auto content =
          RP_CO_TRY(co_await mail_->read(message.blob, at + chunk.size(), size - chunk.size()));
      if (content.size() == 0) co_return fail(ErrorKind::permanent, "the message is shorter than it was");
      for (const auto piece : content.pieces()) chunk.append(piece);
    }
    if (auto written = co_await parcel.write(*incoming, std::as_const(chunk).bytes()); !written)
      co_return std::unexpected(std::move(written).error().error);
    at += size;
  }
  const std::vector<std::byte> facts = RP_CO_TRY(co_await mail_->facts(message.blob));
  RP_CO_CHECK(co_await parcel.end(*incoming, facts));
  co_return incoming;
}

// The end of a MOVE: what has been copied goes, if it still may. What stays is said.
Task<Answer> ImapConversation::take_out(store::MailboxId from, store::UidSet copied) {
  const auto stay = [](const store::Failure& why) {
    Answer answer = Answer::refused(why);
    answer.text = "The messages were copied, and not removed here: " + answer.text;
    return answer;
  };
  if (!has_selection()) co_return stay(not_allowed().error());
  if (auto gone = co_await mail_->expunge(from, copied, false, still_has(kTakeOut)); !gone)
    co_return stay(has_selection() ? gone.error() : not_allowed().error());
  tell_news(true, {}, true);
  co_return Answer::ok("Moved");
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
