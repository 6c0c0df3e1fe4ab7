// The whole state of one user, changed only by the operations of changes: the same when they happen and when they are
// read back.
//
// Layer: durable, private, without I/O. Owner: the store of one core.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/store/limits.hpp"
#include "ringpost/store/mailbox.hpp"
#include "ringpost/store/user_mail.hpp"
#include "ringpost/store/view.hpp"

#include "access_lists.hpp"
#include "annotations.hpp"
#include "records.hpp"
#include "watchers.hpp"

namespace ringpost::store {

// Told which blobs messages refer to.
class BlobRefs {
 public:
  virtual ~BlobRefs() = default;
  virtual void added(BlobId blob) = 0;
  virtual void removed(BlobId blob) = 0;
};

class Account {
 public:
  explicit Account(UserId id) : id_(id) {}

  // Applies the change with the next number. `refs` may be null while a log is read. Views are told, but `silent`
  // not of flags. False: some of it does not make sense; the rest is applied.
  bool apply(std::span<const std::byte> change, BlobRefs* refs, const View* silent = nullptr);
  std::vector<std::byte> snapshot() const;
  // Nothing when it does not make sense.
  static std::unique_ptr<Account> restore(UserId id, std::uint64_t lsn, std::span<const std::byte> snapshot);
  void refer_all(BlobRefs& refs) const;

  UserId id() const { return id_; }
  const std::string& name() const { return name_; }
  std::uint64_t lsn() const { return lsn_; }
  void skip_to(std::uint64_t lsn) { lsn_ = lsn; }  // over what damage took
  bool alive() const { return alive_; }            // has a name, and has not been deleted since

  Mailbox* find(MailboxId id) const;
  Mailbox* find(std::string_view normal_name) const;
  const std::map<std::uint32_t, std::unique_ptr<Mailbox>>& mailboxes() const { return mailboxes_; }
  const std::map<std::string, Mailbox*, std::less<>>& by_name() const { return by_name_; }
  const std::set<std::string, std::less<>>& subscriptions() const { return subscriptions_; }
  const std::set<Origin>& origins() const { return origins_; }
  const Annotations& annotations() const { return annotations_; }
  const AccessLists& access_lists() const { return access_lists_; }
  void listen(AccessLists::Listener listener) { access_lists_.listen(std::move(listener)); }
  Watchers& watchers() { return watchers_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t messages() const { return messages_; }

  // ---- what changes are made with; given once each, whatever becomes of the change
  MailboxId next_mailbox() { return {next_mailbox_++}; }
  std::uint32_t next_uid_validity(std::uint32_t seconds_now) {
    return last_uid_validity_ = std::max(last_uid_validity_ + 1, seconds_now);
  }
  static Uid give_uids(Mailbox& box, std::uint32_t count);
  static Uid next_uid(const Mailbox& box) { return box.next_uid_to_give_; }
  // None below it is given any more.
  static void skip_uids(Mailbox& box, Uid next) {
    box.next_uid_to_give_ = std::max(box.next_uid_to_give_, next);
  }
  // Of an attempt that was not written, and behind which nobody has given any.
  static void take_back_uids(Mailbox& box, Uid next) { box.next_uid_to_give_ = next; }
  static bool is_looked_at(const Mailbox& box) { return !box.views_.empty(); }
  static bool has_uids(const Mailbox& box, std::uint64_t count) {
    return box.next_uid_to_give_.value + count < ~std::uint32_t{0};
  }
  static ModSeq give_modseq(Mailbox& box) { return {++box.last_modseq_given_.value}; }
  static void set_going(Mailbox& box, bool going) { box.going_ = going; }
  static bool is_going(const Mailbox& box) { return box.going_; }
  static void take_recent(Mailbox& box) { box.recent_from_ = box.uid_next_; }
  static void add_view(Mailbox& box, View& view) { box.views_.push_back(&view); }

 private:
  bool operate(const OperationHeader& operation, Reader& body);
  bool make_mailbox(Reader& body);
  bool number(Reader& body);
  bool rename_mailbox(Reader& body);
  bool drop_mailbox(Reader& body);
  bool set_special_use(Reader& body);
  bool add(Reader& body);
  bool change_flags(std::uint8_t how, Reader& body);
  bool expunge(Reader& body);
  bool name_keyword(Reader& body);
  bool copy(Reader& body);
  bool annotate(std::uint8_t how, Reader& body);  // annotations.cpp
  bool grant(std::uint8_t how, Reader& body);     // access_lists.cpp
  void drop_user();
  void tell(Happened::What what, const Mailbox& box, std::size_t messages = 0) {
    watchers_.tell({.what = what, .mailbox = box.id(), .name = box.name(), .messages = messages});
  }
  void insert(Mailbox& box, const Message& message);
  void remove(const Message& message, Mailbox& box);
  static void note_gone(Mailbox& box, ModSeq modseq, std::span<const UidRange> ranges);
  void count(Mailbox& box, const Message& message, int by);
  static bool restore_mailbox(Reader& from, Mailbox& box);

  UserId id_;
  std::string name_;
  std::uint64_t lsn_ = 0;
  bool alive_ = false;
  std::uint32_t next_mailbox_ = kInbox.value;
  std::uint32_t last_uid_validity_ = 0;
  std::map<std::uint32_t, std::unique_ptr<Mailbox>> mailboxes_;
  std::map<std::string, Mailbox*, std::less<>> by_name_;
  std::set<std::string, std::less<>> subscriptions_;
  std::set<Origin> origins_;
  Annotations annotations_;
  AccessLists access_lists_;
  Watchers watchers_;
  std::uint64_t bytes_ = 0;
  std::uint64_t messages_ = 0;
  BlobRefs* refs_ = nullptr;      // during apply
  const View* silent_ = nullptr;  // the same
};

}  // namespace ringpost::store
