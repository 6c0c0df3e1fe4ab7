#include "compare.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "limits.hpp"
#include "load_id.hpp"
#include "output.hpp"
#include "process.hpp"
#include "report.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kFileBytesMax = std::size_t{4} << 30U;

std::string_view take_word(std::string_view& line) {
  const std::size_t size = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, size);
  line.remove_prefix(std::min(size + 1, line.size()));
  return word;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// `word`, and then `shape` where it ends: what it could have become.
std::string completed(std::string_view word, std::string_view shape) {
  return std::string(word).append(shape.substr(std::min(word.size(), shape.size())));
}

bool begins_an_id(std::string_view word) {
  return word.empty() || parse_id(completed(word, "00000000-000-000000000000")).has_value();
}

bool begins_a_checksum(std::string_view word) {
  return word.empty() || parse_checksum(completed(word, "00000000")).has_value();
}

// What a process that was killed, or a full disk, left of "ID RECIPIENTS CHECKSUM".
bool is_part_of_acknowledged(std::string_view line) {
  const std::string_view id = take_word(line);
  if (line.empty()) return begins_an_id(id);
  const std::string_view count = take_word(line);
  return parse_id(id) && is_number(count) && begins_a_checksum(line);
}

// The same of "ID ADDRESSES ok|bad CHECKSUM".
bool is_part_of_received(std::string_view line) {
  const std::string_view id = take_word(line);
  if (line.empty()) return id == "-" || begins_an_id(id);
  if (id != "-" && !parse_id(id)) return false;
  (void)take_word(line);
  const std::string_view judgement = take_word(line);
  if (line.empty())
    return std::string_view("ok").starts_with(judgement) || std::string_view("bad").starts_with(judgement);
  return (judgement == "ok" || judgement == "bad") && begins_a_checksum(line);
}

struct Unused {
  std::uint64_t cut = 0;
  std::uint64_t unreadable = 0;
};

// Calls `use` with each line, and says what became of those that it could not use. One without its end is none.
template <class Use>
void each_line(std::string_view text, Use use, bool (*is_part)(std::string_view), Unused& unused) {
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    const std::string_view line = text.substr(0, newline);
    const bool ended = newline != std::string_view::npos;
    if (!line.empty() && (!ended || !use(line))) ++(is_part(line) ? unused.cut : unused.unreadable);
    text.remove_prefix(ended ? newline + 1 : text.size());
  }
}

struct Message {
  std::optional<std::uint32_t> promised;       // checksum, when it was acknowledged
  std::uint64_t recipients = 0;                // promised
  std::vector<std::string_view> received_for;  // once for each time
  bool corrupted = false;
};

class Ledger {
 public:
  bool note_acknowledged(std::string_view line);
  bool note_received(std::string_view line);
  Comparison settle() const;
  std::uint64_t foreign = 0;

 private:
  Message& message(std::string_view id);
  std::unordered_map<std::string_view, std::size_t> places_;
  std::vector<std::pair<std::string_view, Message>> messages_;  // in the order of their first line
};

Message& Ledger::message(std::string_view id) {
  const auto [place, fresh] = places_.emplace(id, messages_.size());
  if (fresh) messages_.emplace_back(id, Message{});
  return messages_[place->second].second;
}

bool Ledger::note_acknowledged(std::string_view line) {
  const std::string_view id = take_word(line);
  const std::string_view count = take_word(line);
  const auto checksum = parse_checksum(line);
  std::uint64_t recipients = 0;
  const auto [end, error] = std::from_chars(count.data(), count.data() + count.size(), recipients);
  if (!parse_id(id) || !checksum || error != std::errc{} || end != count.data() + count.size()) return false;
  Message& known = message(id);
  known.promised = checksum;
  known.recipients = std::max(known.recipients, recipients);
  return true;
}

