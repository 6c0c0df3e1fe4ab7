// A message is announced after a restart, even if its envelope could not be read at once.
#include "unit/spool/dead_blocks.hpp"
#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

TEST(Announce, messages_that_cannot_be_read_at_the_start_are_announced_when_they_can_be) {
  const auto world = std::make_shared<io::SimWorld>(3);
  Machine machine(world);
  Station at(machine);
  at.open();
  // Each in a frame of one block; the first segment is full and has an index table then, of which alone it is recovered.
  for (unsigned i = 0; i < 260; ++i) at.accept("a text");
  machine.turns(3000);
  at.lose_power();
  DeadBlocks blocks(*world);
  const std::string shard = machine.directory() + "/queue/shard-0";
  for (const std::string& name : machine.files().list(shard).value_or(std::vector<std::string>{}))
    if (name.starts_with("segment-")) blocks.kill_frame_heads(machine.files(), shard + "/" + name);
  ASSERT_GT(blocks.count(), 250U);
  at.open();
  const std::size_t known = at.spool->message_count();
  EXPECT_GT(known, 200U);
  machine.turns(20'000);
  EXPECT_EQ(at.recorder.heard.size(), 0U);
  blocks.write_again(machine.files());
  EXPECT_TRUE(machine.turn_until([&] { return at.recorder.heard.size() == known; }));
  EXPECT_TRUE(std::ranges::all_of(at.recorder.heard, &Heard::recovered));
  at.close();
}

}  // namespace
}  // namespace ringpost::spool::testing
