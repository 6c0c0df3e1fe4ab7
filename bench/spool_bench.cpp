// The spool's figures: durable appends against what the disk gives to bare writes, recovery, and memory for each message.
//
//   bench_spool [--messages N] [--size BYTES] [--seconds S] [--large no] [--directory DIR]
//   bench_spool --fill DIR [--messages N] [--size BYTES] [--domains D] [--cores C] [--wait HOURS]
//
// The second makes a spool for a server of C cores in DIR, and measures nothing: N messages to D domains, tried once and
// deferred for so many hours.
//
// The files lie in DIR, or RINGPOST_BENCH_DIR, or the current folder: not in a tmpfs, where durable means nothing.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/journal/log.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/shard/mesh.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::spool {
namespace {

using Clock = std::chrono::steady_clock;

struct Wanted {
  std::uint64_t messages = 1'000'000;
  std::size_t size = 512;
  double seconds = 1.5;  // for each number of waiters
  bool large = true;
  std::string directory;
  std::string fill;
  unsigned domains = 1000, cores = 1, wait = 6;
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::uint64_t resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  unsigned long long total = 0, resident = 0;
  if (file == nullptr || std::fscanf(file, "%llu %llu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// A core that lives for one measurement.
class Station {
 public:
  explicit Station(unsigned index = 0) : mesh(index + 1) {
    auto made = io::make_backend({.receive_buffers = 1_MiB});
    RP_ASSERT(made.has_value());
    backend = std::move(*made);
    core = std::make_unique<shard::Core>(shard::Core::Parts{.index = index, .backend = backend.get(), .mesh = &mesh});
  }
  template <class Done>
  void turn_until(Done done) {
    core->turn(core->now());  // what was appended outside of a turn leaves at the end of one
    while (!done()) core->turn(core->now() + std::chrono::milliseconds(500));
  }
  void run(Task<void> task) {
    bool done = false;
    core->spawn(tell(std::move(task), done));
    turn_until([&] { return done; });
  }

  shard::Mesh mesh;  // whose other cores have no mail
  std::unique_ptr<io::Backend> backend;
  std::unique_ptr<shard::Core> core;

 private:
  static Task<void> tell(Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
  }
};

// ---- appends ----

constexpr std::size_t kRecord = 4200;
constexpr std::size_t kRawFile = std::size_t{256} << 20;

// What the disk gives to whoever writes `waiters` records at a time with one durable write over written blocks.
double raw_rate(const std::string& directory, unsigned waiters, double for_seconds) {
  const std::string path = directory + "/raw";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
  RP_ASSERT(file >= 0);
  const std::size_t size = (waiters * kRecord + 4095) / 4096 * 4096;
  auto* const bytes = static_cast<char*>(std::aligned_alloc(4096, std::max(size, std::size_t{1} << 20)));
  std::memset(bytes, 'x', std::max(size, std::size_t{1} << 20));
  if (::lseek(file, 0, SEEK_END) < static_cast<off_t>(kRawFile))
    for (std::size_t at = 0; at < kRawFile; at += std::size_t{1} << 20)
      RP_ASSERT(::pwrite(file, bytes, std::size_t{1} << 20, static_cast<off_t>(at)) > 0);
  RP_ASSERT(::fsync(file) == 0);
  std::uint64_t count = 0;
  std::size_t at = 0;
  const auto begin = Clock::now();
  while (seconds_since(begin) < for_seconds) {
    if (at + size > kRawFile) at = 0;
    const iovec vector{bytes, size};
    RP_ASSERT(::pwritev2(file, &vector, 1, static_cast<off_t>(at), RWF_DSYNC) == static_cast<ssize_t>(size));
    at += size;
    count += waiters;
  }
  const double rate = static_cast<double>(count) / seconds_since(begin);
  ::close(file);
  std::free(bytes);
  return rate;
}

struct Appending {
  journal::Log* log = nullptr;
  std::uint64_t next_id = 1, done = 0;
  unsigned running = 0;
  bool stop = false;
};

Task<void> append_and_wait(shard::Core& core, Appending& all) {
  const std::string text(kRecord - 24, 'x');
  const std::span<const std::byte> parts[] = {std::as_bytes(std::span(text))};
  ++all.running;
  while (!all.stop) {
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

void measure_appends(const Wanted& wanted) {
  fmt::print("\nDurable appends of {} bytes, one core; nothing stays live, so segments are used again\n",
             kRecord);
  fmt::print("{:>8} {:>12} {:>12} {:>6} {:>10}\n", "waiters", "raw /s", "log /s", "part", "p50 us");
  for (const unsigned waiters : {1U, 8U, 32U, 128U, 512U}) {
    const std::string directory = wanted.directory + "/append";
    std::filesystem::create_directory(directory);
    Station at;
    std::unique_ptr<journal::Log> log;
    at.run(open_log(*at.core, directory + "/shard-0", log));
    Appending all{.log = log.get()};
    for (unsigned i = 0; i < waiters; ++i) at.core->spawn(append_and_wait(*at.core, all));
    const auto for_seconds = [&](double seconds) {
      const auto begin = Clock::now();
      at.turn_until([&] { return seconds_since(begin) >= seconds; });
    };
    for_seconds(1.0);  // segments are made and zero-filled: once in the life of a spool
    const std::uint64_t before = all.done;
    const auto begin = Clock::now();
    for_seconds(wanted.seconds);
    const double rate = static_cast<double>(all.done - before) / seconds_since(begin);
    all.stop = true;
    at.turn_until([&] { return all.running == 0; });
    at.run(log->close());
    log.reset();
    const double raw = raw_rate(wanted.directory, waiters, wanted.seconds);
    fmt::print("{:>8} {:>12.0f} {:>12.0f} {:>5.0f}% {:>10.0f}\n", waiters, raw, rate, 100 * rate / raw,
               1e6 * waiters / rate);
    std::filesystem::remove_all(directory);
  }
}

// ---- recovery ----

struct Filling {
  Spool* spool = nullptr;
  std::uint64_t left = 0;
  unsigned running = 0;
};

Task<void> accept_some(Filling& all, const std::string& text) {
  ++all.running;
  mail::Envelope envelope;
  envelope.set_reverse_path("bounces@news.example.org");
  envelope.add_recipient({.address = "somebody@example.net"});
  mail::ArrivalFacts facts;
  facts.body.size = text.size();
  const std::span<const std::byte> pieces[] = {std::as_bytes(std::span(text))};
  while (all.left > 0) {
    --all.left;
    RP_ASSERT((co_await all.spool->accept(all.spool->next_id(), envelope, facts, pieces)).has_value());
  }
  --all.running;
}

class Nobody final : public Announcements {
 public:
  void queued(const Queued&) override { ++count; }
  std::uint64_t count = 0;
};

Task<void> open_spool(shard::Core& core, SpoolOptions options, SpoolStart start,
                      std::unique_ptr<Spool>& spool) {
  auto opened = co_await Spool::open(core, std::move(options), std::move(start), {});
  RP_ASSERT(opened.has_value());
  spool = std::move(*opened);
}

Task<void> start_and_hear(Spool& spool, Nobody& listener) {
  RP_ASSERT((co_await spool.start(listener)).has_value());
}

void measure_recovery(const Wanted& wanted) {
  SpoolOptions options;
  options.directory = wanted.directory + "/queue";
  options.free_space_min = Percent{0};
  const std::string text(wanted.size, 'm');
  {
    Station at;
    auto start = start_spool(at.backend->files(), options);
    RP_ASSERT(start.has_value());
    std::unique_ptr<Spool> spool;
    at.run(open_spool(*at.core, options, *start, spool));
    Nobody nobody;
    at.run(start_and_hear(*spool, nobody));
    Filling all{.spool = spool.get(), .left = wanted.messages};
    const auto begin = Clock::now();
    for (unsigned i = 0; i < 512; ++i) at.core->spawn(accept_some(all, text));
    at.turn_until([&] { return all.left == 0 && all.running == 0; });
    fmt::print("\n{} messages of {} bytes accepted durably in {:.1f} s, one core\n", wanted.messages,
               wanted.size, seconds_since(begin));
    at.run(spool->close());
    at.backend->files().close(start->lock);
  }
  ::malloc_trim(0);
  Station at;
  auto start = start_spool(at.backend->files(), options);
  RP_ASSERT(start.has_value());
  const std::uint64_t before = resident_bytes();
  std::unique_ptr<Spool> spool;
  const auto begin = Clock::now();
  at.run(open_spool(*at.core, options, *start, spool));
  const double opened = seconds_since(begin);
  at.turn_until([&] { return spool->recovered(); });
  const double recovered = seconds_since(begin);
  const auto& report = spool->recovery();
  RP_ASSERT(spool->message_count() == wanted.messages && report.damages == 0);
  const auto memory = static_cast<double>(resident_bytes() - before);
  fmt::print("open for new mail after {:.2f} s, recovered after {:.2f} s: {} segments, {} by their tables\n",
             opened, recovered, report.segments - report.free_segments, report.tables);
  fmt::print("memory: {:.0f} bytes for each message\n", memory / static_cast<double>(wanted.messages));
  Nobody nobody;
  const auto telling = Clock::now();
  at.run(start_and_hear(*spool, nobody));
  fmt::print("handed over to delivery in {:.2f} s more ({} messages)\n", seconds_since(telling),
             nobody.count);
  at.run(spool->close());
  at.backend->files().close(start->lock);
}

// ---- a queue for a server ----

struct Queueing {
  Spool* spool = nullptr;
  const Wanted* wanted = nullptr;
  std::uint64_t next = 0, end = 0;
  unsigned running = 0;
};

Task<void> queue_some(shard::Core& core, Queueing& all, const std::string& text) {
  ++all.running;
  const std::span<const std::byte> pieces[] = {std::as_bytes(std::span(text))};
  while (all.next < all.end) {
    const std::uint64_t number = all.next++;
    mail::Envelope envelope;
    envelope.set_reverse_path(fmt::format("bounces-{}@news.example.org", number % 100));
    envelope.add_recipient(
        {.address = fmt::format("r{}@d{}.example.net", number, number % all.wanted->domains)});
    mail::ArrivalFacts facts;
    facts.body.size = text.size();
    facts.arrival = core.wall_now();
    const MessageId id = all.spool->next_id();
    RP_ASSERT((co_await all.spool->accept(id, envelope, facts, pieces)).has_value());
    const Outcome outcome{.recipient = 0,
                          .attempts = 1,
                          .next_attempt = core.wall_now() + std::chrono::hours(all.wanted->wait),
                          .code = 450};
    all.spool->record(id, {&outcome, 1});
  }
  --all.running;
}

// One core after the other: what belongs to the others is not looked at.
int fill(const Wanted& wanted) {
  SpoolOptions options;
  options.directory = wanted.fill;
  options.free_space_min = Percent{0};
  const std::string text(wanted.size, 'm');
  for (unsigned core = 0; core < wanted.cores; ++core) {
    Station at(core);
    auto start = start_spool(at.backend->files(), options);
    if (!start) {
      fmt::print(stderr, "{}\n", start.error().text);
      return 1;
    }
    std::unique_ptr<Spool> spool;
    at.run(open_spool(*at.core, options, *start, spool));
    Nobody nobody;
    at.run(start_and_hear(*spool, nobody));
    Queueing all{.spool = spool.get(),
                 .wanted = &wanted,
                 .next = wanted.messages * core / wanted.cores,
                 .end = wanted.messages * (core + 1) / wanted.cores};
    for (unsigned i = 0; i < 4096; ++i) at.core->spawn(queue_some(*at.core, all, text));
    at.turn_until([&] { return all.next == all.end && all.running == 0; });
    at.run(spool->close());
    at.backend->files().close(start->lock);
  }
  return 0;
}

// ---- one large message ----

constexpr std::uint64_t kLarge = std::uint64_t{1} << 30;

Task<void> take_large(Spool& spool, MessageId id) {
  mail::Envelope envelope;
  envelope.set_reverse_path("from@example.org");
  envelope.add_recipient({.address = "to@example.net"});
  mail::ArrivalFacts facts;
  facts.body.size = kLarge;
  const std::string piece(256 * 1024, 'L');
  auto incoming = spool.begin();
  RP_ASSERT(incoming.has_value());
  for (std::uint64_t at = 0; at < kLarge; at += piece.size())
    RP_ASSERT((co_await incoming->append(std::as_bytes(std::span(piece)))).has_value());
  RP_ASSERT((co_await spool.accept(id, envelope, facts, std::move(*incoming))).has_value());
}

Task<void> read_large(Spool& spool, MessageId id) {
  for (std::uint64_t at = 0; at < kLarge;) {
    const auto part = co_await spool.part(id, at, 256 * 1024);
    RP_ASSERT(part.has_value() && part->size() != 0);
    at += part->size();
  }
}

void measure_large(const Wanted& wanted) {
  SpoolOptions options;
  options.directory = wanted.directory + "/large";
  options.free_space_min = Percent{0};
  Station at;
  auto start = start_spool(at.backend->files(), options);
  RP_ASSERT(start.has_value());
  std::unique_ptr<Spool> spool;
  at.run(open_spool(*at.core, options, *start, spool));
  Nobody nobody;
  at.run(start_and_hear(*spool, nobody));
  const std::uint64_t before = resident_bytes();
  const MessageId id = spool->next_id();
  auto begin = Clock::now();
  at.run(take_large(*spool, id));
  const double written = seconds_since(begin);
  begin = Clock::now();
  at.run(read_large(*spool, id));
  fmt::print("\na message of 1 GiB: taken in {:.1f} s, read in {:.1f} s, {} MiB more memory\n", written,
             seconds_since(begin), (resident_bytes() - before) >> 20);
  at.run(spool->close());
  at.backend->files().close(start->lock);
}

int run(Wanted wanted) {
  if (!wanted.fill.empty()) return fill(wanted);
  if (wanted.directory.empty()) {
    const char* const folder = std::getenv("RINGPOST_BENCH_DIR");
    wanted.directory = folder != nullptr ? folder : ".";
  }
  wanted.directory += "/bench-spool-XXXXXX";
  if (::mkdtemp(wanted.directory.data()) == nullptr) {
    fmt::print(stderr, "cannot make a folder in {}\n", wanted.directory);
    return 1;
  }
  if (wanted.seconds > 0) measure_appends(wanted);
  if (wanted.messages > 0) measure_recovery(wanted);
  if (wanted.large) measure_large(wanted);
  std::filesystem::remove_all(wanted.directory);
  return 0;
}

}  // namespace
}  // namespace ringpost::spool

int main(int argc, char** argv) {
  ringpost::spool::Wanted wanted;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--messages") wanted.messages = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--size") wanted.size = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seconds") wanted.seconds = std::strtod(argv[i + 1], nullptr);
    if (name == "--large") wanted.large = std::string_view(argv[i + 1]) != "no";
    if (name == "--fill") wanted.fill = argv[i + 1];
    if (name == "--domains") wanted.domains = static_cast<unsigned>(std::max(1, std::atoi(argv[i + 1])));
    if (name == "--cores") wanted.cores = static_cast<unsigned>(std::max(1, std::atoi(argv[i + 1])));
    if (name == "--wait") wanted.wait = static_cast<unsigned>(std::max(0, std::atoi(argv[i + 1])));
    if (name == "--directory") wanted.directory = argv[i + 1];
  }
  return ringpost::spool::run(wanted);
}
