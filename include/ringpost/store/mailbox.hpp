// One mailbox as it is now: its messages in the order of UIDs, and what IMAP says of it.
//
// Layer:  durable, without I/O. Owner: the UserMail of its user, on the owner core. Changes go through UserMail.
// Shows:  only what is durable.
// Cost:   counts O(1), a message by UID or by number O(log n), by number in this moment O(1).
// Memory: 56 bytes a message, and about 45 for the bytes it refers to (shared by copies).
// RFCs:   9051, 7162 (CONDSTORE, QRESYNC), 6154 (special use), 8474 (object ids).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/store/ids.hpp"
#include "ringpost/store/message.hpp"

namespace ringpost::store {

class View;

enum class SpecialUse : std::uint8_t { none, all, archive, drafts, flagged, junk, sent, trash, important };
std::string_view to_string(SpecialUse use);  // "\Drafts"; "" for none
std::optional<SpecialUse> parse_special_use(std::string_view text);

class Mailbox {
 public:
  MailboxId id() const { return id_; }
  // UTF-8, levels divided by "/"; the first is "INBOX" for kInbox.
  const std::string& name() const { return name_; }
  SpecialUse special_use() const { return special_use_; }
  std::uint32_t uid_validity() const { return uid_validity_; }
  Uid uid_next() const { return uid_next_; }
  ModSeq highest_modseq() const { return highest_modseq_; }

  std::size_t count() const { return messages_.size(); }
  std::size_t unseen() const { return unseen_; }
  std::size_t deleted() const { return deleted_; }
  std::uint64_t size() const { return size_; }      // of all messages, in bytes
  // Index in messages(). Looks on from where it was found before: O(log n), and each message that was seen since once.
  std::optional<std::size_t> first_unseen() const;
  // Messages from here on were in no session yet (\Recent, RFC 3501): see View. After a restart none is.
  Uid recent_from() const { return recent_from_; }
  std::size_t recent() const { return count() - lower_bound(recent_from_); }

  // Rising UIDs; valid until the next suspension.
  std::span<const Message> messages() const { return messages_; }
  // Null when there is none.
  const Message* find(Uid uid) const;
  // Index of the first message with this UID or a higher one; O(log n).
  std::size_t lower_bound(Uid uid) const;

  // Names of the keywords, in the order of their bits.
  std::span<const std::string> keywords() const { return keywords_; }
  // Its bit; nothing when no message here ever had it. Case does not matter.
  std::optional<unsigned> keyword(std::string_view name) const;

  // UIDs in `among` that have gone since `since`. When `since` is older than what is remembered, also those that went
  // before or never were: all of `among` below uid_next that are not here (RFC 7162 section 3.2.5.1 allows it).
  UidSet vanished(ModSeq since, const UidSet& among) const;

 private:
  friend class Account;  // src/store: the only one that changes it
  friend class View;
  struct Gone {
    ModSeq modseq;
    UidRange uids;
  };

  MailboxId id_;
  std::string name_;
  SpecialUse special_use_ = SpecialUse::none;
  std::uint32_t uid_validity_ = 0;
  Uid uid_next_{1};
  ModSeq highest_modseq_{1};
  ModSeq vanished_since_{0};  // what went after it is in gone_
  Uid recent_from_{1};
  std::size_t unseen_ = 0;
  mutable Uid seen_below_{1};  // every message below it has been seen
  std::size_t deleted_ = 0;
  std::uint64_t size_ = 0;
  std::vector<Message> messages_;
  std::vector<std::string> keywords_;
  std::vector<Gone> gone_;  // rising modseq

  // What has been given to changes that are not durable yet: never given again, whatever becomes of them.
  Uid next_uid_to_give_{1};
  ModSeq last_modseq_given_{1};
  bool going_ = false;  // a change that deletes it is on its way
  std::vector<View*> views_;
};

}  // namespace ringpost::store
