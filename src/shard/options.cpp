#include "ringpost/shard/options.hpp"

#include <algorithm>

#include "ringpost/base/option_table.hpp"
#include "ringpost/shard/limits.hpp"

namespace ringpost::shard {

namespace {

using Use = std::variant<Word<"all">, Word<"physical">, std::vector<unsigned>>;

std::optional<OptionComplaint> complaint_about_use(const Use& use) {
  const auto* list = std::get_if<std::vector<unsigned>>(&use);
  if (list == nullptr) return std::nullopt;
  if (list->empty())
    return OptionComplaint{"names no CPU", "write \"all\", \"physical\", or a list as [0, 1]"};
  if (list->size() > kCoresMax)
    return OptionComplaint{"names " + std::to_string(list->size()) + " CPUs",
                           "allowed are " + std::to_string(kCoresMax)};
  std::vector<unsigned> sorted = *list;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end())
    return OptionComplaint{"names CPU " + std::to_string(*twice) + " twice", "name each CPU once"};
  return std::nullopt;
}

void check_cores(const CoreOptions& options, OptionReport& report) {
  // Otherwise nothing would be left for messages: the pool gets its part of the whole limit.
  if (options.receive_buffers.count * kBufferPartOfMemory > options.memory_limit.count)
    report.error("receive_buffers",
                 "takes more than half of memory_limit (" + to_string(options.memory_limit) + ")",
                 "raise memory_limit or lower receive_buffers");
  if (options.receive_buffer_size.count > options.receive_buffers.count)
    report.error("receive_buffer_size",
                 "is more than receive_buffers (" + to_string(options.receive_buffers) + ")",
                 "lower it, or raise receive_buffers");
  if (options.steering == Steering::cpu && !options.pin)
    report.error("steering", "\"cpu\" needs cores that stay on their CPUs",
                 "set pin = true, or steering = \"hash\"");
  if (options.completion_entries < options.submission_entries)
    report.error("completion_entries",
                 "is less than submission_entries (" + std::to_string(options.submission_entries) + ")",
                 "write at least that");
  if (options.watchdog != Duration{0} && options.watchdog < 10s)
    report.error("watchdog", "is under 10s, which a loaded machine can need for a turn",
                 "write \"0s\" for none, or at least \"10s\"");
}

}  // namespace

const OptionTable& option_table(const CoreOptions*) {
  using C = CoreOptions;
  static const OptionTable table = options_of<C>(
      "cores", "One pinned thread and one spool shard each.",
      {
          field<&C::use>("use",
                         "The CPUs to run on, one core for each; \"all\" is every CPU that the process may "
                         "use, \"physical\" one for each physical core. Without `pin` only their number "
                         "counts.",
                         checked(&complaint_about_use), example("[0, 2, 4]"), needs_restart()),
          field<&C::pin>("pin", "Bind each core to its CPU.", needs_restart()),
          field<&C::backend>("backend",
                             "The interface to the kernel; auto takes the best that passes its self-test.",
                             one_of("auto", "uring", "epoll"), needs_restart()),
          field<&C::wait>(
              "wait",
              "How a core without work waits: adaptive gathers completions when busy, sleep returns with "
              "the first, busy_poll never sleeps and takes the whole CPU.",
              needs_restart()),
          field<&C::receive_buffers>("receive_buffers",
                                     "Memory that received bytes arrive in, for each core.",
                                     range(1_MiB, 1_GiB), needs_restart()),
          field<&C::receive_buffer_size>(
              "receive_buffer_size",
              "Of one receive buffer: how much of a connection's bytes one receive takes.",
              range(4_KiB, 1_MiB), needs_restart()),
          field<&C::steering>(
              "steering",
              "Which core gets a new connection: hash, by its addresses; cpu, the core on the CPU "
              "that took its first packet, for a network card with a queue for each CPU.",
              needs_restart()),
          field<&C::memory_limit>("memory_limit",
                                  "Memory of each core; at the limit new mail is answered 452.",
                                  range(64_MiB, Bytes{std::uint64_t{1} << 40}), needs_restart()),
          field<&C::submission_entries>("submission_entries", "Entries of the submission ring of each core.",
                                        range(64, 32768), needs_restart()),
          field<&C::completion_entries>("completion_entries", "Entries of the completion ring of each core.",
                                        range(128, 65536), needs_restart()),
          field<&C::offload_threads>("offload_threads",
                                     "Threads of the process for what would block a core: passwords, SQLite.",
                                     range(1, 64), needs_restart()),
          field<&C::watchdog>("watchdog", "A core without a turn for so long ends the process; 0s is never.",
                              range(0s, 1h), needs_restart()),
      },
      &check_cores);
  return table;
}

}  // namespace ringpost::shard
