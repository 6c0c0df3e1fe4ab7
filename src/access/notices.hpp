// What a client wants to hear without asking (NOTIFY), and what has happened since it was told last.
//
// Layer:  services, without I/O. Owner: an ImapConversation, on the owner core of the mailboxes.
// Limits: access/limits.hpp: kNoticesMax; past it all is dropped, and the client is told so once.
// RFCs:   5465.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/imap/command.hpp"
#include "ringpost/store/view.hpp"
#include "ringpost/store/watcher.hpp"

namespace ringpost::access {

class Notices final : public store::Watcher {
 public:
  using Subscribed = std::function<bool(std::string_view)>;
  // `subscribed` says whether a name is, now. `listener` is told when there is something to take.
  Notices(imap::Notify wanted, Subscribed subscribed, store::Listener& listener)
      : wanted_(std::move(wanted)), subscribed_(std::move(subscribed)), listener_(listener) {}

  // ---- what is wanted
  struct OfSelected {
    bool messages = false;  // new ones, and those that go
    bool flags = false;
    bool at_once = false;  // expunges too, not only with a command
  };
  OfSelected of_selected() const;
  bool wants_something() const { return !wanted_.groups.empty(); }
  const std::vector<imap::FetchItem>& fetch() const { return wanted_.fetch; }
  // Of a mailbox that is not selected.
  imap::NotifyEvents events_of(std::string_view name) const { return events_of(name, subscribed_(name)); }

  // ---- what has happened
  struct Messages {
    std::size_t added = 0;
    std::size_t gone = 0;
    bool flags = false;
  };
  struct Name {
    std::string name;
    std::string
        old_name;  // it was called so; empty: it was made, deleted, subscribed to, or what is below it was
    bool operator==(const Name&) const = default;
  };
  struct News {
    bool overflow = false;  // too much: nothing else is known, and nothing more is noted
    std::map<store::MailboxId, Messages> messages;
    std::vector<Name> names;
    std::map<store::MailboxId, std::set<std::string>> entries;
  };
  bool pending() const { return overflow_ || size_ != 0; }
  // `selected`: its messages are told otherwise.
  News take(store::MailboxId selected);
  void happened(const store::Happened& event) override;

  // The client has done it itself, and hears nothing of it.
  void forget_added(store::MailboxId mailbox, std::size_t messages);
  void forget_name(std::string_view name);  // and the levels above it
  void forget_entry(store::MailboxId mailbox, const std::string& entry);

 private:
  imap::NotifyEvents events_of(std::string_view name, bool subscribed) const;
  void note_name(std::string_view name, std::string_view old_name = {});
  void note_made_or_gone(std::string_view name);
  bool take_place();

  imap::Notify wanted_;
  Subscribed subscribed_;
  store::Listener& listener_;
  News news_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

}  // namespace ringpost::access
