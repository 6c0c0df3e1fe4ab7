// What is not what it was: told to whoever reads the log, and kept by name.
#include <algorithm>
#include <ranges>
#include <string_view>

#include <fmt/format.h>

#include "ringpost/observe/event_ring.hpp"

#include "spool_state.hpp"

namespace ringpost::spool {

void Spool::State::say_damaged(std::string_view text, MessageId id) {
  auto line = core.events().begin(observe::EventType::notice, core.wall_now());
  line.add(observe::EventKey::severity, "error");
  if (id) line.add(observe::EventKey::queue_id, id);
  line.add(observe::EventKey::text, text);
  line.finish();
}

// Once, when the log has been read. A torn tail is what a crash leaves, and no damage.
void Spool::State::name_damaged() {
  damaged_messages = replay->damaged();
  if (own_shard == 0)
    for (const std::string& text : start_info.left_alone | std::views::take(kDamageNoticesMax))
      say_damaged(text);
  std::size_t places = 0;
  for (const journal::Damage& damage : report.damage) {
    if (const auto id = named_by(damage, queue, replay.get())) damaged_messages.push_back(id);
    if (damage.torn_tail || ++places > kDamageNoticesMax) continue;
    say_damaged(fmt::format("the spool is damaged: shard of core {}, segment {} at {} ({} bytes): {}",
                            own_shard, damage.segment, damage.offset, damage.size, damage.text),
                damage.id);
  }
  if (replay->left_out() > 0)
    say_damaged(
        fmt::format("the shard of core {} has {} more records about messages of other cores than memory is "
                    "kept for: they were not read, and "
                    "some of that mail may be delivered again; start with as many cores as before",
                    own_shard, replay->left_out()));
  std::ranges::sort(damaged_messages);
  damaged_messages.erase(std::ranges::unique(damaged_messages).begin(), damaged_messages.end());
  for (const MessageId id : damaged_messages | std::views::take(kDamageNoticesMax))
    say_damaged("the message is damaged", id);
  if (report.damages > kDamageNoticesMax || damaged_messages.size() > kDamageNoticesMax)
    say_damaged(
        fmt::format("{} damaged places and {} damaged messages in all; ringpost spool check names them",
                    report.damages, damaged_messages.size()));
}

// Found later: what recovery did not have to read.
void Spool::State::note_damaged(MessageId id) {
  figures.damaged.add();
  const auto place = std::ranges::lower_bound(damaged_messages, id);
  if (place != damaged_messages.end() && *place == id) return;
  say_damaged("the message is damaged", id);
  if (damaged_messages.size() < kDamagedNamesMax) damaged_messages.insert(place, id);
}

// Found by the scrub; a body is named by its message, which may be another id.
void Spool::State::rotten(const journal::Damage& damage) {
  if (is_of_guest(damage.type)) return guest->damaged(damage);
  if (const MessageId id = named_by(damage, queue, nullptr)) note_damaged(id);
}

}  // namespace ringpost::spool
