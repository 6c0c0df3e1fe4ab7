#include "ledger.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "io/sim_chance.hpp"

namespace ringpost::simulator {

namespace {

// After a write error the next good frame voids the failed one; until then a crash may bring it back.
constexpr Duration kVoidedWithin = std::chrono::minutes{5};

// Lines of all lengths, some that begin with dots, none that is special to anybody.
void append_lines(std::string& text, std::uint64_t size, io::sim::Random& random) {
  const std::size_t end = text.size() + static_cast<std::size_t>(size);
  while (text.size() < end) {
    if (random.one_in(8)) text.append(static_cast<std::size_t>(random.between(1, 3)), '.');
    const std::uint64_t length = random.one_in(10) ? random.between(0, 900) : random.between(0, 76);
    std::uint64_t word = 0;
    for (std::uint64_t i = 0; i < length; ++i) {
      if (i % 10 == 0) word = random.next();
      text += static_cast<char>('!' + (word & 63));
      word >>= 6;
    }
    text += "\r\n";
  }
}

std::string name_of(MessageId id, const std::string& recipient) {
  return fmt::format("{} for {}", to_string(id), recipient);
}

}  // namespace

std::string Letter::text() const {
  std::string text = fmt::format(
      "From: <{}>\r\nTo: <{}>\r\nSubject: letter {}\r\nX-Letter: {}\r\nMessage-ID: <{}@home.test>\r\n"
      "Date: Wed, 01 Jan 2025 00:00:00 +0000\r\n\r\n",
      sender.empty() ? "MAILER-DAEMON@home.test" : sender, recipients.front(), number, number, number);
  io::sim::Random random(number * 7919 + 17);
  append_lines(text, size, random);
  return text;
}

void Ledger::violate(std::string text) {
  if (!violation_) violation_ = std::move(text);
}

Letter& Ledger::post(Letter letter) {
  letter.number = static_cast<unsigned>(letters_.size());
  letters_.push_back(std::move(letter));
  return letters_.back();
}

Fate& Ledger::fate(MessageId id, const std::string& recipient) {
  return taken_[id.value].recipients[recipient];
}

void Ledger::acknowledge(Letter& letter, MessageId id, const std::vector<std::string>& recipients) {
  ++letter.acknowledged;
  Taken& taken = taken_[id.value];
  if (taken.letter && *taken.letter != letter.number)
    violate(fmt::format("the id {} was given to letter {} and to letter {}", to_string(id), *taken.letter,
                        letter.number));
  taken.letter = letter.number;
  for (const std::string& recipient : recipients) {
    Fate& now = taken.recipients[recipient];
    now.promised = letter.level == mail::Durability::disk;
    if (!passes(taken)) continue;
    coverage_.note("oracle: a 250 at level through compared with its next hop");
    if (now.arrivals == 0)
      violate(fmt::format("{} was promised at level through, and its next hop does not have it",
                          name_of(id, recipient)));
  }
}

bool Ledger::passes(const Taken& taken) const {
  return taken.letter && letters_[*taken.letter].level == mail::Durability::through;
}

// ---- arriving

bool Ledger::arrive(MessageId id, unsigned number, const std::string& recipient) {
  const Letter& letter = letters_[number];
  if (std::ranges::find(letter.recipients, recipient) == letter.recipients.end()) {
    violate(fmt::format("letter {} has come to {}, to whom nobody sent it", number, recipient));
    return false;
  }
  Taken& taken = taken_[id.value];
  if (taken.letter && *taken.letter != number)
    violate(fmt::format("the id {} was given to letter {} and to letter {}", to_string(id), *taken.letter,
                        number));
  taken.letter = number;
  arrive_report(id, recipient);
  return true;
}

void Ledger::arrive_report(MessageId id, const std::string& recipient) {
  Fate& now = fate(id, recipient);
  ++arrivals_;
  ++now.undecided;
  if (++now.arrivals > 1) {
    ++repeats_;
    coverage_.note(now.forgotten > 0 ? "oracle: an arrival again, after a crash"
                                     : "oracle: an arrival again, after a lost 250");
  }
  check_repeats(id, recipient, now);
}

void Ledger::report(unsigned letter, const std::string& recipient) {
  if (letters_[letter].level == mail::Durability::through)
    violate(fmt::format("letter {} went through, and its sender has a report", letter));
  reported_.emplace(letter, recipient);
}

void Ledger::decide(MessageId id, const std::string& recipient, bool heard) {
  Fate& now = fate(id, recipient);
  --now.undecided;
  if (!heard) ++now.unheard;
  check_repeats(id, recipient, now);
}

void Ledger::check_repeats(MessageId id, const std::string& recipient, const Fate& now) {
  const bool once = passes(taken_[id.value]);
  if (now.arrivals <= 1 + (once ? 0 : now.undecided + now.unheard + now.forgotten) || excused(id)) return;
  violate(fmt::format("{} has come {} times; {} of these could not be known, {} were forgotten in a crash",
                      name_of(id, recipient), now.arrivals, now.unheard, now.forgotten));
}

// ---- what the server says

void Ledger::end(MessageId id, const std::string& recipient, bool failed) {
  Fate& now = fate(id, recipient);
  if (now.ended && !excused(id)) violate(fmt::format("{} has ended twice", name_of(id, recipient)));
  now.ended = true;
  now.perhaps = false;  // it had still been in the queue: what was said of it before a crash was not durable
  now.failed = now.failed || failed;
  ruined_failed_ = ruined_failed_ || (failed && excused(id));
  const bool unread = !reads_later_.empty() && recipient.ends_with(reads_later_);
  if (!failed && now.arrivals == 0 && !unread)
    violate(fmt::format("{} counts as delivered, but nobody has it", name_of(id, recipient)));
}

void Ledger::end_durably(MessageId id, const std::string& recipient) {
  fate(id, recipient).durable = true;
}

void Ledger::crash(Instant at) {
  for (Letter& letter : letters_)
    if (const auto failed = std::exchange(letter.failed_at, std::nullopt);
        failed && at - *failed < kVoidedWithin)
      ++letter.unvoided;
  for (auto& [id, taken] : taken_)
    for (auto& [recipient, now] : taken.recipients) {
      if (now.durable) continue;
      if (now.arrivals > 0) ++now.forgotten;
      now.perhaps = now.perhaps || std::exchange(now.ended, false);
      now.ended = false;
    }
}

// ---- looking

void Ledger::compare_queue(const std::map<std::uint64_t, unsigned>& queue) {
  for (const auto& [id, count] : queue)
    if (count > 1) violate(fmt::format("{} is in the queues of {} cores", to_string(MessageId{id}), count));
  for (auto& [value, taken] : taken_)
    if (!excused({value})) compare_message({value}, taken, queue.contains(value));
}

void Ledger::compare_message(MessageId id, Taken& taken, bool queued) {
  // The cores that are ready take mail while others still read.
  if (queued && passes(taken) && id.epoch() < epoch_)
    violate(fmt::format("{} went through, and is in the queue after the start", to_string(id)));
  bool all_durable = true;
  for (auto& [recipient, now] : taken.recipients) {
    all_durable = all_durable && now.durable;
    const bool settled = now.arrivals > 0 || now.ended || now.durable || now.perhaps;
    if (now.perhaps && !queued) now.ended = now.durable = true;
    if (!now.promised || settled) continue;
    coverage_.note("oracle: an open promise looked for after a start");
    if (!queued)
      violate(
          fmt::format("{} was promised, and is not in the queue after the start", name_of(id, recipient)));
  }
  // Recipients of a letter whose end we have not seen may be open, so only a whole letter tells.
  if (!all_durable || !taken.letter || taken.recipients.size() != letters_[*taken.letter].recipients.size())
    return;
  coverage_.note("oracle: an ended message looked for after a start");
  if (queued)
    violate(
        fmt::format("{} has come back into the queue, though all of it had ended durably", to_string(id)));
}

// The ruined message may have been a report: those are of no letter.
bool Ledger::report_excused() const {
  return std::ranges::any_of(excused_, [&](std::uint64_t id) {
    const auto found = taken_.find(id);
    return found == taken_.end() || !found->second.letter;
  });
}

void Ledger::compare_end(MessageId id, const Taken& taken, const std::string& recipient, const Fate& now) {
  check_repeats(id, recipient, now);
  if (!now.promised || excused(id)) return;
  coverage_.note(now.arrivals > 0 ? "oracle: a promise ended as an arrival"
                                  : "oracle: a promise ended otherwise");
  if (now.arrivals > 0) return;
  const Letter& letter = letters_[*taken.letter];
  if (!now.failed)
    violate(fmt::format("{} (letter {}) was promised and is lost", name_of(id, recipient), letter.number));
  else if (!letter.sender.empty() && !reported_.contains({letter.number, recipient}) && !report_excused())
    violate(fmt::format("{} (letter {}) has failed, and {} was not told", name_of(id, recipient),
                        letter.number, letter.sender));
}

void Ledger::compare_ends() {
  std::map<unsigned, unsigned> sendings;
  for (const auto& [id, taken] : taken_) {
    bool arrived = false;
    for (const auto& [recipient, now] : taken.recipients) {
      compare_end({id}, taken, recipient, now);
      // Through: what its client heard when nobody had heard the 250 of the next hop is no 250 either.
      arrived = arrived || now.arrivals > (passes(taken) ? now.undecided + now.unheard + now.forgotten : 0);
    }
    if (arrived && taken.letter) ++sendings[*taken.letter];
  }
  for (const auto& [number, count] : sendings) {
    const Letter& letter = letters_[number];
    if (count > letter.acknowledged + letter.unknown + letter.unvoided && !failed_frames_excused_)
      violate(
          fmt::format("letter {} was sent {} times; its client had heard 250 {} times and {} times nothing",
                      number, count, letter.acknowledged, letter.unknown));
  }
}

std::size_t Ledger::promises() const {
  std::size_t count = 0;
  for (const auto& [id, taken] : taken_)
    for (const auto& [recipient, now] : taken.recipients) count += now.promised ? 1 : 0;
  return count;
}

}  // namespace ringpost::simulator
