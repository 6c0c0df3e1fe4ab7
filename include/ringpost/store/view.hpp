// A mailbox as one session sees it: sequence numbers change only when the session takes the news.
//
// Layer:  durable, without I/O. Owner: a session on the owner core of the mailbox; it dies before its UserMail does.
// Order:  changes come in the order in which they became durable. take() tells them, and from then on counts with them.
// Cost:   nothing for each message: a view keeps what has changed since the last take, and how far it goes.
// Limits: kPendingMax changes; past it the flags of all messages are told anew.
// RFCs:   9051 sections 5.2 and 7.5, 7162, 2180.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ringpost/store/mailbox.hpp"

namespace ringpost::store {

class UserMail;

// Told on the owner core when there is something to take. Do no more than note it: call take() later.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void changed() = 0;
};

class View {
 public:
  // `listener` may be null; it and `user` outlive this.
  View(UserMail& user, MailboxId mailbox, Listener* listener);
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  // Null when the mailbox has been deleted: the session ends its selection.
  const Mailbox* mailbox() const { return mailbox_; }

  // ---- as this session counts: sequence numbers from 1
  std::size_t exists() const;
  // 0: no such message in this view.
  std::size_t sequence_of(Uid uid) const;
  // Also of a message that has been expunged and not told of; none: past the end.
  Uid uid_at(std::size_t sequence) const;
  // The UIDs of sequence numbers first to last, with those not told of; clipped.
  UidSet uids_between(std::size_t first, std::size_t last) const;
  // The first UID that is too new for this view.
  Uid end() const { return end_; }

  // From here on the messages are recent for this session, the first that asks (not an EXAMINE): later ones get others.
  Uid take_recent();

  // ---- news
  bool pending() const { return pending_; }
  struct News {
    // In this order: first these went, each number as it was when those before it had gone; and the same as UIDs.
    std::vector<std::size_t> expunged;
    UidSet vanished;
    std::optional<std::size_t> exists;  // has grown to this
    // Flags or keywords changed elsewhere; UIDs that rise, all there.
    std::vector<Uid> changed;
    bool keywords = false;  // new names: FLAGS is told anew
    bool mailbox_gone = false;
  };
  // Without expunges (during FETCH, STORE and SEARCH, RFC 9051 section 7.5.1) those stay for the next time.
  News take(bool with_expunges);
  // What a client may come back with (RFC 7162 section 3.2.5): every message that had gone by then has been told of. Of a mailbox
  // that is there.
  ModSeq told_modseq() const;

 private:
  friend class Account;
  void note_added();
  void note_changed(const UidSet& uids);
  void note_expunged(const UidSet& uids);
  void note_keywords();
  void note_gone();
  void note_access();
  void wake();
  std::size_t here_below(Uid uid) const;  // messages of the mailbox that this view knows, below it

  Mailbox* mailbox_ = nullptr;
  Listener* listener_ = nullptr;
  Uid end_{1};
  std::vector<Uid> expunged_;  // rising
  ModSeq all_told_;            // the highest one when nothing was left in `expunged_`
  std::vector<Uid> changed_;   // in any order, maybe twice
  bool all_changed_ = false;
  bool keywords_ = false;
  bool pending_ = false;
};

}  // namespace ringpost::store
