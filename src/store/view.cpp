#include "ringpost/store/view.hpp"

#include <algorithm>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/store/limits.hpp"
#include "ringpost/store/user_mail.hpp"

#include "account.hpp"

namespace ringpost::store {

View::View(UserMail& user, MailboxId mailbox, Listener* listener)
    : mailbox_(const_cast<Mailbox*>(user.find(mailbox))), listener_(listener) {
  if (mailbox_ == nullptr) return;
  end_ = mailbox_->uid_next();
  all_told_ = mailbox_->highest_modseq();
  Account::add_view(*mailbox_, *this);
}

View::~View() {
  if (mailbox_ != nullptr) std::erase(mailbox_->views_, this);
}

std::size_t View::here_below(Uid uid) const {
  return mailbox_ == nullptr ? 0 : mailbox_->lower_bound(uid);
}

std::size_t View::exists() const {
  return here_below(end_) + expunged_.size();
}

std::size_t View::sequence_of(Uid uid) const {
  if (uid >= end_ || mailbox_ == nullptr) return 0;
  const auto gone = std::ranges::lower_bound(expunged_, uid);
  const bool is_gone = gone != expunged_.end() && *gone == uid;
  if (!is_gone && mailbox_->find(uid) == nullptr) return 0;
  return here_below(uid) + static_cast<std::size_t>(gone - expunged_.begin()) + 1;
}

Uid View::uid_at(std::size_t sequence) const {
  if (sequence == 0 || sequence > exists() || mailbox_ == nullptr) return {};
  const std::size_t wanted = sequence - 1;
  const auto here = mailbox_->messages().first(here_below(end_));
  // The messages that are here come to lie behind as many told of as gone; the sum rises.
  const auto place_of = [&](std::size_t index) {
    return index +
           static_cast<std::size_t>(std::ranges::lower_bound(expunged_, here[index].uid) - expunged_.begin());
  };
  std::size_t low = 0;  // so many have a place at or before the wanted one
  std::size_t high = here.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (place_of(middle) <= wanted)
      low = middle + 1;
    else
      high = middle;
  }
  if (low != 0 && place_of(low - 1) == wanted) return here[low - 1].uid;
  return expunged_[wanted - low];
}

UidSet View::uids_between(std::size_t first, std::size_t last) const {
  last = std::min(last, exists());
  if (first == 0 || first > last) return {};
  return UidSet({uid_at(first), uid_at(last)});
}

Uid View::take_recent() {
  return mailbox_ == nullptr ? end_ : std::exchange(mailbox_->recent_from_, mailbox_->uid_next_);
}

View::News View::take(bool with_expunges) {
  News news;
  news.keywords = std::exchange(keywords_, false);
  if (mailbox_ == nullptr) {
    news.mailbox_gone = true;
    pending_ = false;
    return news;
  }
  if (with_expunges) {
    for (const Uid uid : expunged_) {
      news.expunged.push_back(here_below(uid) + 1);
      news.vanished.append(uid);
    }
    expunged_.clear();
  }
  const auto known = mailbox_->messages().first(here_below(end_));
  if (std::exchange(all_changed_, false)) {
    for (const Message& message : known) news.changed.push_back(message.uid);
  } else {
    std::ranges::sort(changed_);
    changed_.erase(std::ranges::unique(changed_).begin(), changed_.end());
    for (const Uid uid : changed_)
      if (mailbox_->find(uid) != nullptr) news.changed.push_back(uid);
  }
  changed_.clear();
  const std::size_t before = exists();
  end_ = mailbox_->uid_next();
  if (exists() != before) news.exists = exists();
  pending_ = !expunged_.empty();
  if (!pending_) all_told_ = mailbox_->highest_modseq();
  return news;
}

ModSeq View::told_modseq() const {
  return expunged_.empty() ? mailbox_->highest_modseq() : all_told_;
}

void View::wake() {
  pending_ = true;
  if (listener_ != nullptr) listener_->changed();
}

void View::note_added() {
  wake();
}

// Who may do what with it has changed: perhaps its session may not see it any more.
void View::note_access() {
  wake();
}

void View::note_changed(const UidSet& uids) {
  if (!all_changed_) {
    for (const UidRange& range : uids.ranges()) {
      const std::size_t last = mailbox_->lower_bound(std::min(Uid{range.last.value + 1}, end_));
      for (std::size_t i = mailbox_->lower_bound(range.first); i < last; ++i)
        changed_.push_back(mailbox_->messages()[i].uid);
    }
    if (changed_.size() > kPendingMax) {
      all_changed_ = true;
      changed_.clear();
    }
  }
  wake();
}

// Each of the UIDs was a message.
void View::note_expunged(const UidSet& uids) {
  for (const UidRange& range : uids.ranges())
    for (Uid uid = range.first; uid <= range.last && uid < end_; ++uid.value) expunged_.push_back(uid);
  std::ranges::sort(expunged_);
  wake();
}

void View::note_keywords() {
  keywords_ = true;
  wake();
}

void View::note_gone() {
  mailbox_ = nullptr;
  expunged_.clear();
  wake();
}

}  // namespace ringpost::store