bool Ledger::note_received(std::string_view line) {
  const std::string_view id = take_word(line);
  std::string_view recipients = take_word(line);
  const std::string_view judgement = take_word(line);
  const auto checksum = parse_checksum(line);
  if (!checksum || (judgement != "ok" && judgement != "bad")) return false;
  if (id == "-") {
    ++foreign;
    return true;
  }
  if (!parse_id(id)) return false;
  Message& known = message(id);
  known.corrupted = known.corrupted || judgement == "bad" || (known.promised && known.promised != checksum);
  while (!recipients.empty()) {
    const std::size_t size = std::min(recipients.find(','), recipients.size());
    known.received_for.push_back(recipients.substr(0, size));
    recipients.remove_prefix(std::min(size + 1, recipients.size()));
  }
  return true;
}

Comparison Ledger::settle() const {
  Comparison result;
  for (const auto& [id, message] : messages_) {
    std::vector<std::string_view> recipients = message.received_for;
    std::ranges::sort(recipients);
    const auto [repeats, end] = std::ranges::unique(recipients);
    if (repeats != end) ++result.duplicated;
    const auto distinct = static_cast<std::uint64_t>(repeats - recipients.begin());
    if (message.corrupted) {
      ++result.corrupted;
      if (result.corrupted_ids.size() < kLostShownMax) result.corrupted_ids.emplace_back(id);
    }
    if (!message.promised) {
      ++result.unacknowledged;
      continue;
    }
    ++result.acknowledged;
    if (distinct >= message.recipients) {
      ++result.received;
    } else {
      ++result.lost;
      if (result.lost_ids.size() < kLostShownMax) result.lost_ids.emplace_back(id);
    }
  }
  return result;
}

}  // namespace

Comparison compare(std::string_view acknowledged, std::string_view received) {
  Ledger ledger;
  Unused unused;
  each_line(
      acknowledged, [&](std::string_view line) { return ledger.note_acknowledged(line); },
      is_part_of_acknowledged, unused);
  each_line(
      received, [&](std::string_view line) { return ledger.note_received(line); }, is_part_of_received,
      unused);
  Comparison result = ledger.settle();
  result.foreign = ledger.foreign;
  result.cut = unused.cut;
  result.unreadable = unused.unreadable;
  return result;
}

std::string to_text(const Comparison& c) {
  std::string text = fmt::format(
      "acknowledged {}, received {}, lost {}, duplicated {}, corrupted {}, unacknowledged but received {}\n",
      c.acknowledged, c.received, c.lost, c.duplicated, c.corrupted, c.unacknowledged);
  if (c.duplicated != 0) text += "a message that comes twice is told, and is no fault\n";
  if (c.cut != 0) text += fmt::format("{} lines were cut off where a process ended\n", c.cut);
  if (c.unreadable != 0) text += fmt::format("{} lines could not be read\n", c.unreadable);
  if (c.foreign != 0) text += fmt::format("{} messages came from no generator\n", c.foreign);
  for (const std::string& id : c.lost_ids) text += "lost       " + id + "\n";
  for (const std::string& id : c.corrupted_ids) text += "corrupted  " + id + "\n";
  return text;
}

std::string to_json(const Comparison& c) {
  JsonObject object;
  object.add("acknowledged", c.acknowledged)
      .add("received", c.received)
      .add("lost", c.lost)
      .add("duplicated", c.duplicated)
      .add("corrupted", c.corrupted)
      .add("unacknowledged_but_received", c.unacknowledged)
      .add("foreign", c.foreign)
      .add("cut_lines", c.cut)
      .add("unreadable_lines", c.unreadable)
      .add("lost_ids", c.lost_ids)
      .add("corrupted_ids", c.corrupted_ids)
      .add("good", c.good());
  return object.text() + "\n";
}

int run_compare(const CompareOptions& options) {
  const auto acknowledged = read_file(options.acknowledged, kFileBytesMax);
  const auto received = read_file(options.received, kFileBytesMax);
  for (const auto* file : {&acknowledged, &received})
    if (!*file) return complain(file->error().text);
  const Comparison result = compare(*acknowledged, *received);
  const int code = output(options.json ? to_json(result) : to_text(result), result.good() ? 0 : 1);
  if (result.unreadable != 0)
    return complain("there are lines that no generator and no sink writes: are these the right files?");
  if (result.acknowledged == 0)
    return complain(options.acknowledged + " has no message: nothing was compared");
  return code;
}

}  // namespace ringpost::loadgen
