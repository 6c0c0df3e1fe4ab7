#include "flow.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"
#include "ringpost/schedule/retry.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

using Kind = smtp::ClientEvent::Kind;
using Reason = smtp::ClientEvent::Reason;

Flow::Flow(Service::State& service, Destination& destination)
    : service_(service),
      core_(service.core),
      destination_(destination),
      settings_(service.parts.settings),
      client_settings_{.lmtp = destination.route.via == Via::lmtp, .helo = settings_->hostname} {}

Flow::~Flow() {
  RP_ASSERT(connection_ == nullptr);
  leave_start();
}

void Flow::leave_start() {
  if (std::exchange(starting_, false)) --destination_.starting;
}

Task<void> Flow::run() {
  if (!co_await connect()) {
    co_await give_up();
    co_return;
  }
  connected_ = true;
  connected_at_ = core_.now();
  ++destination_.connected;
  destination_.proven = true;
  destination_.failures = 0;
  service_.figures.connections_opened.add();
  service_.figures.connections.add(1);
  service_.work(destination_);  // it works: more may follow
  while (Job* job = co_await wait_for_job()) {
    if (messages_ > 0) service_.figures.connections_reused.add();
    co_await transact(*job);
    if (over_ || worn_out() || co_await must_make_way()) break;
  }
  leave_start();
  co_await say_goodbye();
  --destination_.connected;
  service_.figures.connections.add(-1);
}

// The first message in the line carries the bad news; the others wait without having been tried.
Task<void> Flow::give_up() {
  leave_start();
  if (aborted_ || service_.draining) co_return;
  const Attempt attempt{
      .route = destination_.route.name, .remote = trouble_.remote, .remote_host = trouble_.host};
  const bool others_work = destination_.connected > 0;
  if (!trouble_.permanent && others_work) {
    destination_.ramp_after = core_.now() + kRampPause;
    co_return;
  }
  Job* job = take();
  if (!trouble_.permanent) {
    destination_.proven = false;
    ++destination_.failures;
    const Duration wait = schedule::spread_interval(settings_->retry, destination_.failures, core_.random());
    const bool passing = job != nullptr && job->message.through;
    service_.queue.pause(destination_, std::min(wait, passing ? kPassingPauseMax : kDestinationPauseMax),
                         {attempt, trouble_.reply});
  }
  // No such domain: that holds for all of them.
  const Found found = trouble_.permanent ? Found::failed : Found::deferred;
  while (job != nullptr) {
    const auto loaded = co_await service_.parts.spool->load(job->message.id);
    if (!loaded) {
      service_.results.settle_unreadable(*job, loaded.error());
    } else {
      std::vector<Results::Part> parts;
      parts.push_back({job, for_all(job->recipients.view(), found, trouble_.reply)});
      co_await service_.results.settle(std::move(parts), *loaded, attempt, settings_);
    }
    job = trouble_.permanent && !service_.draining ? take() : nullptr;
  }
}

Job* Flow::take() {
  return service_.queue.take(destination_, settings_->shaping.recipients_per_transaction);
}

bool Flow::worn_out() const {
  return messages_ >= settings_->shaping.messages_per_connection || service_.draining || aborted_ ||
         destination_.suspended;
}

// Others are asked about only when this connection has had its share of time.
Task<bool> Flow::must_make_way() {
  if (core_.now() - connected_at_ < kSlotTenure) co_return false;
  co_return co_await service_.parts.leases->others_wait(core_, destination_.name);
}

// The next job, at once or while the connection is kept open for one; nullptr: time to leave.
Task<Job*> Flow::wait_for_job() {
  const Instant until = core_.now() + settings_->deliver.idle_timeout;
  for (;;) {
    if (service_.draining || aborted_ || destination_.suspended) co_return nullptr;
    Job* job = take();
    leave_start();
    if (job != nullptr || core_.now() >= until) co_return job;
    woken_ = false;
    destination_.idle.push_back(*this);
    if (!co_await service_.parts.leases->others_wait(core_, destination_.name) && !woken_) {
      const auto got = co_await connection_->receive(std::min(until, core_.now() + kIdleSlice));
      const bool quiet =
          !got && (got.error().kind == ErrorKind::timed_out || woken_) && !connection_->aborted();
      if (!quiet) over_ = true;  // the server says goodbye, or something that nobody asked for
    } else if (!woken_) {
      static_cast<ListLink<IdleFlow>&>(*this).unlink();
      co_return nullptr;
    }
    static_cast<ListLink<IdleFlow>&>(*this).unlink();
    if (over_) {
      leave_start();
      co_return nullptr;
    }
  }
}

