// Who is told what happens to a user's mailboxes.
//
// Layer:  durable, private, without I/O. Owner: the Account of the user.
// Limits: as many as there are sessions.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/store/watcher.hpp"

namespace ringpost::store {

class Watchers {
 public:
  void add(Watcher& watcher) { all_.push_back(&watcher); }
  void remove(Watcher& watcher) { std::erase(all_, &watcher); }

  // A change begins: what it renames together is told once.
  void begin_change() { renamed_.clear(); }
  void tell(const Happened& event) {
    for (Watcher* watcher : all_) watcher->happened(event);
  }
  void tell_renamed(MailboxId mailbox, std::string_view old_name, std::string_view name) {
    if (all_.empty()) return;
    const bool below = !renamed_.empty() && old_name.starts_with(renamed_);
    if (below) return;
    renamed_.assign(old_name).append("/");
    tell({.what = Happened::What::mailbox_renamed, .mailbox = mailbox, .name = name, .old_name = old_name});
  }

 private:
  std::vector<Watcher*> all_;
  std::string renamed_;  // the name that a mailbox of this change had, and "/"
};

}  // namespace ringpost::store
