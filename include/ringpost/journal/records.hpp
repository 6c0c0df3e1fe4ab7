// Records as they are read: by recovery, and offline by who only looks.
//
// Layer: durable. read_shard blocks, never writes, and may run beside a server (it then sees a moment of the newest
//        segment, whose unfinished end it calls a torn tail).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/journal/limits.hpp"

namespace ringpost::journal {

// Where the payload of a record lies. Stays true until its segment is freed.
struct Location {
  std::uint32_t segment = 0;  // an index that the log gave when it opened; not the number of the file
  std::uint32_t offset = 0;   // of the payload, in the file; 0 is nowhere
  std::uint32_t size = 0;     // of the payload
  constexpr explicit operator bool() const { return offset != 0; }
  constexpr bool operator==(const Location&) const = default;
};

// `payload` is valid during the call that hands it out.
struct RecordView {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  MessageId id;
  unsigned shard = 0;
  Location where;
  std::uint64_t order = 0;     // (epoch, commit sequence); of one stream of a shard it rises
  std::uint64_t sequence = 0;  // of the segment
  std::span<const std::byte> payload;
  bool summary = false;  // recovery read the index table: `payload` is Record::summary
};

// What was wrong and had to be gone around.
struct Damage {
  std::uint32_t segment = 0;  // the number of the file
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool torn_tail = false;  // expected after a crash; else bit rot
  std::string text;
  MessageId id;           // of the record; 0 when that is not known
  std::uint8_t type = 0;  // of the record
};

// Where segments are looked for, and whose they must be.
struct ShardPlace {
  std::string directory;
  unsigned shard = 0;
  std::uint64_t spool_id = 0;  // 0: of any spool
};

struct RecoveryReport {
  std::array<std::uint64_t, kStreams> stream_segments{};  // of each stream, those with frames
  std::uint64_t segments = 0, free_segments = 0, frames = 0, records = 0, bytes = 0, voided_frames = 0;
  std::uint64_t tables = 0;                   // of the segments, so many were read by their index table
  std::uint64_t torn_tails = 0, damages = 0;  // all of them; `damage` holds the first ones
  std::vector<Damage> damage;
  void add(Damage found);
};

// Every record of the shard, in order, from the frames; index tables are compared with them. In the views,
// Location::segment is the number of the file.
// `step` (may be none) is told after each segment how many bytes of files have been read or gone over.
Result<void> read_shard(io::Files& files, const ShardPlace& place,
                        const std::function<void(const RecordView&)>& visit, RecoveryReport& report,
                        const std::function<void(std::uint64_t bytes)>& step = {});

// The payload of the record at `where` of a file that read_shard has read, into `into`. False: it does not verify.
Result<bool> read_record(io::Files& files, const std::string& directory, Location where,
                         std::vector<std::byte>& into);

}  // namespace ringpost::journal
