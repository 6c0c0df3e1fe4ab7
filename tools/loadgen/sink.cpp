#include "sink.hpp"

#include <cerrno>
#include <thread>

#include <fmt/format.h>

#include "ringpost/resolve/dns_server.hpp"
#include "ringpost/shard/limits.hpp"

#include "cores.hpp"
#include "dns_stream.hpp"
#include "limits.hpp"
#include "output.hpp"
#include "played_domains.hpp"
#include "process.hpp"
#include "sink_core.hpp"
#include "sink_report.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kZoneBytesMax = std::size_t{16} << 20;

class SinkRun {
 public:
  explicit SinkRun(std::unique_ptr<SinkPlan> plan) : plan_(std::move(plan)) {}

  Result<void> start();
  void announce() const;
  void wait(Signals& signals);
  int finish();  // the exit code

 private:
  Result<void> try_alone() const;
  Result<void> bind_first();
  Result<void> read_domains();
  Result<void> make_core(shard::Core& core);
  bool over() const;
  std::uint64_t received() const;
  std::string progress() const;
  std::string lost_lines() const { return plan_->received ? plan_->received->trouble() : ""; }

  std::unique_ptr<SinkPlan> plan_;
  std::vector<io::Handle> first_;  // of each address, for the first core
  std::vector<Endpoint> endpoints_;
  std::optional<PlayedDomains> domains_;
  std::unique_ptr<shard::Runtime> runtime_;
  std::vector<std::unique_ptr<SinkCore>> cores_;
  std::unique_ptr<resolve::DnsServer> dns_;
  std::optional<io::Handle> dns_door_;  // TCP; none when the port is chosen by the system
  std::unique_ptr<DnsStream> dns_stream_;
  std::optional<EffortClock> effort_;
  Duration started_{0};
};

// The cores share an address (SO_REUSEPORT), and would share it with another sink too: each would get a part of the mail. So
// those whose port is known are first tried alone.
Result<void> SinkRun::try_alone() const {
  const auto backend = RP_TRY(io::make_backend({.choice = "epoll"}));
  for (const Endpoint& where : addresses_of(plan_->options)) {
    if (where.port == 0) continue;
    auto alone = backend->listen(where, {.reuse_port = false});
    const Duration until = steady_now() + kAddressWait;
    while (!alone && alone.error().system == EADDRINUSE && steady_now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
      alone = backend->listen(where, {.reuse_port = false});
    }
    if (!alone) return fail(std::move(alone).error().in("listen on " + to_string(where)));
    backend->files().close(*alone);
  }
  return {};
}

// The first core's sockets are bound before the others', so that port 0 becomes one port for all.
Result<void> SinkRun::bind_first() {
  const auto backend = RP_TRY(io::make_backend({.choice = "epoll"}));
  const auto bind = [&](const Endpoint& where, PersonaState& persona) -> Result<void> {
    auto handle = backend->listen(where, {});
    if (!handle) return fail(std::move(handle).error().in("listen on " + to_string(where)));
    first_.push_back(*handle);
    endpoints_.push_back(backend->local_endpoint(*handle));
    plan_->doors.push_back(&persona);
    return {};
  };
  for (const Endpoint& where : plan_->options.listen) RP_CHECK(bind(where, *plan_->personas[0]));
  for (std::size_t i = 1; i < plan_->personas.size(); ++i)
    for (const IpAddress& address : plan_->personas[i]->persona().listen)
      RP_CHECK(bind({address, endpoints_[0].port}, *plan_->personas[i]));
  if (endpoints_.size() >= shard::kListenersMax)
    return fail(ErrorKind::permanent, "too many addresses to listen on");
  const DnsOptions& dns = plan_->options.dns;
  if (dns.listen && dns.listen->port != 0) dns_door_ = RP_TRY(backend->listen(*dns.listen, {}));
  return {};
}

Result<void> SinkRun::read_domains() {
  const DnsOptions& dns = plan_->options.dns;
  std::string zone;
  if (!dns.zone_file.empty()) zone = RP_TRY(read_file(dns.zone_file, kZoneBytesMax));
  domains_ = RP_TRY(PlayedDomains::make(plan_->options, zone));
  return {};
}

