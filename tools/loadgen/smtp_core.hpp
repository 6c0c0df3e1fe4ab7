// A load of mail: what is sent, and the part of it on one core.
//
// Layer: tool (base, shard, smtp). Owner: one core; the plan outlives it.
#pragma once

#include <memory>
#include <vector>

#include "ringpost/smtp/client_session.hpp"

#include "line_file.hpp"
#include "load_core.hpp"
#include "smtp_figures.hpp"
#include "smtp_options.hpp"
#include "stock.hpp"
#include "weighted.hpp"

namespace ringpost::loadgen {

class SmtpPlan final : public LoadPlan {
 public:
  using LoadPlan::LoadPlan;
  // Looks names up and reads files.
  static Result<std::unique_ptr<SmtpPlan>> make(SmtpOptions options, WallTime now, std::uint32_t run);

  const LoadOptions& load() const override { return options; }
  Result<std::unique_ptr<LoadCore>> make_core(shard::Core& core) const override;
  std::unique_ptr<LoadSummary> summary(const std::vector<const LoadCore*>& cores,
                                       const Effort& effort) const override;
  std::string_view unit() const override { return "messages"; }
  std::string protocol() const override;
  admin::Json options_json() const override;
  std::string lost_lines() const override { return acknowledged ? acknowledged->trouble() : ""; }

  SmtpOptions options;
  Stock stock;
  WeightedChoice domain_shares;
  smtp::ClientSettings session;
  std::unique_ptr<LineFile> acknowledged;
};

class SmtpCore final : public LoadCore {
 public:
  static Result<std::unique_ptr<SmtpCore>> make(shard::Core& core, const SmtpPlan& plan);
  SmtpCore(shard::Core& core, const SmtpPlan& plan, std::unique_ptr<tls::ClientContext> tls);

  const SmtpFigures& figures() const { return figures_; }

 private:
  friend class SmtpFlow;
  std::unique_ptr<LoadFlow> make_flow(const Target& target, std::uint64_t number) override;

  // ---- for the flows ----
  void acknowledge(const Job& job, std::uint32_t checksum, std::uint64_t recipients, std::uint64_t bytes);
  LoadId id_of(const Job& job) const { return {plan_.run, core_.index(), job.sequence}; }
  const Sample& sample_of(const Job& job) const { return plan_.stock.pick(number_of(job)); }
  struct Domain {
    std::size_t share = 0;      // of options.recipient_domains
    std::uint64_t index = 0;    // of d0., d1. ...
    std::uint64_t mailbox = 0;  // of the first recipient
    bool operator==(const Domain&) const = default;
  };
  Domain domain_of(const Job& job) const;

  SmtpFigures figures_;
  const SmtpPlan& plan_;
  LineWriter acknowledged_;
};

}  // namespace ringpost::loadgen
