#include "disk_watch.hpp"

#include <algorithm>
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

namespace {

struct StoredFrame {
  std::size_t offset = 0, size = 0;
  std::pair<std::uint32_t, std::uint64_t> order;  // epoch, commit sequence
};

std::vector<StoredFrame> frames_in(std::span<const std::byte> file) {
  std::vector<StoredFrame> frames;
  for (std::size_t at = kFirstFrame; at + kBlockSize <= file.size(); at += kBlockSize)
    if (const auto frame = journal::parse_frame_header(file.subspan(at)))
      frames.push_back(
          {at, std::min<std::size_t>(frame->size, file.size() - at), {frame->epoch, frame->commit_sequence}});
  return frames;
}

std::vector<std::byte> read_whole(io::Files& files, const std::string& path) {
  const auto file = files.open(path, {});
  if (!file) return {};
  std::vector<std::byte> whole(static_cast<std::size_t>(files.size(file->handle).value_or(0)));
  if (!files.read_at(file->handle, whole, 0)) whole.clear();
  files.close(file->handle);
  return whole;
}

}  // namespace

// One time in two where was written last: those frames are read at the next start, the others have an index table.
void DiskWatch::rot(io::Files& files, io::sim::Random& random, const KillBlock& kill) {
  struct Segment {
    std::string path;
    std::vector<std::byte> bytes;
    std::vector<StoredFrame> frames;
  };
  std::vector<Segment> segments;
  for (const std::string& shard : files.list("/spool").value_or(std::vector<std::string>{}))
    if (shard.starts_with("shard-"))
      for (const std::string& name : files.list("/spool/" + shard).value_or(std::vector<std::string>{})) {
        if (!name.starts_with("segment-")) continue;
        Segment segment{.path = "/spool/" + shard + "/" + name, .bytes = {}, .frames = {}};
        segment.bytes = read_whole(files, segment.path);
        segment.frames = frames_in(segment.bytes);
        if (!segment.frames.empty()) segments.push_back(std::move(segment));
      }
  if (segments.empty()) return;
  std::ranges::sort(segments, {}, [](const Segment& segment) { return segment.frames.back().order; });
  const Segment& chosen = random.one_in(2) ? segments.back() : segments[random.below(segments.size())];
  // Rather one with much behind it, which must not go with it.
  const StoredFrame& frame = chosen.frames[random.below(random.below(chosen.frames.size()) + 1)];
  excuse(chosen.bytes, frame.offset, frame.offset + frame.size);
  const std::size_t where = frame.offset + static_cast<std::size_t>(random.below(frame.size));
  if (random.one_in(3)) {
    kill(chosen.path, where);
    coverage_.note("disk: a block cannot be read any more");
    return;
  }
  const auto file = files.open(chosen.path, {.write = true});
  if (!file) return;
  const std::byte wrong = chosen.bytes[where] ^ static_cast<std::byte>(1U << random.below(8));
  if (files.write_at(file->handle, {&wrong, 1}, where) && files.sync(file->handle))
    coverage_.note("disk: a stored bit turned over");
  files.close(file->handle);
}

}  // namespace ringpost::simulator
