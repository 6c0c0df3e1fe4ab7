// A load of mailboxes over IMAP or POP3: what is done, and the part of it on one core.
//
// Layer: tool (base, shard). Owner: one core; the plan outlives it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access_deeds.hpp"
#include "access_figures.hpp"
#include "load_core.hpp"
#include "stock.hpp"
#include "weighted.hpp"

namespace ringpost::loadgen {

class AccessPlan final : public LoadPlan {
 public:
  AccessPlan(AccessOptions chosen, std::uint32_t number) : LoadPlan(number), options(std::move(chosen)) {}
  // Looks names up and reads files.
  static Result<std::unique_ptr<AccessPlan>> make(AccessOptions options, WallTime now, std::uint32_t run);

  const LoadOptions& load() const override { return options; }
  Result<std::unique_ptr<LoadCore>> make_core(shard::Core& core) const override;
  std::unique_ptr<LoadSummary> summary(const std::vector<const LoadCore*>& cores,
                                       const Effort& effort) const override;
  std::string_view unit() const override { return "operations"; }
  std::string protocol() const override;
  admin::Json options_json() const override;

  std::span<const Deed> deeds() const { return deeds_of(options.protocol); }
  bool has(std::size_t deed) const;
  // How long IDLE lasts; nothing: until the run ends.
  std::optional<Duration> idle_time() const;
  // Of connection `number`.
  Login login_of(std::uint64_t number) const;
  std::size_t deed_of(std::uint64_t job_number) const {
    return options.deeds[shares.pick(scattered(job_number ^ options.common.seed))].deed;
  }

  AccessOptions options;
  WeightedChoice shares;  // over options.deeds
  Stock stock;            // what is appended
};

class AccessCore final : public LoadCore {
 public:
  static Result<std::unique_ptr<AccessCore>> make(shard::Core& core, const AccessPlan& plan);
  AccessCore(shard::Core& core, const AccessPlan& plan, std::unique_ptr<tls::ClientContext> tls);

  const AccessFigures& figures() const { return figures_; }
  const AccessPlan& plan() const { return plan_; }

  // ---- for the flows ----
  AccessFigures& figures() { return figures_; }
  std::size_t deed_of(const Job& job) const { return plan_.deed_of(number_of(job)); }
  LoadId id_of(const Job& job) const { return {plan_.run, core_.index(), job.sequence}; }
  const Sample& sample_of(const Job& job) const { return plan_.stock.pick(number_of(job)); }
  void acknowledge(const Job& job, std::uint64_t items, std::uint64_t bytes);

 private:
  std::unique_ptr<LoadFlow> make_flow(const Target& target, std::uint64_t number) override;

  AccessFigures figures_;
  const AccessPlan& plan_;
};

}  // namespace ringpost::loadgen
