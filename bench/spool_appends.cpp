// Durable appends of the log, beside what the disk gives to bare writes of the same size, in turns: so all have the same weather.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ringpost/journal/log.hpp"

#include "spool_station.hpp"

namespace ringpost::spool {
namespace {

constexpr std::size_t kRecord = 4200;
constexpr std::size_t kRawFile = std::size_t{256} << 20;
constexpr unsigned kRounds = 3;
// Mail is new each time, so bare writes may not come from memory that the last one has left in the cache: they go through as
// much as the commit buffers of a core have.
constexpr std::size_t kRawMemory = std::size_t{32} << 20;

// What was done, and how long it took.
struct Tally {
  std::uint64_t records = 0;
  double seconds = 0;
  double rate() const { return static_cast<double>(records) / seconds; }
};

// One durable write after the other, of as many records as there are waiters, over written blocks.
class RawWrites {
 public:
  RawWrites(const std::string& directory, unsigned waiters)
      : waiters_(waiters), size_((waiters * kRecord + 4095) / 4096 * 4096) {
    file_ = ::open((directory + "/raw").c_str(), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
    RP_ASSERT(file_ >= 0);
    bytes_ = static_cast<std::byte*>(std::aligned_alloc(4096, kRawMemory));
    std::memset(bytes_, 'x', kRawMemory);
    if (::lseek(file_, 0, SEEK_END) < static_cast<off_t>(kRawFile))
      for (std::size_t at = 0; at < kRawFile; at += std::size_t{1} << 20)
        RP_ASSERT(::pwrite(file_, bytes_, std::size_t{1} << 20, static_cast<off_t>(at)) > 0);
    RP_ASSERT(::fsync(file_) == 0);
  }
  ~RawWrites() {
    ::close(file_);
    std::free(bytes_);
  }
  RawWrites(const RawWrites&) = delete;
  RawWrites& operator=(const RawWrites&) = delete;

  // By a system call that waits.
  void call(double for_seconds, Tally& tally) {
    repeat(for_seconds, tally, [&](const iovec& vector, std::uint64_t at) {
      RP_ASSERT(::pwritev2(file_, &vector, 1, static_cast<off_t>(at), RWF_DSYNC) ==
                static_cast<ssize_t>(size_));
    });
  }

  // By the backend that the server has: handed over, then its completion awaited.
  void complete(io::Backend& backend, double for_seconds, Tally& tally) {
    struct Done : io::Operation {
      Done()
          : Operation([](Operation& self, const io::Completion& completion) {
              static_cast<Done&>(self).result = completion.result;
            }) {}
      std::int32_t result = 0;
    } done;
    repeat(for_seconds, tally, [&](const iovec& vector, std::uint64_t at) {
      const io::Op op{.kind = io::OpKind::write,
                      .durable = true,
                      .handle = {file_},
                      .operation = &done,
                      .vectors = &vector,
                      .vector_count = 1,
                      .offset = at};
      backend.submit({&op, 1});
      io::Completion completion;
      while (backend.poll({&completion, 1}, {.until = backend.now() + std::chrono::seconds(5)}) == 0) {
      }
      completion.operation->complete(*completion.operation, completion);
      RP_ASSERT(done.result == static_cast<std::int32_t>(size_));
    });
  }

 private:
  template <class Write>
  void repeat(double for_seconds, Tally& tally, Write write) {
    const auto begin = Clock::now();
    while (seconds_since(begin) < for_seconds) {
      if (at_ + size_ > kRawFile) at_ = 0;
      if (from_ + size_ > kRawMemory) from_ = 0;
      const iovec vector{bytes_ + from_, size_};
      write(vector, at_);
      at_ += size_;
      from_ += size_;
      tally.records += waiters_;
    }
    tally.seconds += seconds_since(begin);
  }

  const unsigned waiters_;
  const std::size_t size_;
  int file_ = -1;
  std::byte* bytes_ = nullptr;
  std::size_t at_ = 0, from_ = 0;
};

struct Appending {
  journal::Log* log = nullptr;
  std::uint64_t next_id = 1, done = 0;
  unsigned running = 0, paused = 0;
  bool pause = false, stop = false;
  shard::Signal go_on;
};

Task<void> append_and_wait(shard::Core& core, Appending& all) {
  const std::string text(kRecord - 24, 'x');
  const std::span<const std::byte> parts[] = {std::as_bytes(std::span(text))};
  ++all.running;
  while (!all.stop) {
    if (all.pause) {
      ++all.paused;
      co_await all.go_on.wait();
      --all.paused;
      continue;
    }
    const journal::Record record{.type = 1, .id = {all.next_id++}, .parts = parts};
    journal::Location where;
    const auto ticket = all.log->append({&record, 1}, {&where, 1});
    if (!ticket) {
      (void)co_await all.log->wait_for_room(core.now() + std::chrono::seconds(5));
      continue;
    }
    RP_ASSERT((co_await all.log->durable(*ticket)).has_value());
    ++all.done;
  }
  --all.running;
}

Task<void> open_log(shard::Core& core, std::string directory, std::unique_ptr<journal::Log>& log) {
  journal::LogOptions options;
  options.free_space_min = 0;
  auto opened = co_await journal::Log::open(
      core, options, {.directory = std::move(directory), .shard = 0, .epoch = 1, .spool_id = 1},
      [](journal::Log&, const journal::RecordView&) {}, nullptr);
  RP_ASSERT(opened.has_value());
  log = std::move(*opened);
  log->start_reclaim();
}

// A log with so many who append; they rest while others are measured.
class Appenders {
 public:
  Appenders(const std::string& directory, unsigned waiters) : all_{.go_on = shard::Signal(*at_.core)} {
    at_.run(open_log(*at_.core, directory, log_));
    all_.log = log_.get();
    for (unsigned i = 0; i < waiters; ++i) at_.core->spawn(append_and_wait(*at_.core, all_));
  }
  ~Appenders() {
    all_.stop = true;
    wake();
    at_.turn_until([&] { return all_.running == 0; });
    at_.run(log_->close());
    log_.reset();
  }
  Appenders(const Appenders&) = delete;
  Appenders& operator=(const Appenders&) = delete;

