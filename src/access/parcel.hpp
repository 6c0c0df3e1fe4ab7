// Messages on their way into one mailbox, whoever's and wherever it is: their bytes go to the log of its core as they come, and
// nobody sees a message before all of them are there.
//
// Layer:  services. Owner: one flow, one call at a time, after drop().
// Rights: looked at when it begins and again before the messages are stored.
// Limits: store/limits.hpp; one piece is under way at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ringpost/access/service.hpp"

#include "reach.hpp"

namespace ringpost::access {

class Parcel {
 public:
  Parcel(Service& service, Reach& reach, MailboxPath to)
      : service_(service), reach_(reach), to_(std::move(to)) {}
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;
  ~Parcel() = default;  // drop() has been awaited, if admit() said OK

  // Room in the quota for what comes in pieces, until put() or drop(): kept for all of it from the start, or for what of it has come,
  // where its sender may let us wait.
  enum class Room : std::uint8_t { at_once, as_it_comes };
  // OK when there is such a mailbox, into which the reader may put mail and for which its owner's quota has room. Before anything
  // else; asked again, for all of it, with what has come to it.
  Task<Answer> admit(std::uint64_t messages, std::uint64_t bytes, Room room);
  const MailboxPath& to() const { return to_; }
  store::MailboxId mailbox() const { return mailbox_; }

  // A message that comes in pieces; it lives until drop() and is used through this.
  Task<Result<store::Incoming*>> begin(std::uint64_t size);
  Task<store::Outcome<>> write(store::Incoming& message, std::span<const std::byte> chunk);
  Task<Result<void>> end(store::Incoming& message, std::span<const std::byte> facts);

  struct Stored {
    std::uint32_t uid_validity = 0;
    std::vector<store::Uid> uids;
    bool told = false;  // the reader may know the UIDs
  };
  // All or none, with the flags that the reader may set there.
  Task<std::expected<Stored, Answer>> put(std::vector<store::NewMessage> messages);
  // For who stores by himself, on the core of the mailbox.
  void free_room() { room_.reset(); }
  // What was begun and not stored is forgotten.
  Task<void> drop();

  friend FramePool& frame_pool(Parcel& parcel) { return frame_pool(parcel.service_); }

 private:
  // On the core of the mailbox: room for what has come.
  store::Outcome<> keep_room();

  Service& service_;
  Reach& reach_;
  MailboxPath to_;
  store::MailboxId mailbox_;
  // Of the core where the mailbox is.
  std::unique_ptr<store::Reserved> room_;
  std::vector<std::unique_ptr<store::Incoming>> begun_;
  Room kept_ = Room::at_once;
  std::uint64_t messages_ = 0, bytes_ = 0;  // of all that has been admitted
  std::uint64_t came_ = 0;                  // bytes
};

}  // namespace ringpost::access
