// The sending side: takes each durable message that the spool announces to its end, for every recipient.
//
// Layer:  services. Owner: one for each core. Jobs stay on the core that accepted the mail; what crosses cores is the
//         permission to open a connection (Leases).
// Ends:   each recipient becomes delivered, bounced, expired or cancelled. One timer for each message, armed whatever its
//         state, sees to expiry. Nothing that has failed is recorded before its report is durable.
// Twice:  a connection that dies after the end of data may have delivered; we try again. So may a crash.
// Limits: deliver/limits.hpp and the [deliver] and [shaping.default] options.
// Reload: messages that wait are routed anew; connections finish the message they are in.
// Drain:  nothing new is begun, open transactions may finish, idle connections say QUIT; `abort` ends the rest, whose mail
//         stays in the spool.
// RFCs:   5321, 2033, 3461, 3464.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/base/task.hpp"
#include "ringpost/deliver/leases.hpp"
#include "ringpost/deliver/local.hpp"
#include "ringpost/deliver/options.hpp"
#include "ringpost/deliver/queue_view.hpp"
#include "ringpost/deliver/router.hpp"
#include "ringpost/intake/intake.hpp"
#include "ringpost/resolve/resolver.hpp"
#include "ringpost/schedule/options.hpp"
#include "ringpost/shaping/options.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"
#include "ringpost/tls/client_context.hpp"

namespace ringpost::deliver {

// Everything of the configuration that deliveries use. Immutable; may be shared by all cores.
struct Settings {
  std::string hostname;  // EHLO, reports
  std::string origin;    // the domain of MAILER-DAEMON and postmaster
  DeliverOptions deliver;
  schedule::RetryOptions retry;
  shaping::ShapingOptions shaping;
  Router router;
  Duration quarantine_expire_after = std::chrono::hours(24 * 30);  // [filter]
};

class Service final : public spool::Announcements {
 public:
  struct Parts {
    spool::Spool* spool = nullptr;
    intake::Intake* intake = nullptr;
    resolve::Resolver* resolver = nullptr;
    Local* local = nullptr;
    Leases* leases = nullptr;           // shared by all cores
    tls::ClientContext* tls = nullptr;  // none: no TLS towards anybody
    std::shared_ptr<const Settings> settings;
    Directives directives;  // from before the restart
  };
  Service(shard::Core& core, Parts parts);
  ~Service() override;  // `stopped` was awaited

  // From the spool: fresh and recovered messages alike.
  void queued(const spool::Queued& message) override;
  void next(MessageId id) override;

  void reload(std::shared_ptr<const Settings> settings);
  void drain();
  Task<void> stopped();
  void abort();

  // ---- for operators; each call concerns this core's part of the queue ----
  Task<QueueSummary> summary();
  // Its numbers, in one turn: for simulations, which hold counters against it.
  QueueSummary recount();
  // Up to `limit` messages after `after` of which a recipient fits; fewer than `limit`: there are no more.
  Task<std::vector<QueuedMessage>> list(MessageId after, std::size_t limit, Selector selector);
  Task<std::vector<QueuedMessage>> show(MessageId id);  // none or one
  // Each says how many recipients it changed. What is being sent at this moment is left alone by all of them.
  Task<std::size_t> flush(Selector selector);  // try now
  Task<std::size_t> hold(Selector selector);
  Task<std::size_t> release(Selector selector);
  Task<std::size_t> bounce(Selector selector);  // end with a report to the sender
  Task<std::size_t> cancel(Selector selector);  // end without one
  Task<std::size_t> count(Selector selector);   // what the others would change
  // The quarantine. An id of 0 means all of it; each says how many messages it concerned.
  std::size_t quarantined() const;
  Task<std::vector<QuarantinedMessage>> list_quarantine(MessageId after, std::size_t limit);
  Task<std::vector<QuarantinedMessage>> show_quarantined(MessageId id);  // none or one
  Task<std::size_t> release_quarantined(MessageId id);                   // durable when it returns
  Task<std::size_t> delete_quarantined(MessageId id);
  // `destination` as summary() names it; "*" is all.
  void suspend(const std::string& destination);
  void resume(const std::string& destination);
  // What is to be kept over a restart.
  Directives directives() const;

  std::size_t open_flows() const;

  struct State;
  shard::Core& core();
  friend FramePool& frame_pool(Service& service) { return service.core().frames(); }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::deliver