  void append(double for_seconds, Tally& tally) {
    wake();
    const std::uint64_t before = all_.done;
    const auto begin = Clock::now();
    at_.turn_until([&] { return seconds_since(begin) >= for_seconds; });
    tally.records += all_.done - before;
    tally.seconds += seconds_since(begin);
    all_.pause = true;
    at_.turn_until([&] { return all_.paused == all_.running; });
  }
  std::uint64_t segments() const { return log_->space().segments; }

 private:
  void wake() {
    all_.pause = false;
    all_.go_on.notify_all();
  }

  Station at_;
  std::unique_ptr<journal::Log> log_;
  Appending all_;
};

}  // namespace

void measure_appends(const Wanted& wanted) {
  fmt::print("\nDurable appends of {} bytes, one core; nothing stays live, so segments are used again.\n",
             kRecord);
  fmt::print(
      "raw: one write in flight over written blocks, O_DIRECT and RWF_DSYNC, as the server does it by "
      "completions, and by calls that wait\n");
  fmt::print("{:>8} {:>12} {:>12} {:>12} {:>6} {:>9} {:>10}\n", "waiters", "raw /s", "by calls /s", "log /s",
             "part", "of calls", "us a round");
  for (const unsigned waiters : wanted.waiters) {
    const std::string directory = wanted.directory + "/append";
    std::filesystem::create_directory(directory);
    {
      RawWrites raw(directory, waiters);
      Appenders log(directory + "/shard-0", waiters);
      Station apart;
      Tally warm_up, completed, called, appended;
      // Segments are made and zero-filled: once in the life of a spool.
      std::uint64_t segments = 0;
      for (unsigned i = 0; i < 10 && segments != log.segments(); ++i) {
        segments = log.segments();
        log.append(0.5, warm_up);
      }
      for (unsigned round = 0; round < kRounds; ++round) {
        raw.complete(*apart.backend, wanted.seconds / kRounds, completed);
        log.append(wanted.seconds / kRounds, appended);
        raw.call(wanted.seconds / kRounds, called);
      }
      fmt::print("{:>8} {:>12.0f} {:>12.0f} {:>12.0f} {:>5.0f}% {:>8.0f}% {:>10.0f}\n", waiters,
                 completed.rate(), called.rate(), appended.rate(), 100 * appended.rate() / completed.rate(),
                 100 * appended.rate() / called.rate(), 1e6 * waiters / appended.rate());
    }
    std::filesystem::remove_all(directory);
  }
}

}  // namespace ringpost::spool
