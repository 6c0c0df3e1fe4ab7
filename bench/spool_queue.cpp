// Many messages in a spool: recovery, memory, and spools for bench/queue.py. And one large message.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <malloc.h>

#include "ringpost/mail/envelope.hpp"
#include "ringpost/spool/spool.hpp"

#include "spool_station.hpp"

namespace ringpost::spool {
namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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

namespace {

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

}  // namespace

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
  fmt::print("\na message of 1 GiB: taken in {:.1f} s, read in {:.1f} s, {:+} MiB of memory\n", written,
             seconds_since(begin),
             (static_cast<std::int64_t>(resident_bytes()) - static_cast<std::int64_t>(before)) / 1'048'576);
  at.run(spool->close());
  at.backend->files().close(start->lock);
}

}  // namespace ringpost::spool
