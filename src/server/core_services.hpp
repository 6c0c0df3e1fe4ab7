// Everything that one core runs, in the order in which it depends on each other.
//
// Layer: program. Owner: the process; used on its core's thread alone, but for construction.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "ringpost/access/service.hpp"
#include "ringpost/accounts/accounts.hpp"
#include "ringpost/deliver/leases.hpp"
#include "ringpost/deliver/local.hpp"
#include "ringpost/deliver/service.hpp"
#include "ringpost/inject/pickup.hpp"
#include "ringpost/intake/bayes_source.hpp"
#include "ringpost/intake/dns_source.hpp"
#include "ringpost/intake/filtering.hpp"
#include "ringpost/intake/intake.hpp"
#include "ringpost/receive/service.hpp"
#include "ringpost/resolve/resolver.hpp"
#include "ringpost/spool/spool.hpp"
#include "ringpost/store/store.hpp"

#include "junk_lessons.hpp"
#include "material.hpp"
#include "sockets.hpp"

namespace ringpost::server {

// What all cores share: immutable, or owned by core inside.
struct Shared {
  accounts::Accounts* accounts = nullptr;
  deliver::HelperClient* helper = nullptr;
  deliver::Leases* leases = nullptr;
  net::ClientLimits* clients = nullptr;
  tables::Bayes* bayes = nullptr;  // null: Bayes is off, or was until now
  spool::SpoolStart spool_start;
  std::vector<deliver::Directives> directives;  // by core
  std::vector<BoundSocket> sockets;
  // A simulated world brings its own DNS (none: c-ares), and has no directory to watch.
  std::function<std::unique_ptr<resolve::Upstream>(shard::Core&)> upstream;
  bool pickup = true;
  // Made by the first core that asks.
  store::Sharing& mailboxes(unsigned cores) {
    std::call_once(mailboxes_once_, [&] { mailboxes_ = std::make_unique<store::Sharing>(cores); });
    return *mailboxes_;
  }
  net::ClientLimits& mailbox_clients(unsigned cores) {
    std::call_once(mailbox_clients_once_,
                   [&] { mailbox_clients_ = std::make_unique<net::ClientLimits>(cores); });
    return *mailbox_clients_;
  }
  access::Places& places(unsigned cores) {
    std::call_once(places_once_, [&] { places_ = std::make_unique<access::Places>(cores); });
    return *places_;
  }

 private:
  std::once_flag mailboxes_once_;
  std::unique_ptr<store::Sharing> mailboxes_;
  std::once_flag mailbox_clients_once_;
  std::unique_ptr<net::ClientLimits> mailbox_clients_;
  std::once_flag places_once_;
  std::unique_ptr<access::Places> places_;
};

class CoreServices {
 public:
  CoreServices(shard::Core& core, Shared& shared) : core_(core), shared_(shared), pickup_signal_(core) {}

  // Opens the spool and makes the services; nothing is accepted or delivered yet.
  Task<Result<void>> open(std::shared_ptr<const Material> material);
  // After every core has opened: announces what is left from before, and listens.
  Task<Result<void>> start();
  // Swaps the configuration at this turn boundary. All is made before anything is swapped.
  Result<void> reload(std::shared_ptr<const Material> material);
  // The same rules, now compiled.
  void set_filter(std::shared_ptr<const intake::FilterSettings> filter) {
    junk_lessons_.set_engine(filter ? filter->engine : nullptr);
    intake_->set_filter(std::move(filter));
  }
  // Lets open transactions finish for `bound`, then hangs up; the spool is closed at the end.
  Task<void> shut_down(Duration bound);

  shard::Core& core() { return core_; }
  spool::Spool& spool() { return *spool_; }
  store::Store& store() { return *store_; }
  deliver::Service& deliver() { return *deliver_; }
  receive::Service& receive() { return *receive_; }
  access::Service& access() { return *access_; }
  friend FramePool& frame_pool(CoreServices& services) { return services.core_.frames(); }

 private:
  std::vector<unsigned> orphans() const;
  resolve::Identity identity() const;
  Result<std::unique_ptr<resolve::Resolver>> make_resolver() const;
  void set_fact_sources();
  Task<void> cut_off(std::shared_ptr<shard::Sleep> bound);
  Task<void> run_pickup();

  shard::Core& core_;
  Shared& shared_;
  std::shared_ptr<const Material> material_;
  std::unique_ptr<store::Store> store_;  // keeps its records in the log of the spool
  std::unique_ptr<spool::Spool> spool_;
  std::unique_ptr<resolve::Resolver> resolver_;
  std::vector<std::unique_ptr<tls::ClientContext>>
      tls_clients_;  // the newest is the last; flows may hold older ones
  std::unique_ptr<intake::DnsSource> dns_source_;
  std::unique_ptr<intake::BayesSource> bayes_source_;
  JunkLessons junk_lessons_;
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<deliver::Local> local_;
  std::unique_ptr<deliver::Service> deliver_;
  std::unique_ptr<receive::Blocklists> blocklists_;
  std::unique_ptr<receive::Service> receive_;
  std::unique_ptr<access::Service> access_;
  std::unique_ptr<inject::Pickup> pickup_;  // on the first core
  shard::Signal pickup_signal_;
  bool pickup_ended_ = false;
};

}  // namespace ringpost::server
