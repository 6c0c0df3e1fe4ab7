// The running server as one object: what main starts, what the control endpoint asks, what signals end.
//
// Layer: program. Owner: the main thread. Cores are reached through shard::Runtime::run_on only.
#pragma once

#include <condition_variable>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ringpost/admin/control.hpp"
#include "ringpost/admin/endpoint.hpp"
#include "ringpost/deliver/helper.hpp"
#include "ringpost/fetch/client.hpp"
#include "ringpost/publish/page_server.hpp"
#include "ringpost/publish/publisher.hpp"
#include "ringpost/server/configuration.hpp"
#include "ringpost/server/privileges.hpp"
#include "ringpost/shard/runtime.hpp"
#include "ringpost/tables/bayes.hpp"
#include "ringpost/tables/tables.hpp"

#include "core_services.hpp"
#include "rule_keeper.hpp"

namespace ringpost::server {

class Process final : public admin::Control {
 public:
  explicit Process(std::string config_path) : config_path_(std::move(config_path)) {}
  ~Process() override;

  // Up to and with listening. On an error nothing is left running.
  Result<void> start(LoadedConfiguration loaded);
  // Ends after stop() or a signal; the exit status.
  int run();

  admin::ServerStatus status() const override;
  unsigned core_count() const override { return runtime_->count(); }
  void on_each_core(const std::function<void(admin::CoreView&)>& visit) override;
  void on_core(unsigned core, const std::function<void(admin::CoreView&)>& visit) override;
  Result<admin::Reloaded> reload() override;
  void stop(std::optional<Duration> drain) override;
  accounts::Accounts& accounts() override { return *accounts_; }
  tables::Tables& tables() override { return *tables_; }

 private:
  Result<void> prepare(const Configuration& configuration);
  Result<void> open_durable(const Configuration& configuration);
  Result<void> start_cores();
  Result<void> serve_pages();
  // Spawns `make(services)` on every core and waits for all; the first error.
  Result<void> on_all(const std::function<Task<Result<void>>(CoreServices&)>& make);
  // Every core goes on with `fresh`, or none does.
  Result<void> put_in_force(std::shared_ptr<const Material> fresh);
  // The rules of `fresh`; what stays as it was is said in `waiting`.
  Result<void> take_rules(Material& fresh, admin::Reloaded& reloaded);
  // Opens what Bayes has learned when rules use it for the first time, and says with which scores they run.
  Result<filter::ScoreSet> choose_scores(const Configuration& configuration, const filter::RuleSet& rules);
  // Bayes may have learned enough by now, or forgotten it.
  void follow_bayes();
  void put_filter_in_force(std::shared_ptr<const intake::FilterSettings> settings);
  void have_rules_compiled();
  std::string filter_text() const;  // with mutex_ held
  void put_engine_in_force(std::shared_ptr<const filter::Engine> engine);
  Result<void> rotate_ticket_keys();
  // The next signal; meanwhile keys of session tickets grow old and are replaced.
  int wait_for_signal(const sigset_t& wanted);
  std::vector<std::string> not_in_force(const LoadedConfiguration& fresh) const;
  void shut_down(Duration drain);
  void end_services();

  std::string config_path_;
  LoadedConfiguration first_;  // what the server was started with
  std::shared_ptr<const Material> material_;
  std::unique_ptr<io::Backend> files_;  // for start_spool, on the main thread
  std::unique_ptr<deliver::HelperClient> helper_;
  std::unique_ptr<fetch::Client> fetch_;  // only where accounts ask an issuer of tokens
  std::unique_ptr<accounts::Accounts> accounts_;
  std::unique_ptr<tables::Tables> tables_;
  std::unique_ptr<tables::Bayes> bayes_;
  std::unique_ptr<deliver::Leases> leases_;
  std::unique_ptr<net::ClientLimits> clients_;
  Shared shared_;
  std::vector<std::unique_ptr<CoreServices>> services_;
  std::unique_ptr<shard::Runtime> runtime_;
  std::unique_ptr<publish::Publisher> publisher_;
  std::unique_ptr<publish::PageServer> pages_;
  std::unique_ptr<admin::Endpoint> endpoint_;
  std::unique_ptr<RuleKeeper> rule_keeper_;
  std::vector<std::string> rule_errors_;  // of the rules in force
  std::string rule_summary_;
  WallTime started_;
  Instant sealed_since_;      // the newest key of session tickets seals; the main thread's
  std::mutex reload_mutex_;   // SIGHUP and two commands may come at once
  mutable std::mutex mutex_;  // of what follows
  std::uint64_t generation_ = 1;
  bool stopping_ = false;
  Duration drain_{0};
};

}  // namespace ringpost::server
