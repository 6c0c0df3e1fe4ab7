// Blocks of a simulated disk that cannot be read for a while.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/io/sim.hpp"
#include "ringpost/journal/format.hpp"

namespace ringpost::spool::testing {

class DeadBlocks {
 public:
  explicit DeadBlocks(io::SimWorld& world) : world_(world) {}

  // In which a frame of the segment begins.
  void kill_frame_heads(io::Files& files, const std::string& segment) { kill(files, segment, false); }
  // All of the segment but its headers.
  void kill_contents(io::Files& files, const std::string& segment) { kill(files, segment, true); }
  std::size_t count() const { return blocks_.size(); }
  // They can be read again.
  void write_again(io::Files& files) {
    for (const Block& block : blocks_) {
      const auto file = files.open(block.path, {.write = true});
      ASSERT_TRUE(file) << block.path;
      EXPECT_TRUE(files.write_at(file->handle, block.bytes, block.offset));
      files.close(file->handle);
    }
  }

 private:
  struct Block {
    std::string path;
    std::uint64_t offset;
    std::vector<std::byte> bytes;
  };
  void kill(io::Files& files, const std::string& path, bool all) {
    const auto file = files.open(path, {});
    ASSERT_TRUE(file) << path;
    const std::uint64_t size = files.size(file->handle).value_or(0);
    for (std::uint64_t at = journal::kFirstFrame; at < size; at += journal::kBlockSize) {
      std::vector<std::byte> bytes(journal::kBlockSize);
      ASSERT_TRUE(files.read_at(file->handle, bytes, at));
      if (!all && !journal::parse_frame_header(bytes)) continue;
      EXPECT_TRUE(world_.kill_block(path, at));
      blocks_.push_back({path, at, std::move(bytes)});
    }
    files.close(file->handle);
  }

  io::SimWorld& world_;
  std::vector<Block> blocks_;
};

}  // namespace ringpost::spool::testing
