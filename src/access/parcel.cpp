#include "parcel.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

namespace {

constexpr std::string_view kNoSuch = imap::codes::kTryCreate;

Error gone() {
  return {ErrorKind::temporary, 0, "the mailbox cannot be had any more"};
}
std::unexpected<store::Failure> failed(Error error) {
  return std::unexpected(store::Failure{store::Refused::none, std::move(error)});
}

}  // namespace

Task<Answer> Parcel::admit(std::uint64_t messages, std::uint64_t bytes, Room kept) {
  kept_ = kept;
  messages_ = messages;
  bytes_ = bytes;
  const Reach::AtMailbox look = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                    store::Rights) -> Task<Answer> {
    mailbox_ = mailbox.id();
    room_.reset();
    auto room = mail.reserve(messages, bytes, to_.others ? store::Sender::others : store::Sender::owner);
    if (!room && room.error().why == store::Refused::over_quota)
      co_return Answer::no(imap::codes::kOverQuota, "The quota is used up");
    if (!room) co_return Answer::refused(room.error());
    room_ = std::move(*room);
    const store::Outcome<> less = keep_room();
    RP_ASSERT(less);
    co_return Answer::ok();
  };
  co_return co_await reach_.at(to_, store::Right::insert, look, kNoSuch);
}

Task<Result<store::Incoming*>> Parcel::begin(std::uint64_t size) {
  store::Incoming* begun = nullptr;
  co_await reach_.store().at_owner(to_.owner, [&](store::UserMail& mail) -> Task<void> {
    begun = begun_.emplace_back(mail.receive(size)).get();
    co_return;
  });
  if (begun == nullptr) co_return fail(gone());
  co_return begun;
}

// Of a message that takes the place of another one only what it is larger by was admitted, and counts.
store::Outcome<> Parcel::keep_room() {
  if (kept_ == Room::at_once) return {};
  return room_->resize(std::min<std::uint64_t>(begun_.size(), messages_), std::min(came_, bytes_));
}

Task<store::Outcome<>> Parcel::write(store::Incoming& message, std::span<const std::byte> chunk) {
  store::Outcome<> written = failed(gone());
  co_await reach_.store().at_owner(to_.owner, [&](store::UserMail&) -> Task<void> {
    came_ += chunk.size();
    written = keep_room();
    if (!written) co_return;
    if (auto done = co_await message.write(chunk); !done) written = failed(std::move(done).error());
  });
  co_return written;
}

Task<Result<void>> Parcel::end(store::Incoming& message, std::span<const std::byte> facts) {
  Result<void> ended = fail(gone());
  co_await reach_.store().at_owner(
      to_.owner, [&](store::UserMail&) -> Task<void> { ended = co_await message.end(facts); });
  co_return ended;
}

Task<std::expected<Parcel::Stored, Answer>> Parcel::put(std::vector<store::NewMessage> messages) {
  Stored stored;
  const Answer none = Answer::no_mailbox(kNoSuch);
  const Reach::AtMail append = [&](store::UserMail& mail) -> Task<Answer> {
    const store::Rights rights =
        mail.find(mailbox_) == nullptr ? store::Rights{} : rights_of(mail, mailbox_, reach_.reader());
    if (!rights.has(store::Right::insert)) {
      if (!rights.has(store::Right::lookup)) co_return none;
      co_return Answer::not_allowed();
    }
    for (store::NewMessage& message : messages) {
      message.flags = allowed(message.flags, rights);
      message.keywords = allowed(std::move(message.keywords), rights);
    }
    room_.reset();  // append() takes it again before it waits
    auto appended = co_await mail.append(mailbox_, messages,
                                         still_may(mail, mailbox_, store::Right::insert, reach_.reader()));
    if (!appended) co_return Answer::refused(appended.error(), kNoSuch);
    stored = {.uid_validity = appended->uid_validity,
              .uids = std::move(appended->uids),
              .told = rights.has(store::Right::read)};
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at_owner(to_, append, none);
  if (!answer.is_ok()) co_return std::unexpected(std::move(answer));
  co_return stored;
}

// Where it was begun: its blobs belong to that core.
Task<void> Parcel::drop() {
  if (begun_.empty() && room_ == nullptr) co_return;
  const unsigned there = reach_.store().owner(store::user_id_of(to_.owner));
  co_await shard::ask(service_.core(), there, [this](shard::Core&) {
    begun_.clear();
    room_.reset();
    return true;
  });
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
