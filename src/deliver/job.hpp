// One message in the queue of a core, and its jobs: which of its recipients go to which destination.
//
// Owner: Queue. Kept small, for there may be millions: addresses stay in the spool.
// Life:  a job is in exactly one place: its destination's ready line, the timer wheel (deferred), a flow's hands (active),
//        the hands of who reports on it (settling), or nowhere (held). A message lives until its last job has ended and
//        nobody has pinned it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/shard/timer_wheel.hpp"

namespace ringpost::deliver {

class Destination;
class Queue;
struct Message;

// Indexes of recipients in an envelope. One is the usual number and needs no memory of its own.
class RecipientList {
 public:
  RecipientList() = default;
  explicit RecipientList(std::span<const std::uint32_t> recipients) { assign(recipients); }

  std::span<const std::uint32_t> view() const { return {many_ ? many_.get() : &one_, count_}; }
  std::uint32_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  void assign(std::span<const std::uint32_t> recipients) {
    auto many = recipients.size() > 1 ? std::make_unique<std::uint32_t[]>(recipients.size()) : nullptr;
    if (many) std::ranges::copy(recipients, many.get());
    if (recipients.size() == 1) one_ = recipients.front();
    count_ = static_cast<std::uint32_t>(recipients.size());
    many_ = std::move(many);
  }

 private:
  std::unique_ptr<std::uint32_t[]> many_;
  std::uint32_t one_ = 0;
  std::uint32_t count_ = 0;
};

enum class Place : std::uint8_t { ready, deferred, active, settling, held };

// What an earlier attempt to deliver into the mailboxes has left behind, when LMTP is to do the rest. Not needed after a
// restart: what is done is in the spool, and the rest is found again.
struct LocalProgress {
  std::string lmtp_recipient;  // whom the LMTP server knows the recipient as
  std::string lmtp_sender;     // of a list; "": as it came
  mail::Reply failure;         // of another target, for good: what the recipient ends with when all is done
  std::string owner;           // who hears of that failure; "": the sender
};

struct Job final : shard::Timer, ListLink<Destination>, ListLink<Message> {
  Job(Message& of, Destination& to);
  ~Job() = default;

  Message& message;
  Destination* destination;
  RecipientList recipients;
  std::shared_ptr<const std::string> reason;  // why it is deferred; shared by those deferred together
  std::unique_ptr<LocalProgress> local;
  std::uint16_t attempts = 0;
  std::uint16_t code = 0;  // the reply that deferred it
  Place place = Place::settling;
  bool held_by_rule = false;  // in whatever place: a rule of the operator means its recipients
  bool requeued = false;      // its connection was lost once before anything was decided: no second free try
};

struct Message final : shard::Timer, ListLink<Message> {
  explicit Message(Queue& queue);

  Queue& owner;
  MessageId id;
  WallTime arrival, expiry;
  WallTime warning;  // when the delay is to be reported; 0: never, or done
  IntrusiveList<Job, Message> jobs;
  Instant answer_due;     // at level through, by the core's clock: the time of day may be set while the client waits
  bool through = false;   // a client waits for what becomes of it: one attempt, within kPassingMax
  bool released = false;  // from the quarantine: `expiry` is its own, and nobody is told of a delay
  std::uint32_t job_count = 0;
  std::uint32_t pins = 0;  // who holds a pointer over a suspension
};

}  // namespace ringpost::deliver
