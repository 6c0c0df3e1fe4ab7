#include "damage_notices.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "ringpost/observe/event_ring.hpp"

namespace ringpost::server {

namespace {

constexpr std::string_view kHint = "ringpost spool check names all";

void say(shard::Core& core, std::string_view text, MessageId id = {}) {
  auto line = core.events().begin(observe::EventType::notice, core.wall_now());
  line.add(observe::EventKey::severity, "error");
  if (id) line.add(observe::EventKey::queue_id, id);
  line.add(observe::EventKey::text, text);
  line.finish();
}

// A torn tail is what a crash leaves, and no damage.
void name_places(shard::Core& core, const journal::RecoveryReport& report) {
  std::size_t named = 0;
  for (const journal::Damage& damage : report.damage) {
    if (damage.torn_tail) continue;
    if (named++ == kDamageNoticesMax) break;
    say(core,
        fmt::format("the spool is damaged: shard of core {}, segment {} at {} ({} bytes): {}", core.index(),
                    damage.segment, damage.offset, damage.size, damage.text),
        damage.id);
  }
  if (const auto most = std::min(named, kDamageNoticesMax); report.damages > most)
    say(core, fmt::format("and {} more damaged places; {}", report.damages - most, kHint));
}

void name_messages(shard::Core& core, const std::vector<MessageId>& damaged) {
  const std::size_t most = std::min(damaged.size(), kDamageNoticesMax);
  for (std::size_t i = 0; i < most; ++i) say(core, "this message is damaged in the spool", damaged[i]);
  if (damaged.size() > most)
    say(core, fmt::format("and {} more damaged messages; {}", damaged.size() - most, kHint));
}

}  // namespace

void name_damage(shard::Core& core, const spool::Spool& spool) {
  name_places(core, spool.recovery());
  name_messages(core, spool.damaged_messages());
}

}  // namespace ringpost::server
