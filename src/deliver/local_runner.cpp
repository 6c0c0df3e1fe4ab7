#include "local_runner.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ringpost/deliver/local_limits.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::deliver {

Result<int> SharedBody::file() {
  if (file_) return file_.get();
  Descriptor file(::memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail_system(errno, "hold the message for the delivery helper");
  for (const auto& piece : pieces_)
    if (const int error = write_all(file.get(), scan::as_text(piece)); error != 0)
      return fail_system(error, "hold the message for the delivery helper");
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return fail_system(errno, "hold the message for the delivery helper");
  file_ = std::move(file);
  return file_.get();
}

LocalRunner::LocalRunner(shard::Core& core, HelperClient* helper)
    : core_(core), helper_(helper), uid_(::geteuid()), gid_(::getegid()), command_ended_(core) {
  std::array<int, 2> ends{-1, -1};
  // Without it (no descriptor left) commands end by their time-out alone.
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  abort_read_ = Descriptor(ends[0]);
  abort_write_ = Descriptor(ends[1]);
}

void LocalRunner::abort() {
  aborted_ = true;
  abort_write_.reset();
  command_ended_.notify_all();
  for (shard::Await* await : waiting_) await->cancel();
}

namespace {
DeliveryOutcome stopping() {
  return DeliveryOutcome::deferred(451, {4, 3, 2}, "The server stops");
}
}  // namespace

Task<DeliveryOutcome> LocalRunner::run(DeliveryOrder order, SharedBody& body) {
  if (aborted_) co_return stopping();
  order.random = core_.random();
  order.arrival = core_.wall_now();
  if (order.uid != uid_) {
    if (helper_ != nullptr) co_return co_await run_in_helper(std::move(order), body);
    co_return DeliveryOutcome::deferred(451, {4, 3, 5},
                                        "there is no helper to deliver as user " + order.user);
  }
  if (order.kind != DeliveryOrder::Kind::command) co_return co_await run_here(std::move(order), body);
  // Where a helper is, a command costs no thread of ours. It runs nothing as root.
  if (helper_ != nullptr && uid_ != 0) co_return co_await run_in_helper(std::move(order), body);
  co_return co_await run_own_command(std::move(order), body);
}

Task<DeliveryOutcome> LocalRunner::run_here(DeliveryOrder order, SharedBody& body) {
  order.lock_wait = Duration{0};  // threads are few: the core does the waiting
  const Instant until = core_.now() + kLockWait;
  while (true) {
    DeliveryOutcome outcome =
        co_await shard::offload(core_, [&order, &body] { return carry_out(order, body.pieces(), -1); });
    if (!outcome.locked || aborted_ || core_.now() >= until) co_return outcome;
    co_await shard::Sleep(core_, kLockPoll);
  }
}

Task<DeliveryOutcome> LocalRunner::run_own_command(DeliveryOrder order, SharedBody& body) {
  while (own_commands_ >= kOwnCommandsMax && !aborted_) co_await command_ended_.wait();
  if (aborted_) co_return stopping();
  ++own_commands_;
  DeliveryOutcome outcome = co_await shard::offload(
      core_, [&order, &body, cancel = abort_read_.get()] { return carry_out(order, body.pieces(), cancel); });
  --own_commands_;
  command_ended_.notify_one();
  co_return outcome;
}

Task<DeliveryOutcome> LocalRunner::run_in_helper(DeliveryOrder order, SharedBody& body) {
  order.lock_wait = kLockWait;
  const bool silent =
      order.kind == DeliveryOrder::Kind::read_forward || order.kind == DeliveryOrder::Kind::read_include;
  const auto started = co_await shard::offload(core_, [this, &order, &body, silent]() -> Result<int> {
    const int file = silent ? -1 : RP_TRY(body.file());
    return helper_->start(order, file);
  });
  if (!started) co_return DeliveryOutcome::deferred(451, {4, 3, 0}, started.error().text);
  const Descriptor reply(*started);
  const Duration work = order.kind == DeliveryOrder::Kind::command ? order.timeout : kLockWait;
  shard::Await readable(
      core_, io::Op{.kind = io::OpKind::poll, .poll_events = POLLIN, .handle = io::Handle{reply.get()}},
      core_.now() + work + kHelperGrace);
  const bool may_be_long =
      order.kind == DeliveryOrder::Kind::command || order.kind == DeliveryOrder::Kind::mbox;
  if (may_be_long) waiting_.push_back(&readable);
  if (may_be_long && aborted_) readable.cancel();
  const std::int32_t waited = co_await readable;
  std::erase(waiting_, &readable);
  if (waited == -ECANCELED) co_return stopping();
  if (waited == -ETIME)
    co_return DeliveryOutcome::deferred(451, {4, 3, 0}, "The delivery helper took too long");
  co_return HelperClient::finish(reply.get());
}

}  // namespace ringpost::deliver
