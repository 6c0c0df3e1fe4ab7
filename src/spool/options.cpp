#include "ringpost/spool/options.hpp"

#include "ringpost/base/option_table.hpp"
#include "ringpost/journal/limits.hpp"

namespace ringpost::spool {

namespace {

std::optional<OptionComplaint> complaint_about_segment(const Bytes& size) {
  if (size.count % journal::kBlockSize == 0) return std::nullopt;
  return OptionComplaint{to_string(size) + " is not a multiple of 4KiB", "write \"64MiB\""};
}

}  // namespace

const OptionTable& option_table(const SpoolOptions*) {
  using S = SpoolOptions;
  static const OptionTable table = options_of<S>(
      "spool", "The durable queue.",
      {
          field<&S::directory>("directory", "Where the queue lives; one sub-directory for each core.",
                               not_empty(), postfix("queue_directory"), needs_restart()),
          field<&S::segment_size>("segment_size",
                                  "Size of the log's files, which are made once and used again.",
                                  range(journal::kSegmentSizeMin, journal::kSegmentSizeMax),
                                  checked(&complaint_about_segment), needs_restart()),
          field<&S::free_space_min>(
              "free_space_min", "Part of the file system that stays free; below it new mail gets 452 4.3.1.",
              postfix("queue_minfree"), needs_restart()),
          field<&S::relaxed_delay>("relaxed_delay",
                                   "How much accepted mail level relaxed may lose in a crash.",
                                   range(Duration{1ms}, Duration{10s}), needs_restart()),
          field<&S::buffer_memory>("buffer_memory",
                                   "Commit buffers of each core, which are also the cache of fresh mail.",
                                   range(4_MiB, 1_GiB), needs_restart()),
          field<&S::segments_ahead>("segments_ahead", "Zero-filled files that each core keeps ready.",
                                    range(2U, 64U), needs_restart()),
          field<&S::compact_after>(
              "compact_after",
              "Age from which a file with little live mail is emptied, so that it can be used again.",
              range(Duration{1s}, Duration{24h}), needs_restart()),
          field<&S::index_memory>("index_memory",
                                  "Memory of each core for the table of messages, about 55 bytes for each, "
                                  "and up to 110 when few of many are left; when it is "
                                  "used up new mail gets 452 4.3.1.",
                                  range(1_MiB, 1024_GiB), needs_restart()),
      });
  return table;
}

}  // namespace ringpost::spool
