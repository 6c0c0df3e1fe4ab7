#include "disk_watch.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "ringpost/journal/format.hpp"

namespace ringpost::simulator {

using journal::FrameHeader;
using journal::kBlockSize;
using journal::kFirstFrame;

// A use of a segment has a salt of its own, so the same salt at the same place is the same frame.
void DiskWatch::see(const io::SimWrite& write) {
  const auto frame = journal::parse_frame_header(write.bytes);
  const std::pair place(write.file, write.offset);
  const bool whole = write.result >= 0 && static_cast<std::size_t>(write.result) == write.bytes.size();
  if (write.landed != write.offset) {
    excuse(write.bytes, 0, write.bytes.size());
    excuse(write.before, static_cast<std::size_t>(write.landed),
           static_cast<std::size_t>(write.landed) + write.bytes.size());
    coverage_.note("oracle: messages excused after a misdirected write");
  }
  if (!frame || write.offset < kFirstFrame) return;
  coverage_.note("oracle: a frame was seen on its way to the disk");
  if (const auto found = failed_.find(place); found != failed_.end() && found->second == frame->salt)
    ledger_.violate(fmt::format(
        "the frame at {} of a segment could not be written, and was written there again", write.offset));
  if (whole) {
    failed_.erase(place);
  } else {
    failed_[place] = frame->salt;
    coverage_.note("oracle: the place of a failed frame is watched");
  }
}

void DiskWatch::excuse(std::span<const std::byte> file, std::size_t begin, std::size_t end) {
  for (std::size_t at = 0; at + sizeof(FrameHeader) <= file.size(); at += kBlockSize) {
    const auto frame = journal::parse_frame_header(file.subspan(at));
    if (!frame || at >= end || at + frame->size <= begin) continue;
    journal::RecordCursor cursor(file.subspan(at, std::min<std::size_t>(frame->size, file.size() - at)));
    while (cursor.next()) {
      ledger_.excuse({cursor.header().id});
      if (cursor.header().type == journal::kVoidType) ledger_.excuse_failed_frames();
    }
  }
}

void DiskWatch::rot(io::Files& files, io::sim::Random& random, const KillBlock& kill) {
  std::vector<std::string> segments;
  for (const std::string& shard : files.list("/spool").value_or(std::vector<std::string>{}))
    if (shard.starts_with("shard-"))
      for (const std::string& name : files.list("/spool/" + shard).value_or(std::vector<std::string>{}))
        if (name.starts_with("segment-")) segments.push_back("/spool/" + shard + "/" + name);
  if (segments.empty()) return;
  const std::string path = segments[random.below(segments.size())];
  const auto file = files.open(path, {.write = true});
  if (!file) return;
  std::vector<std::byte> whole(static_cast<std::size_t>(files.size(file->handle).value_or(0)));
  const auto size = files.read_at(file->handle, whole, 0);
  std::vector<std::pair<std::size_t, std::size_t>> frames;  // offset, size
  for (std::size_t at = kFirstFrame; size && at + kBlockSize <= whole.size(); at += kBlockSize)
    if (const auto frame = journal::parse_frame_header(std::span(whole).subspan(at)))
      frames.emplace_back(at, std::min<std::size_t>(frame->size, whole.size() - at));
  if (!frames.empty()) {
    const auto [at, length] = frames[random.below(frames.size())];
    excuse(whole, at, at + length);
    const std::size_t where = at + static_cast<std::size_t>(random.below(length));
    if (random.one_in(3)) {
      kill(path, where);
      coverage_.note("disk: a block cannot be read any more");
      return files.close(file->handle);
    }
    const std::byte wrong = whole[where] ^ static_cast<std::byte>(1U << random.below(8));
    if (files.write_at(file->handle, {&wrong, 1}, where) && files.sync(file->handle))
      coverage_.note("disk: a stored bit turned over");
  }
  files.close(file->handle);
}

}  // namespace ringpost::simulator
