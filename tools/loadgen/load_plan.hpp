// What a run is to do, shared by all cores; and what makes its parts on them.
//
// Layer: tool. Owner: the run; immutable while the cores run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/admin/json.hpp"
#include "ringpost/base/address.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/tls/client_context.hpp"

#include "load_options.hpp"

namespace ringpost::loadgen {

class LoadCore;
class LoadSummary;
struct Effort;

struct Target {
  Endpoint endpoint;
  std::string host;  // for SNI
};

class LoadPlan {
 public:
  explicit LoadPlan(std::uint32_t number) : run(number) {}
  virtual ~LoadPlan() = default;
  LoadPlan(const LoadPlan&) = delete;
  LoadPlan& operator=(const LoadPlan&) = delete;

  virtual const LoadOptions& load() const = 0;
  virtual Result<std::unique_ptr<LoadCore>> make_core(shard::Core& core) const = 0;
  virtual std::unique_ptr<LoadSummary> summary(const std::vector<const LoadCore*>& cores,
                                               const Effort& effort) const = 0;
  // What is counted: "messages", "operations".
  virtual std::string_view unit() const = 0;
  // "smtp + STARTTLS, DATA"
  virtual std::string protocol() const = 0;
  // What a reader of the run should know of its options. Never the password.
  virtual admin::Json options_json() const = 0;

  // Why a file of lines that the run writes lacks some; empty: it has all. Any thread.
  virtual std::string lost_lines() const { return {}; }

  // When the run ends at the latest.
  Duration bound() const;
  RateProfile profile() const;
  bool open() const { return load().open(); }
  // "closed", "open, Poisson, 500/s"
  std::string load_text() const;
  // "smtp + STARTTLS + AUTH"
  std::string secured(std::string name) const;
  Result<void> look_up_targets();
  Result<std::unique_ptr<tls::ClientContext>> make_tls() const;

  std::vector<Target> targets;
  std::uint32_t run = 0;
  unsigned active_cores = 1;  // never more than there are connections
};

std::string joined(const std::vector<std::string>& words);

}  // namespace ringpost::loadgen
