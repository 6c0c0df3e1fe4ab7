// The log: sealing and checking a frame in memory, and appending to a real file, durable, in groups.
//
// The file lies in RINGPOST_BENCH_DIR, or in the current folder: not in a tmpfs, where durable means nothing.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/journal/format.hpp"
#include "ringpost/journal/log.hpp"
#include "ringpost/scan/crc32c.hpp"

#include "sample_mail.hpp"

namespace ringpost::journal {
namespace {

// A frame of `records` records of `payload` bytes, as recovery reads it.
std::vector<std::byte> make_frame(std::size_t records, std::size_t payload) {
  std::vector<std::byte> frame(sizeof(FrameHeader) + records * record_size(payload));
  std::size_t at = sizeof(FrameHeader);
  std::uint32_t records_crc = 0;
  for (std::size_t i = 0; i < records; ++i) {
    const std::span<const std::byte> body = std::span(frame).subspan(at + sizeof(RecordHeader), payload);
    RecordHeader record{.size = static_cast<std::uint32_t>(payload), .type = 1, .id = i};
    record.crc = record_crc(record, body);
    records_crc = scan::crc32c(std::as_bytes(std::span(&record, 1)), records_crc);
    std::memcpy(frame.data() + at, &record, sizeof record);
    at += record_size(payload);
  }
  FrameHeader header{.size = static_cast<std::uint32_t>(frame.size()),
                     .record_count = static_cast<std::uint32_t>(records),
                     .records_crc = records_crc};
  seal(header);
  std::memcpy(frame.data(), &header, sizeof header);
  return frame;
}

void frame_seal(benchmark::State& state) {
  FrameHeader header{.size = 65536, .record_count = 16};
  for (auto _ : state) {
    ++header.commit_sequence;
    seal(header);
    benchmark::DoNotOptimize(header.header_crc);
  }
}
BENCHMARK(frame_seal)->Name("frame/seal");

void frame_check(benchmark::State& state) {
  const std::vector<std::byte> frame = make_frame(static_cast<std::size_t>(state.range(0)), 4096);
  const auto header = parse_frame_header(frame);
  RP_ASSERT(header.has_value());
  for (auto _ : state) {
    if (check_frame(*header, frame) != FrameHealth::good) state.SkipWithError("the frame is damaged");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(frame.size()));
}
BENCHMARK(frame_check)->Name("frame/check_records_of_4KiB")->Arg(1)->Arg(16)->Arg(64);

// A core with a log on this machine's disk, for the life of one benchmark.
class Machine {
 public:
  explicit Machine(std::string backend) {
    const char* const folder = std::getenv("RINGPOST_BENCH_DIR");
    directory_ = std::string(folder != nullptr ? folder : ".") + "/bench-journal-XXXXXX";
    RP_ASSERT(::mkdtemp(directory_.data()) != nullptr);
    auto made = io::make_backend({.choice = std::move(backend), .receive_buffers = 1_MiB});
    if (!made) {
      why_not_ = made.error().text;
      return;
    }
    backend_ = std::move(*made);
    core_ = std::make_unique<shard::Core>(shard::Core::Parts{.backend = backend_.get()});
    run(open());
  }
  ~Machine() {
    if (log_) run(log_->close());
    log_.reset();
    core_.reset();
    std::filesystem::remove_all(directory_);
  }

  const std::string& why_not() const { return why_not_; }
  Log& log() { return *log_; }

  // One group: all records are appended in one turn, and are durable when this returns.
  bool commit(std::span<const std::byte> body, std::size_t records) {
    bool good = true;
    run(append_all(body, records, good));
    return good;
  }

 private:
  Task<void> open() {
    LogOptions options;
    options.segment_size = 64_MiB;
    options.free_space_min = 0;
    auto opened = co_await Log::open(
        *core_, options, {.directory = directory_ + "/shard-0", .shard = 0, .epoch = 1, .spool_id = 1},
        [](Log&, const RecordView&) {}, nullptr);
    if (opened)
      log_ = std::move(*opened);
    else
      why_not_ = opened.error().text;
    if (log_) log_->start_reclaim();
  }
  Task<void> append_all(std::span<const std::byte> body, std::size_t records, bool& good) {
    const std::span<const std::byte> parts[] = {body};
    Ticket last;
    for (std::size_t i = 0; i < records; ++i) {
      const Record record{.type = 1, .id = {++id_}, .parts = parts};
      Location where;
      auto ticket = log_->append({&record, 1}, {&where, 1});
      while (!ticket && ticket.error().kind == ErrorKind::exhausted) {
        if (!co_await log_->wait_for_room(core_->now() + std::chrono::seconds(5))) break;
        ticket = log_->append({&record, 1}, {&where, 1});
      }
      good = good && ticket.has_value();
      if (!ticket) co_return;
      last = *ticket;
    }
    good = (co_await log_->durable(last)).has_value() && good;
  }
  static Task<void> tell(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
  void run(Task<void> task) {
    bool done = false;
    core_->spawn(tell(std::move(task), done));
    core_->turn(core_->now());  // what was appended outside of a turn leaves at the end of one
    while (!done) core_->turn(core_->now() + std::chrono::milliseconds(500));
  }

  std::string directory_;
  std::string why_not_;
  std::unique_ptr<io::Backend> backend_;
  std::unique_ptr<shard::Core> core_;
  std::unique_ptr<Log> log_;
  std::uint64_t id_ = 0;
};

// Nothing is live, so segments are freed and used again while this runs, as in a relay that keeps up.
void append(benchmark::State& state, const char* backend) {
  Machine machine(backend);
  if (!machine.why_not().empty()) return state.SkipWithError(machine.why_not().c_str());
  const auto records = static_cast<std::size_t>(state.range(0));
  const std::string body = bench::sample_mail(4096);
  // The first segments are made and filled with zeros meanwhile: once in the life of a spool, so not counted.
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(1)) {
    if (!machine.commit(bench::bytes_of(body), 1)) return state.SkipWithError("a record was not written");
  }
  for (auto _ : state) {
    if (!machine.commit(bench::bytes_of(body), records)) state.SkipWithError("a record was not written");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(records));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(records * body.size()));
}
BENCHMARK_CAPTURE(append, uring, "uring")
    ->Name("journal/append_durable_4KiB_group/uring")
    ->Arg(1)
    ->Arg(16)
    ->Arg(64)
    ->UseRealTime()
    ->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(append, epoll, "epoll")
    ->Name("journal/append_durable_4KiB_group/epoll")
    ->Arg(1)
    ->Arg(16)
    ->Arg(64)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace ringpost::journal
