// What the control endpoint can ask of the running server. `server` implements it.
//
// Layer: program. Called on the endpoint's own thread, never on a core; every call may block for a moment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/access/service.hpp"
#include "ringpost/accounts/accounts.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/deliver/service.hpp"
#include "ringpost/receive/service.hpp"
#include "ringpost/resolve/resolver.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"
#include "ringpost/store/store.hpp"
#include "ringpost/tables/tables.hpp"

namespace ringpost::admin {

// One core as a verb sees it. Valid inside the call only.
struct CoreView {
  shard::Core& core;
  spool::Spool& spool;
  deliver::Service& deliver;
  receive::Service& receive;
  store::Store& store;
  access::Service& access;
};

// What a reload left as it was, in sentences.
struct Reloaded {
  std::vector<std::string> waiting;
  bool rules_refused = false;  // the rules of the filter have new errors, so the old ones stay
};

struct ServerStatus {
  std::string version, hostname, backend, config_path;  // `backend`: the start-up line
  WallTime started;
  std::uint64_t generation = 0;  // of the configuration; rises with each reload that took
  bool draining = false;
  std::string filter;  // "off", or which rules run and how
};

class Control {
 public:
  virtual ~Control() = default;
  virtual ServerStatus status() const = 0;
  virtual unsigned core_count() const = 0;
  // Runs `visit` on each core in turn, at a turn boundary, and waits for it. Keep each visit short: it holds a core.
  virtual void on_each_core(const std::function<void(CoreView&)>& visit) = 0;
  virtual void on_core(unsigned core, const std::function<void(CoreView&)>& visit) = 0;
  // Reads the configuration again. The error has every finding, a line each; the running one is then untouched. Else what
  // has changed and is not in force, and why.
  virtual Result<Reloaded> reload() = 0;
  // Begins to end the server and returns: open transactions get `drain` (none: as configured) to finish.
  virtual void stop(std::optional<Duration> drain) = 0;
  virtual accounts::Accounts& accounts() = 0;
  virtual tables::Tables& tables() = 0;
};

}  // namespace ringpost::admin
