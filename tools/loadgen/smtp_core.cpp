#include "smtp_core.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "limits.hpp"
#include "process.hpp"
#include "smtp_flow.hpp"

namespace ringpost::loadgen {

namespace {

// The part of core `index` when `whole` is shared among the first `count` cores.
std::uint64_t part_of(std::uint64_t whole, unsigned count, unsigned index) {
  return index >= count ? 0 : whole / count + (index < whole % count ? 1 : 0);
}

std::uint64_t messages_of(const SmtpOptions& options, Duration bound) {
  std::uint64_t most = options.messages == 0 ? std::numeric_limits<std::uint64_t>::max() : options.messages;
  // The end of an open loop is known beforehand: it does not depend on when the clock is looked at.
  if (options.rate > 0)
    most = std::min(most, static_cast<std::uint64_t>(
                              std::ceil(options.rate * std::chrono::duration<double>(bound).count())));
  return most;
}

}  // namespace

Duration SmtpPlan::bound() const {
  if (options.duration != Duration{0}) return options.duration;
  return options.messages == 0 ? Duration{std::chrono::seconds{10}} : kCountedRunMax;
}

Result<std::unique_ptr<SmtpPlan>> SmtpPlan::make(SmtpOptions chosen, WallTime now, std::uint32_t run) {
  auto plan = std::make_unique<SmtpPlan>();
  for (const std::string& to : chosen.to)
    for (const Endpoint& endpoint : RP_TRY(look_up(to)))
      plan->targets.push_back(
          {endpoint, parse_endpoint(to) ? to_string(endpoint.address) : to.substr(0, to.rfind(':'))});
  const StockOptions stock{
      .size = chosen.size,
      .from = chosen.from,
      .to = chosen.recipients.empty() ? "undisclosed-recipients:;" : "<" + chosen.recipients.front() + ">",
      .seed = chosen.common.seed,
      .now = now};
  plan->stock = chosen.corpus.empty() ? generate_stock(stock) : RP_TRY(read_corpus(chosen.corpus, stock));
  if (!chosen.acknowledged_file.empty())
    plan->acknowledged = RP_TRY(LineFile::open(chosen.acknowledged_file));
  plan->session = {.lmtp = chosen.protocol == Protocol::lmtp,
                   .helo = chosen.helo,
                   .pipelining = chosen.pipelining,
                   .chunking = chosen.bdat};
  plan->run = run;
  plan->options = std::move(chosen);
  return plan;
}

Result<std::unique_ptr<SmtpCore>> SmtpCore::make(shard::Core& core, const SmtpPlan& plan) {
  std::unique_ptr<tls::ClientContext> tls;
  if (plan.options.tls != TlsUse::none) tls = RP_TRY(tls::ClientContext::build({}));
  return std::make_unique<SmtpCore>(core, plan, std::move(tls));
}

SmtpCore::SmtpCore(shard::Core& core, const SmtpPlan& plan, std::unique_ptr<tls::ClientContext> tls)
    : core_(core),
      plan_(plan),
      tls_(std::move(tls)),
      acknowledged_(core, plan.acknowledged.get()),
      work_(core),
      stopping_signal_(core) {}

SmtpCore::~SmtpCore() = default;

void SmtpCore::start() {
  const SmtpOptions& options = plan_.options;
  const unsigned index = core_.index();
  const unsigned active = plan_.active_cores;
  messages_max_ = part_of(messages_of(options, plan_.bound()), active, index);
  if (options.rate > 0)
    interval_ = Duration{static_cast<std::int64_t>(std::llround(1e9 * active / options.rate))};
  started_ = last_reply_ = core_.now();
  const std::uint64_t connections = part_of(options.connections, active, index);
  open_flows_.set(static_cast<std::int64_t>(connections));
  for (std::uint64_t i = 0; i < connections; ++i) {
    const Target& target = plan_.targets[(index + i * active) % plan_.targets.size()];
    auto flow = std::make_unique<SmtpFlow>(*this, target);
    flows_.push_back(*flow);
    core_.spawn(drive(std::move(flow)));
  }
  if (interval_ > Duration{0} && connections > 0) core_.spawn(pace());
}

Task<void> SmtpCore::drive(std::unique_ptr<SmtpFlow> flow) {
  co_await flow->run();
  flow.reset();
  open_flows_.add(-1);
  if (flows_.empty()) stopping_signal_.notify_all();
}

void SmtpCore::stop() {
  if (std::exchange(stopping_, true)) return;
  if (interval_ > Duration{0})
    while (sequence_ + never_begun_ < messages_max_ && due(sequence_ + never_begun_) <= core_.now())
      ++never_begun_;
  work_.notify_all();
  stopping_signal_.notify_all();
}

void SmtpCore::abort() {
  flows_.for_each([](SmtpFlow& flow) { flow.abort(); });
}

// Uniform over all cores together: each begins a little later than the one before.
Instant SmtpCore::due(std::uint64_t sequence) const {
  const Duration offset = interval_ / plan_.active_cores * core_.index();
  const Instant exact = started_ + offset + interval_ * static_cast<std::int64_t>(sequence);
  return {std::chrono::ceil<std::chrono::milliseconds>(exact.since_start)};
}

// Wakes one idle flow for each message that falls due. Flows that are busy come for theirs by themselves.
Task<void> SmtpCore::pace() {
  while (!stopping_ && !flows_.empty() && sequence_ < messages_max_) {
    std::uint64_t next_sequence = sequence_;
    for (; next_sequence < messages_max_ && due(next_sequence) <= core_.now() && work_.has_waiters();
         ++next_sequence)
      work_.notify_one();
    const Instant next = std::max(due(next_sequence), core_.now() + std::chrono::milliseconds{1});
    (void)co_await stopping_signal_.wait(next);
  }
}

std::optional<Job> SmtpCore::take() {
  if (stopping_) return std::nullopt;
  if (!retries_.empty() && retries_.front().due <= core_.now()) {
    const Job job = retries_.front().job;
    retries_.pop_front();
    ++undecided_;
    figures_.attempts.add();
    return job;
  }
  if (sequence_ >= messages_max_) return std::nullopt;
  const Instant intended = interval_ > Duration{0} ? due(sequence_) : core_.now();
  if (intended > core_.now()) return std::nullopt;
  ++undecided_;
  figures_.begun.add();
  return Job{.sequence = sequence_++,
             .intended = intended,
             .intended_wall = core_.wall_now() + -(core_.now() - intended)};
}

bool SmtpCore::expects_work() const {
  if (stopping_) return false;
  const bool may_come_back = plan_.options.retries > 0 || plan_.options.resend;
  return sequence_ < messages_max_ || !retries_.empty() || (may_come_back && undecided_ > 0);
}

Task<void> SmtpCore::work() {
  if (!expects_work()) co_return;
  (void)co_await work_.wait(retries_.empty() ? Instant::never() : retries_.front().due);
}

Task<void> SmtpCore::pause(Duration time) {
  if (stopping_) co_return;
  (void)co_await stopping_signal_.wait(core_.now() + time);
}

bool SmtpCore::try_again(const Job& job) {
  if (stopping_ || retries_.size() >= kRetriesMax) return false;
  retries_.push_back({core_.now() + plan_.options.retry_after, job});
  ++retries_.back().job.attempts;
  work_.notify_one();  // it waits for the due time instead
  return true;
}

void SmtpCore::decided() {
  --undecided_;
  last_reply_ = core_.now();
  if (!expects_work()) work_.notify_all();
}

void SmtpCore::acknowledge(const Job& job, std::uint32_t checksum, std::uint64_t recipients,
                           std::uint64_t bytes) {
  figures_.acknowledged.add();
  figures_.recipients.add(recipients);
  figures_.bytes.add(bytes);
  figures_.latency_ns.record(static_cast<std::uint64_t>((core_.now() - job.intended).count()));
  if (!acknowledged_.wanted()) return;
  std::array<char, kIdSize> id;
  write_id(id_of(job), id);
  std::array<char, kChecksumSize> sum;
  write_checksum(checksum, sum);
  acknowledged_.text()
      .append(id.data(), id.size())
      .append(" ")
      .append(std::to_string(recipients))
      .append(" ")
      .append(sum.data(), sum.size())
      .push_back('\n');
  acknowledged_.added();
}

std::uint64_t SmtpCore::domain_of(const Job& job) const {
  return (job.sequence * plan_.active_cores + core_.index()) % plan_.options.domains;
}

}  // namespace ringpost::loadgen
