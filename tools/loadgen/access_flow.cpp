#include "access_flow.hpp"

#include <algorithm>
#include <array>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::loadgen {

// A connection is made for something, and not before it is due.
Task<bool> AccessFlow::ready() {
  while (!job_ && owner_.expects_work()) {
    job_ = owner_.take();
    if (!job_) co_await owner_.work();
  }
  if (job_ && owner_.stopping()) give_up();
  co_return job_.has_value();
}

// The run is over, and it was never asked of the server.
void AccessFlow::give_up() {
  counters().unanswered.add();
  job_.reset();
  owner_.decided();
}

Task<bool> AccessFlow::converse() {
  begun_ = 0;
  refused_by_.clear();
  const bool welcome = co_await greet() && co_await log_in();
  if (!welcome) {
    owner_.not_welcome(!refused_by_.empty());
    if (is_login()) finish(Outcome::refused);
    co_return false;
  }
  if (is_login()) {
    yield_ = {};
    finish(co_await log_out() ? Outcome::acknowledged : Outcome::lost);
    co_return true;
  }
  co_return co_await work_off();
}

// Until there is nothing more to do on this connection.
Task<bool> AccessFlow::work_off() {
  while (co_await next_job()) {
    if (is_login()) break;  // which needs a connection of its own
    ++begun_;
    if (!load().open()) job_->intended = owner_.core().now();
    yield_ = {};
    const Outcome outcome = co_await perform(owner_.deed_of(*job_));
    finish(outcome);
    if (outcome == Outcome::lost) co_return false;
    if (outcome == Outcome::settled_last) break;
  }
  (void)co_await log_out();
  co_return begun_ > 0 || job_.has_value();
}

// The one that waits for this connection, or the next; false: say goodbye.
Task<bool> AccessFlow::next_job() {
  const std::uint64_t most = load().per_connection;
  if ((most != 0 && begun_ >= most) || used_up()) co_return false;
  while (!job_ && owner_.expects_work()) {
    job_ = owner_.take();
    if (!job_) co_await owner_.work();
  }
  // What an idle connection has heard comes first: the server may be gone.
  co_return job_ && !connection_->at_end();
}

void AccessFlow::settle() {
  RP_ASSERT(job_.has_value());
  owner_.acknowledge(*job_, yield_.items, yield_.bytes);
  job_.reset();
  owner_.decided();
}

void AccessFlow::finish(Outcome outcome) {
  if (!job_) return;
  switch (outcome) {
    case Outcome::acknowledged:
    case Outcome::settled:
    case Outcome::settled_last:
      settle();
      return;
    case Outcome::refused:
      counters().refused.add();
      break;
    case Outcome::lost:
      counters().lost_connections.add();
      counters().unanswered.add();
      break;
  }
  job_.reset();
  owner_.decided();
}

void AccessFlow::refuse(const std::string& code, const std::string& text) {
  owner_.figures().refusals.note(code, 1, text);
  refused_by_ = code;
}

// Codes of RFC 5530, 2449 and 3206 that say "later"; all others mean this login.
AccessFlow::LoginAnswer AccessFlow::refused_login() const {
  constexpr auto kLater = std::to_array<std::string_view>(
      {"[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]"});
  const bool later = std::ranges::any_of(
      kLater, [this](std::string_view code) { return refused_by_.find(code) != std::string::npos; });
  return later ? LoginAnswer::deferred : LoginAnswer::denied;
}

Task<bool> AccessFlow::receive(Instant until) {
  const auto got = co_await connection_->receive(until);
  if (got && !(connection_->input().empty() && connection_->at_end())) co_return true;
  if (!got && got.error().kind == ErrorKind::timed_out) counters().timeouts.add();
  counters().note_trouble(got ? "the server closed the connection" : got.error().text);
  co_return false;
}

Task<bool> AccessFlow::send(std::span<const std::span<const std::byte>> pieces) {
  const auto sent = co_await connection_->flush(deadline(), pieces);
  if (!sent) counters().note_trouble(sent.error().text);
  co_return sent.has_value();
}

Task<bool> AccessFlow::send(std::string_view text) {
  const std::span<const std::byte> piece = scan::as_bytes(text);
  co_return co_await send(std::span(&piece, 1));
}

}  // namespace ringpost::loadgen