void Flow::wake() {
  static_cast<ListLink<IdleFlow>&>(*this).unlink();
  woken_ = true;
  starting_ = true;
  ++destination_.starting;
  connection_->nudge();
}

void Flow::drain() {
  if (connected_) return;
  dial_.abort();
  if (connection_) connection_->abort();
}

void Flow::abort() {
  aborted_ = true;
  dial_.abort();
  if (connection_) connection_->abort();
}

Task<void> Flow::say_goodbye() {
  if (!over_ && !connection_->aborted() && !session_->closed()) {
    session_->quit();
    (void)co_await next_event(kQuitTimeout);
  }
  co_await drop_connection();
}

Task<void> Flow::drop_connection() {
  if (!connection_) co_return;
  if (trace_.begun())
    if (observe::SessionTrace* trace = traced()) trace->ended(core_.wall_now());
  trace_.forget();  // the next host is another session
  co_await connection_->close();
  connection_.reset();
}

// ---- bytes

observe::SessionTrace* Flow::traced() {
  return trace_.by(core_.trace(), [this] {
    return observe::SessionTrace::About{
        .core = core_.index(), .outbound = true, .peer = connection_->peer(), .place = destination_.name};
  });
}

Instant Flow::deadline(Duration patience) const {
  const Instant at = core_.now() + patience;
  if (transaction_since_ == Instant{}) return at;
  const Instant end = transaction_since_ + kTransactionMax;
  return std::min(at, give_up_at_ == Instant{} ? end : std::min(end, give_up_at_));
}

// The patience is for the whole reply: a peer that sends a line of it now and then gains nothing.
Task<smtp::ClientEvent> Flow::next_event(Duration patience) {
  const Instant until = deadline(patience);
  for (;;) {
    std::span<const std::byte> input = connection_->input();
    const std::size_t before = input.size();
    const std::byte* const begin = input.data();
    const smtp::ClientEvent event = session_->next(input);
    if (observe::SessionTrace* trace = traced())
      trace->said(observe::Speaker::server, {reinterpret_cast<const char*>(begin), before - input.size()},
                  core_.wall_now());
    connection_->consume(before - input.size());
    if (event.kind != Kind::need_input) co_return event;
    if (!co_await exchange_bytes(until)) session_->lost_connection();
  }
}

Task<bool> Flow::exchange_bytes(Instant until) {
  if (!session_->output().empty()) {
    if (co_await send_output(until)) co_return true;  // perhaps the answer is here already
    co_return false;
  }
  const auto got = co_await connection_->receive(until);
  if (got) co_return true;
  if (got.error().kind == ErrorKind::cancelled && !connection_->aborted()) co_return true;  // only a nudge
  if (got.error().kind == ErrorKind::timed_out)
    lost_ = our_word({4, 4, 2}, fmt::format("timed out, waiting for {}", session_->waiting_for()));
  else if (got.error().kind != ErrorKind::closed)
    lost_ = our_word({4, 4, 2}, fmt::format("{}, waiting for {}", got.error().text, session_->waiting_for()));
  co_return false;
}

Task<bool> Flow::send_output(Instant until, std::span<const std::span<const std::byte>> more) {
  const std::string_view output = session_->output();
  if (observe::SessionTrace* trace = traced()) {
    trace->said(observe::Speaker::client, output, core_.wall_now());
    for (const auto& part : more) trace->body(part.size());
  }
  const bool taken = connection_->write(output);
  session_->output_sent(output.size());
  if (!taken) {
    lost_ = our_word({4, 3, 1}, "no memory for what is to be sent");
    co_return false;
  }
  const auto sent = co_await connection_->flush(until, more);
  if (!sent && sent.error().kind == ErrorKind::timed_out)
    lost_ = our_word({4, 4, 2}, "timed out, the server takes nothing more");
  co_return sent.has_value();
}

}  // namespace ringpost::deliver
