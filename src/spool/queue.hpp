// The messages of one core and where their bytes lie: what the log means, as tables.
//
// Layer: durable, private, without I/O. Owner: one spool, or who only looks at one.
// Copies: a message that was moved has an older envelope in a segment that is not free yet. It does not count, but a
//         record that ends the message must name that segment too.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ringpost/journal/log.hpp"

#include "index.hpp"
#include "states.hpp"

namespace ringpost::spool {

// Who keeps count of what lives in which segment: the log, or a stand-in for who only looks.
class Ledger {
 public:
  virtual ~Ledger() = default;
  virtual void add_live(journal::Location where) = 0;
  virtual void drop_live(journal::Location where) = 0;
  virtual void add_pin(journal::Location negation, std::span<const journal::SegmentName> targets) = 0;
  virtual journal::SegmentName name_of(journal::Location where) const = 0;
  virtual std::uint32_t epoch_of(journal::Location where) const = 0;
  // What belongs to it is missing: where something could not be read, it waits with that.
  virtual void keep_beside_unread(journal::Location where) = 0;
};

// The body of a message that came in pieces.
struct Large {
  std::uint64_t body_id = 0;
  std::uint64_t size = 0;
  std::vector<journal::Location> chunks;
  journal::Location end;
};

// An envelope and the body that belongs to it.
struct Copy {
  journal::Location envelope;
  journal::Location body;
  std::optional<Large> large;
  bool no_body = false;
};

class Queue {
 public:
  explicit Queue(Ledger& ledger) : ledger_(ledger) {}

  Entry* find(MessageId id) { return index_.find(id); }
  const Entry* find(MessageId id) const { return index_.find(id); }
  Index& index() { return index_; }
  const Index& index() const { return index_; }
  States& states() { return states_; }
  const States& states() const { return states_; }
  const Large* large(MessageId id) const;
  std::optional<MessageId> message_of_body(std::uint64_t body_id) const;

  // A new message; counts its records as live.
  Entry& add(MessageId id, Copy copy, std::size_t recipients);
  // The same one at another place; the old place becomes a copy that does not count.
  void relocate(Entry& entry, Copy copy);
  // It is nowhere in the log any more.
  void remove_place(Entry& entry) { (void)take_primary(entry); }
  // Forgets the message; its records are not live any more.
  void drop(Entry& entry);
  std::uint32_t state_of(Entry& entry);  // makes one

  std::uint64_t size_of(const Entry& entry) const;
  std::vector<journal::Location> body_records(const Entry& entry) const;
  // The segments with an envelope of it.
  std::vector<journal::SegmentName> segments_of(const Entry& entry) const;
  // An older envelope that must be named at the end.
  void add_copy(Entry& entry, Copy copy);
  // Takes away the copies that `voided` says so of, the entry's own one too; another one takes its place, or the message
  // is gone: then false.
  template <class Voided>
  bool remove_copies(MessageId id, Voided voided);
  // What was relocated to `lost` could not be written there: it is where it was before, whatever other copies are worth. They
  // may be on their way out; the place that was left last is not, before that frame is settled.
  void go_back(Entry& entry, journal::Location lost);
  // A segment is free: copies in it need not be named any more, and those of which a piece was there have no body.
  void forget_copies(std::uint32_t segment);

 private:
  Copy take_primary(Entry& entry);
  void put_primary(Entry& entry, Copy copy);
  void drop_states(Entry& entry);

  Ledger& ledger_;
  Index index_;
  States states_;
  std::unordered_map<std::uint64_t, Large> larges_;              // by message
  std::unordered_map<std::uint64_t, std::uint64_t> by_body_;     // body id: message
  std::unordered_map<std::uint64_t, std::vector<Copy>> copies_;  // by message
};

template <class Voided>
bool Queue::remove_copies(MessageId id, Voided voided) {
  Entry* entry = index_.find(id);
  if (entry == nullptr) return false;
  std::vector<Copy> left;
  if (const auto found = copies_.find(id.value); found != copies_.end()) {
    std::erase_if(found->second, [&](const Copy& copy) { return voided(copy.envelope); });
    left = std::move(found->second);
    copies_.erase(found);
  }
  if (voided(entry->envelope)) {
    if (left.empty()) {
      entry->clear(Entry::has_copies);
      drop(*entry);
      return false;
    }
    const auto worth = [&](const Copy& copy) {
      return std::pair(!copy.no_body, ledger_.epoch_of(copy.envelope));
    };
    std::size_t best = 0;
    for (std::size_t i = 1; i < left.size(); ++i)
      if (worth(left[i]) >= worth(left[best])) best = i;
    (void)take_primary(*entry);
    put_primary(*entry, std::move(left[best]));
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(best));
  }
  entry->clear(Entry::has_copies);
  for (Copy& copy : left) add_copy(*entry, std::move(copy));
  return true;
}

}  // namespace ringpost::spool
