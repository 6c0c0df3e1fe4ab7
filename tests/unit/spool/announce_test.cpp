// A message is announced after a restart, even if its envelope could not be read at once.
#include "ringpost/journal/format.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

// Every block in which a frame begins, of all segments of the only shard.
class Blocks {
 public:
  Blocks(io::SimWorld& world, io::Files& files, const std::string& shard) : world_(world), files_(files) {
    const auto names = files.list(shard);
    for (const std::string& name : names.value_or(std::vector<std::string>{}))
      if (name.starts_with("segment-")) look_in(shard + "/" + name);
  }
  std::size_t count() const { return blocks_.size(); }
  void kill() {
    for (const Block& block : blocks_) EXPECT_TRUE(world_.kill_block(block.path, block.offset));
  }
  void write_again() {
    for (const Block& block : blocks_) {
      const auto file = files_.open(block.path, {.write = true});
      ASSERT_TRUE(file);
      EXPECT_TRUE(files_.write_at(file->handle, block.bytes, block.offset));
      files_.close(file->handle);
    }
  }

 private:
  struct Block {
    std::string path;
    std::uint64_t offset;
    std::vector<std::byte> bytes;
  };
  void look_in(const std::string& path) {
    const auto file = files_.open(path, {});
    ASSERT_TRUE(file);
    const std::uint64_t size = files_.size(file->handle).value_or(0);
    for (std::uint64_t at = journal::kFirstFrame; at < size; at += journal::kBlockSize) {
      std::vector<std::byte> bytes(journal::kBlockSize);
      ASSERT_TRUE(files_.read_at(file->handle, bytes, at));
      if (journal::parse_frame_header(bytes)) blocks_.push_back({path, at, bytes});
    }
    files_.close(file->handle);
  }

  io::SimWorld& world_;
  io::Files& files_;
  std::vector<Block> blocks_;
};

TEST(Announce, messages_that_cannot_be_read_at_the_start_are_announced_when_they_can_be) {
  const auto world = std::make_shared<io::SimWorld>(3);
  Machine machine(world);
  Station at(machine);
  at.open();
  // Each in a frame of one block; the first segment is full and has an index table then, of which alone it is recovered.
  for (unsigned i = 0; i < 260; ++i) at.accept("a text");
  machine.turns(3000);
  at.lose_power();
  Blocks blocks(*world, machine.files(), machine.directory() + "/queue/shard-0");
  ASSERT_GT(blocks.count(), 250U);
  blocks.kill();
  at.open();
  const std::size_t known = at.spool->message_count();
  EXPECT_GT(known, 200U);
  machine.turns(20'000);
  EXPECT_EQ(at.recorder.heard.size(), 0U);
  blocks.write_again();
  EXPECT_TRUE(machine.turn_until([&] { return at.recorder.heard.size() == known; }));
  EXPECT_TRUE(std::ranges::all_of(at.recorder.heard, &Heard::recovered));
  at.close();
}

}  // namespace
}  // namespace ringpost::spool::testing
