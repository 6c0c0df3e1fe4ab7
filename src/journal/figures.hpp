// What the log engine counts.
//
// Layer: durable, private.
#pragma once

#include "ringpost/observe/registry.hpp"

namespace ringpost::journal {

struct Figures {
  explicit Figures(observe::Registry& registry) {
    registry.add("journal_commit_ns", "From the submission of a commit frame until it is durable.",
                 commit_ns);
    registry.add("journal_frames", "Commit frames made durable.", frames);
    registry.add("journal_frame_records", "Records in each commit frame.", frame_records);
    registry.add("journal_frame_bytes", "Bytes of each commit frame, without padding.", frame_bytes);
    registry.add("journal_written_bytes", "Bytes written in commit frames, with padding.", written_bytes);
    registry.add("journal_payload_bytes", "Of these, payloads of records.", payload_bytes);
    registry.add("journal_padding_bytes", "Of these, zeros up to the next block.", padding_bytes);
    registry.add("journal_filled_bytes", "Zeros written to new segment files, once in the life of each.",
                 filled_bytes);
    registry.add("journal_table_bytes", "Bytes written in index tables of sealed segments.", table_bytes);
    registry.add("journal_header_bytes", "Bytes written in headers of segments.", header_bytes);
    registry.add("journal_write_errors", "Commit frames and headers that could not be written.",
                 write_errors);
    registry.add("journal_no_room", "Appends refused for want of a buffer or a segment.", no_room);
    registry.add("journal_cold_reads", "Records read from the disk.", cold_reads);
    registry.add("journal_damaged_reads", "Records that did not verify when read twice.", damaged_reads);
    registry.add("journal_scrubbed_bytes", "Bytes of sealed segments read again to find rot.",
                 scrubbed_bytes);
    registry.add("journal_rotten", "Places in sealed segments that do not verify any more.", rotten);
    registry.add("journal_buffers_pinned", "Commit buffers that a reader keeps.", buffers_pinned);
    registry.add("journal_segments", "Segment files, free ones too.", segments);
    registry.add("journal_segments_free", "Segment files that are zero-filled or free again.", segments_free);
    registry.add("journal_segments_cold",
                 "Segment files of moved messages that expire at about the same time.", segments_cold);
    registry.add("journal_segments_freed", "Segments given back by reclaim.", segments_freed);
    registry.add("journal_segments_emptied", "Segments whose rest was moved to newer ones.",
                 segments_emptied);
    registry.add("journal_live_bytes", "Bytes of records that still count.", live_bytes);
  }

  observe::Histogram commit_ns, frame_records, frame_bytes;
  observe::Counter payload_bytes, padding_bytes, filled_bytes;
  observe::Counter frames, written_bytes, table_bytes, header_bytes, write_errors, no_room, cold_reads,
      damaged_reads;
  observe::Counter scrubbed_bytes, rotten;
  observe::Counter segments_freed, segments_emptied;
  observe::Gauge buffers_pinned, segments, segments_free, segments_cold, live_bytes;
};

}  // namespace ringpost::journal
