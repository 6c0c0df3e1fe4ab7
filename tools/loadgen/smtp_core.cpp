#include "smtp_core.hpp"

#include <algorithm>
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

}  // namespace

Duration SmtpPlan::bound() const {
  if (options.duration != Duration{0}) return options.duration;
  return options.messages == 0 ? Duration{std::chrono::seconds{10}} : kCountedRunMax;
}

RateProfile SmtpPlan::profile() const {
  return {options.rate, options.ramp_to.value_or(options.rate), bound()};
}

Result<std::unique_ptr<SmtpPlan>> SmtpPlan::make(SmtpOptions chosen, WallTime now, std::uint32_t run) {
  auto plan = std::make_unique<SmtpPlan>();
  for (const std::string& to : chosen.to)
    for (const Endpoint& endpoint : RP_TRY(look_up(to)))
      plan->targets.push_back(
          {endpoint, parse_endpoint(to) ? to_string(endpoint.address) : to.substr(0, to.rfind(':'))});
  const StockOptions stock{
      .from = chosen.from,
      .to = chosen.recipients.empty() ? "undisclosed-recipients:;" : "<" + chosen.recipients.front() + ">",
      .seed = chosen.common.seed,
      .now = now};
  plan->stock =
      chosen.corpus.empty() ? generate_mix(chosen.size, stock) : RP_TRY(read_corpus(chosen.corpus, stock));
  for (const DomainShare& share : chosen.recipient_domains) plan->domain_shares.add(share.weight);
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
  messages_max_ = options.messages == 0 ? std::numeric_limits<std::uint64_t>::max()
                                        : part_of(options.messages, active, index);
  started_ = last_reply_ = core_.now();
  open_ = plan_.open();
  if (open_) {
    arrivals_ = Arrivals(plan_.profile(), options.spacing, options.common.seed, index, active);
    (void)due(0);
  }
  const std::uint64_t connections = part_of(options.connections, active, index);
  open_flows_.set(static_cast<std::int64_t>(connections));
  for (std::uint64_t i = 0; i < connections; ++i) {
    const Target& target = plan_.targets[(index + i * active) % plan_.targets.size()];
    auto flow = std::make_unique<SmtpFlow>(*this, target);
    flows_.push_back(*flow);
    core_.spawn(drive(std::move(flow)));
  }
  if (open_ && connections > 0) core_.spawn(pace());
}

Task<void> SmtpCore::drive(std::unique_ptr<SmtpFlow> flow) {
  co_await flow->run();
  flow.reset();
  open_flows_.add(-1);
  if (flows_.empty()) stopping_signal_.notify_all();
}

void SmtpCore::stop() {
  if (std::exchange(stopping_, true)) return;
  const auto was_due = [this](std::uint64_t sequence, Duration ago) {
    if (!open_ || sequence >= messages_max_) return false;
    const std::optional<Instant> time = due(sequence);
    return time && *time + ago <= core_.now();
  };
  while (was_due(sequence_ + overdue_, plan_.options.search_p99)) ++overdue_;
  while (was_due(sequence_ + never_begun_, Duration{0})) ++never_begun_;
  work_.notify_all();
  stopping_signal_.notify_all();
}

void SmtpCore::abort() {
  flows_.for_each([](SmtpFlow& flow) { flow.abort(); });
}

// Of a message that was not taken yet. Nothing: the run is over before, and so its number is the last.
std::optional<Instant> SmtpCore::due(std::uint64_t sequence) {
  while (sequence - sequence_ >= upcoming_.size()) {
    const std::optional<Duration> next = arrivals_.next();
    if (!next) {
      messages_max_ = std::min(messages_max_, sequence_ + upcoming_.size());
      return std::nullopt;
    }
    const Instant exact = started_ + *next;
    upcoming_.push_back({std::chrono::ceil<std::chrono::milliseconds>(exact.since_start)});
  }
  return upcoming_[sequence - sequence_];
}

// Wakes one idle flow for each message that falls due. Flows that are busy come for theirs by themselves.
Task<void> SmtpCore::pace() {
  while (!stopping_ && !flows_.empty() && sequence_ < messages_max_) {
    std::uint64_t next_sequence = sequence_;
    std::optional<Instant> next = due(next_sequence);
    for (; next && *next <= core_.now() && work_.has_waiters(); next = due(++next_sequence))
      work_.notify_one();
    const Instant soon = core_.now() + std::chrono::milliseconds{1};
    (void)co_await stopping_signal_.wait(next ? std::max(*next, soon) : soon);
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
  const std::optional<Instant> intended = open_ ? due(sequence_) : core_.now();
  if (!intended || *intended > core_.now()) return std::nullopt;
  ++undecided_;
  figures_.begun.add();
  const Job job{.sequence = sequence_++,
                .intended = *intended,
                .intended_wall = core_.wall_now() + -(core_.now() - *intended)};
  if (open_) {
    upcoming_.pop_front();
    (void)due(sequence_);  // so that the last one is known to be the last
  }
  return job;
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

SmtpCore::Domain SmtpCore::domain_of(const Job& job) const {
  const std::uint64_t number = number_of(job);
  return {plan_.domain_shares.pick(scattered(number ^ plan_.options.common.seed)),
          number % plan_.options.domains, number / plan_.options.domains % plan_.options.mailboxes};
}

}  // namespace ringpost::loadgen