Result<void> SinkRun::start() {
  RP_CHECK(try_alone());
  RP_CHECK(bind_first());
  RP_CHECK(read_domains());
  const shard::CoreOptions& options = plan_->options.common.cores;
  cores_.resize(shard::kCoresMax);
  runtime_ = RP_TRY(shard::Runtime::start(options, [this](shard::Core& core) { return make_core(core); }));
  cores_.resize(runtime_->count());
  on_each_core(*runtime_, [this](shard::Core& core) {
    cores_[core.index()]->arm();
    if (core.index() == 0 && dns_) core.spawn(dns_->serve());
    if (core.index() == 0 && dns_stream_) dns_stream_->arm();
  });
  effort_.emplace(*runtime_);
  started_ = steady_now();
  return {};
}

// Nothing is under way yet: a core that cannot be made ends them all.
Result<void> SinkRun::make_core(shard::Core& core) {
  auto sink = RP_TRY(SinkCore::make(core, *plan_));
  for (unsigned slot = 0; slot < endpoints_.size(); ++slot)
    sink->listen(slot,
                 core.index() == 0 ? first_[slot] : RP_TRY(core.backend().listen(endpoints_[slot], {})));
  cores_[core.index()] = std::move(sink);
  if (core.index() != 0 || !plan_->options.dns.listen) return {};
  if (dns_door_)
    dns_stream_ =
        std::make_unique<DnsStream>(core, static_cast<unsigned>(endpoints_.size()), *dns_door_,
                                    [this](const dns::Query& query) { return domains_->respond(query); });
  dns_ = RP_TRY(resolve::DnsServer::open(core, *plan_->options.dns.listen, [this](const dns::Query& query) {
    return domains_->respond(query);
  }));
  return {};
}

// One line for each address, so that who asked for port 0 learns it.
void SinkRun::announce() const {
  for (const Endpoint& endpoint : endpoints_) say("listening on {}\n", to_string(endpoint));
  if (dns_) say("answering DNS on {}\n", to_string(dns_->endpoint()));
  if (!plan_->options.common.quiet) say("{}\n", runtime_->describe());
}

std::uint64_t SinkRun::received() const {
  std::uint64_t count = 0;
  for (const auto& core : cores_) count += core->figures().messages.value();
  return count;
}

bool SinkRun::over() const {
  const SinkOptions& options = plan_->options;
  return (options.messages != 0 && received() >= options.messages) ||
         (options.duration != Duration{0} && steady_now() - started_ >= options.duration);
}

std::string SinkRun::progress() const {
  return fmt::format("{} messages received, {} connections", grouped(received()), plan_->connections.now());
}

void SinkRun::wait(Signals& signals) {
  ProgressLine line(!plan_->options.common.quiet);
  while (!over() && lost_lines().empty() && !signals.wait(kLook))
    if (line.due()) line.show(progress());
}

int SinkRun::finish() {
  const Effort effort = effort_->so_far();
  on_each_core(*runtime_, [this](shard::Core& core) {
    cores_[core.index()]->stop();
    if (core.index() == 0 && dns_) dns_->stop();
    if (core.index() == 0 && dns_stream_) dns_stream_->stop();
  });
  wait_until([this] { return live_tasks(*runtime_) == 0; }, kDrain);
  on_each_core(*runtime_, [this](shard::Core& core) { cores_[core.index()]->abort(); });
  const std::size_t abandoned = runtime_->stop(kStopBound);
  std::vector<const SinkCore*> parts;
  for (const auto& core : cores_) parts.push_back(core.get());
  const SinkSummary summary(*plan_, parts, effort);
  const int code = output(plan_->options.common.json ? summary.json() + "\n" : summary.text(),
                          lost_lines().empty() ? 0 : kLinesLost);
  if (abandoned != 0) leave_at_once(code);
  return code;
}

}  // namespace

int run_sink(SinkOptions options) {
  Signals signals;
  raise_descriptor_limit();
  auto plan = SinkPlan::make(std::move(options), wall_now());
  if (!plan) return complain(plan.error().text);
  SinkRun run(std::move(*plan));
  if (auto started = run.start(); !started) return complain(started.error().text);
  run.announce();
  run.wait(signals);
  return run.finish();
}

}  // namespace ringpost::loadgen
