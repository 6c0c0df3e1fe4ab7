#include "ringpost/spool/options.hpp"

#include "ringpost/base/option_table.hpp"

namespace ringpost::spool {

const OptionTable& option_table(const SpoolOptions*) {
  static const OptionTable table = options_of<SpoolOptions>(
      "spool", "Where the queue lives, and how much of the disk it may have.",
      {
          field<&SpoolOptions::directory>("directory", "One folder for each core is made in it.", not_empty(),
                                          postfix("queue_directory"), needs_restart()),
          field<&SpoolOptions::segment_size>("segment_size", "Size of one file of the log.", range(1_MiB, 1_GiB),
                                             needs_restart()),
          field<&SpoolOptions::free_space_min>("free_space_min",
                                               "When less of the file system is free, new mail hears 452 4.3.1.",
                                               postfix("queue_minfree"), needs_restart()),
          field<&SpoolOptions::relaxed_delay>("relaxed_delay",
                                              "What a crash may cost at durability \"relaxed\"; a bound, not a wait.",
                                              range(1ms, 10s), needs_restart()),
          field<&SpoolOptions::buffer_memory>("buffer_memory",
                                              "Commit buffers of each core; they are the cache of fresh mail too.",
                                              range(4_MiB, 4_GiB), needs_restart()),
          field<&SpoolOptions::segments_ahead>("segments_ahead", "Zero-filled files kept ready by each core.",
                                               range(2, 64), needs_restart()),
          field<&SpoolOptions::compact_after>("compact_after",
                                              "A file this old that holds little is emptied, so that it can be used again.",
                                              range(1s, 24h), needs_restart()),
      });
  return table;
}

}  // namespace ringpost::spool
