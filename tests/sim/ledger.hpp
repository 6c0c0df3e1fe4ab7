// What was posted, what was promised for it, and what has become of it: the oracle of the simulator.
//
// Layer: simulator. Owner: the World; written by clients, remote servers and the watch over the machine.
// Rules: a promise (250 at level disk) ends for each recipient as an arrival, or as a failure of which the sender was told.
//        At level through a 250 is said when the message has arrived, and not before; it arrives once at most, in the life of
//        the machine in which it was sent, nobody gets a report about it, and none of it is there after a start.
//        A message arrives once for each recipient, and once more for each time that nobody could know: the connection died
//        after the end of data, or the machine died before the record of the delivery was durable.
//        Bytes and recipients are those that were posted.
// The first violation is kept with its text; the run ends with it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/mail/envelope_record.hpp"

#include "coverage.hpp"

namespace ringpost::simulator {

// One message that somebody wants to send.
struct Letter {
  unsigned number = 0;
  std::string sender;  // "": the null sender
  std::vector<std::string> recipients;
  std::uint64_t size = 0;  // of the random part
  mail::Durability level = mail::Durability::disk;
  bool lmtp = false;  // posted with it, so that each recipient has an answer
  // Attempts by how they ended for the client.
  unsigned acknowledged = 0, refused = 0, unknown = 0;
  // Of those refused for a failing disk: the machine died soon after, perhaps before it had voided what may be there.
  unsigned unvoided = 0;
  std::optional<Instant> failed_at;  // the last such refusal since the machine started
  bool over = false;                 // nobody tries any more

  std::string text() const;  // always the same bytes
  std::string envid() const { return "L" + std::to_string(number); }
};

// What has become of one recipient of one message, as the server numbers it.
struct Fate {
  unsigned arrivals = 0;
  unsigned undecided = 0;  // of these: it is not known yet whether the server has heard the 250
  unsigned unheard = 0;    // of these: it has not, for all that anybody knows
  unsigned forgotten = 0;  // times that the machine died before it had durably recorded the arrival
  bool promised = false;
  bool ended = false;    // the server has said that it is over
  bool failed = false;   // and that it was a failure
  bool durable = false;  // and that is on stable storage
  bool perhaps = false;  // it had said so when it died, and nobody knows whether that was durable
};

struct Taken {
  std::optional<unsigned> letter;  // none: not known yet, or a report
  std::map<std::string, Fate> recipients;
};

class Ledger {
 public:
  explicit Ledger(Coverage& coverage) : coverage_(coverage) {}

  // ---- the first thing that must not be
  void violate(std::string text);
  const std::optional<std::string>& violation() const { return violation_; }

  // Arrivals at such recipients come to be known later than the server's word of them: a user reads his mail when he does.
  void reads_later(std::string at) { reads_later_ = std::move(at); }

  // ---- posting
  Letter& post(Letter letter);
  std::deque<Letter>& letters() { return letters_; }
  // The client has heard 250 for these recipients.
  void acknowledge(Letter& letter, MessageId id, const std::vector<std::string>& recipients);

  // ---- arriving
  // A remote server has taken it. False: it must not be here, and that is noted.
  bool arrive(MessageId id, unsigned letter, const std::string& recipient);
  void arrive_report(MessageId id, const std::string& recipient);
  void report(unsigned letter, const std::string& recipient);  // of a failure, to the sender
  // Whether the server has heard of it, once that is known.
  void decide(MessageId id, const std::string& recipient, bool heard);

  // ---- what the server says
  void end(MessageId id, const std::string& recipient, bool failed);
  void end_durably(MessageId id, const std::string& recipient);
  // What it gives now are ids of this epoch.
  void begin_epoch(std::uint32_t epoch) {
    epoch_ = epoch;
    ruined_failed_ = false;
  }
  std::uint32_t epoch() const { return epoch_; }
  // The machine has died.
  void crash(Instant now);
  // Whatever the disk did to this message, the server cannot be blamed for.
  void excuse(MessageId id) { excused_.insert(id.value); }
  // Nor for a failed frame that counts after all, when the disk has ruined the record that voids it.
  void excuse_failed_frames() { failed_frames_excused_ = true; }
  bool excused(MessageId id) const { return excused_.contains(id.value); }
  // A message of this epoch may be the report on one that the disk had brought back, and that failed again.
  bool may_be_report_on_ruined(MessageId id) const { return ruined_failed_ && id.epoch() == epoch_; }
  std::size_t excused_count() const { return excused_.size(); }

  // ---- looking
  // After a start: what the machine has in its queue, by id, and how often.
  void compare_queue(const std::map<std::uint64_t, unsigned>& queue);
  // At the end, when the queue is empty.
  void compare_ends();
  std::size_t promises() const;
  std::size_t arrivals() const { return arrivals_; }
  std::size_t repeats() const { return repeats_; }
  std::size_t reports() const { return reported_.size(); }

 private:
  Fate& fate(MessageId id, const std::string& recipient);
  bool passes(const Taken& taken) const;
  void check_repeats(MessageId id, const std::string& recipient, const Fate& fate);
  void compare_message(MessageId id, Taken& taken, bool queued);
  bool report_excused() const;
  void compare_end(MessageId id, const Taken& taken, const std::string& recipient, const Fate& fate);

  Coverage& coverage_;
  std::deque<Letter> letters_;
  std::map<std::uint64_t, Taken> taken_;
  std::set<std::pair<unsigned, std::string>> reported_;
  std::set<std::uint64_t> excused_;
  std::string reads_later_;  // "": nobody does
  bool failed_frames_excused_ = false;
  bool ruined_failed_ = false;  // an excused message, in this epoch
  std::uint32_t epoch_ = 0;
  std::size_t arrivals_ = 0, repeats_ = 0;
  std::optional<std::string> violation_;
};

}  // namespace ringpost::simulator
