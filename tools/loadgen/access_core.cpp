#include "access_core.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "access_report.hpp"
#include "imap_flow.hpp"
#include "pop3_flow.hpp"

namespace ringpost::loadgen {

namespace {

constexpr Duration kIdleInMix = std::chrono::seconds{1};
constexpr auto kAppend = static_cast<std::size_t>(ImapDeed::append);

}  // namespace

Result<std::unique_ptr<AccessPlan>> AccessPlan::make(AccessOptions chosen, WallTime now, std::uint32_t run) {
  auto plan = std::make_unique<AccessPlan>(std::move(chosen), run);
  const AccessOptions& options = plan->options;
  for (const DeedShare& share : options.deeds) plan->shares.add(share.weight);
  if (options.protocol == AccessProtocol::imap && plan->has(kAppend)) {
    const StockOptions stock{.from = "sender@loadgen.invalid",
                             .to = "undisclosed-recipients:;",
                             .seed = options.common.seed,
                             .now = now};
    plan->stock = options.corpus.empty() ? generate_mix(options.size, stock)
                                         : RP_TRY(read_corpus(options.corpus, stock));
  }
  RP_CHECK(plan->look_up_targets());
  return plan;
}

Result<std::unique_ptr<LoadCore>> AccessPlan::make_core(shard::Core& core) const {
  return AccessCore::make(core, *this);
}

std::unique_ptr<LoadSummary> AccessPlan::summary(const std::vector<const LoadCore*>& cores,
                                                 const Effort& effort) const {
  std::vector<const AccessCore*> parts;
  for (const LoadCore* core : cores) parts.push_back(static_cast<const AccessCore*>(core));
  return std::make_unique<AccessSummary>(*this, parts, effort);
}

std::string AccessPlan::protocol() const {
  std::string text = secured(options.protocol == AccessProtocol::imap ? "imap" : "pop3");
  for (const DeedShare& share : options.deeds) {
    text += fmt::format("{}{}", &share == options.deeds.data() ? ", " : "+", deeds()[share.deed].name);
    if (options.deeds.size() > 1) text += fmt::format(":{:g}", share.weight);
  }
  return text;
}

admin::Json AccessPlan::options_json() const {
  return admin::Json()
      .set("to", joined(options.to))
      .set("protocol", protocol())
      .set("load", load_text())
      .set("connections", options.connections)
      .set("operations_per_connection", options.per_connection)
      .set("users", options.users)
      .set("folder", options.protocol == AccessProtocol::imap ? options.folder : "")
      .set("batch", options.batch)
      .set("seed", options.common.seed);
}

bool AccessPlan::has(std::size_t deed) const {
  return std::ranges::any_of(options.deeds, [deed](const DeedShare& share) { return share.deed == deed; });
}

std::optional<Duration> AccessPlan::idle_time() const {
  if (options.idle_for > Duration{0}) return options.idle_for;
  if (options.deeds.size() > 1) return kIdleInMix;
  return std::nullopt;
}

Login AccessPlan::login_of(std::uint64_t number) const {
  Login login = options.login.value_or(Login{});
  if (const std::size_t at = login.user.find("%d"); at != std::string::npos)
    login.user.replace(at, 2, std::to_string(number % options.users));
  return login;
}

Result<std::unique_ptr<AccessCore>> AccessCore::make(shard::Core& core, const AccessPlan& plan) {
  return std::make_unique<AccessCore>(core, plan, RP_TRY(plan.make_tls()));
}

AccessCore::AccessCore(shard::Core& core, const AccessPlan& plan, std::unique_ptr<tls::ClientContext> tls)
    : LoadCore(core, plan, figures_, std::move(tls)), plan_(plan) {}

std::unique_ptr<LoadFlow> AccessCore::make_flow(const Target& target, std::uint64_t number) {
  if (plan_.options.protocol == AccessProtocol::imap)
    return std::make_unique<ImapFlow>(*this, target, plan_.login_of(number));
  return std::make_unique<Pop3Flow>(*this, target, plan_.login_of(number));
}

void AccessCore::acknowledge(const Job& job, std::uint64_t items, std::uint64_t bytes) {
  count_acknowledged(job, bytes);
  AccessFigures::Of& own = figures_.deeds[deed_of(job)];
  own.acknowledged.add();
  own.items.add(items);
  own.bytes.add(bytes);
  own.latency_ns.record(static_cast<std::uint64_t>((core_.now() - job.intended).count()));
}

}  // namespace ringpost::loadgen
