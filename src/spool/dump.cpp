// What every record says, in one line.
#include <array>

#include <fmt/format.h>

#include "ringpost/journal/format.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/spool/archive.hpp"

#include "records.hpp"
#include "shard_directory.hpp"

namespace ringpost::spool {

namespace {

constexpr std::array<std::string_view, 5> kStateNames{"pending", "delivered", "bounced", "expired",
                                                      "cancelled"};
constexpr std::size_t kShownMax = 8;  // recipients, outcomes or segments of one record

template <class Items, class Text>
std::string first_of(const Items& items, Text text) {
  std::string line;
  std::size_t shown = 0;
  for (const auto& item : items) {
    if (shown++ == kShownMax) return line + fmt::format(" and {} more", items.size() - kShownMax);
    line += (line.empty() ? "" : " ") + text(item);
  }
  return line;
}

std::string envelope_text(const journal::RecordView& view) {
  const auto envelope = mail::EnvelopeRecord::decode(view.payload);
  if (!envelope) return "envelope that cannot be decoded";
  std::vector<std::string> recipients;
  for (std::size_t i = 0; i < envelope->recipient_count(); ++i)
    recipients.push_back(fmt::format("<{}>", envelope->recipient(i).address));
  return fmt::format("envelope from <{}> to {}", envelope->reverse_path(),
                     first_of(recipients, [](const std::string& text) { return text; }));
}

std::string state_text(const journal::RecordView& view) {
  const auto state = decode_state(view.payload);
  if (!state) return "state that cannot be decoded";
  return fmt::format(
      "{} {}", state->whole ? "state" : "change", first_of(state->outcomes, [](const auto& outcome) {
        return fmt::format("{}:{}/{}", outcome.recipient, kStateNames[outcome.state], outcome.attempts);
      }));
}

std::string segments_text(std::string_view word, const journal::RecordView& view) {
  return fmt::format("{} {}", word,
                     first_of(decode_segments(view.payload), [](const journal::SegmentName& name) {
                       return fmt::format("{}/{}/{}", name.shard, name.number, name.sequence);
                     }));
}

std::string text_of(const journal::RecordView& view) {
  switch (static_cast<RecordType>(view.type)) {
    case RecordType::body:
      return "body";
    case RecordType::chunk:
      return "chunk";
    case RecordType::body_end: {
      if (view.payload.size() < sizeof(BodyEnd)) return "body end that cannot be decoded";
      const auto end = journal::load<BodyEnd>(view.payload);
      return fmt::format("body {} of {} bytes in {} chunks", to_string(MessageId{end.body_id}), end.size,
                         end.chunk_count);
    }
    case RecordType::envelope:
      return envelope_text(view);
    case RecordType::state:
      return state_text(view);
    case RecordType::done:
      return segments_text("done", view);
    case RecordType::moved:
      return segments_text("moved", view);
  }
  return fmt::format("record of type {}", view.type);
}

}  // namespace

Result<void> dump(io::Files& files, const std::string& directory,
                  const std::function<void(const DumpedRecord&)>& visit,
                  std::vector<InspectedShard>& shards) {
  const SpoolDirectory found = RP_TRY(read_directory(files, directory));
  for (const unsigned shard : found.shards) {
    InspectedShard& seen = shards.emplace_back(InspectedShard{.shard = shard});
    const auto done = journal::read_shard(
        files, {shard_directory(directory, shard), shard},
        [&](const journal::RecordView& view) { visit({shard, view, text_of(view)}); }, seen.report);
    RP_CHECK(note_unread(done, seen));
  }
  return {};
}

}  // namespace ringpost::spool
