// A connection leaves its core, or comes from another one.
#include <cerrno>
#include <utility>

#include "ringpost/net/connection.hpp"

#include "compression.hpp"

namespace ringpost::net {

namespace {

// Suspends until somebody resumes `slot`.
struct Park {
  std::coroutine_handle<>& slot;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) const noexcept { slot = awaiting; }
  void await_resume() const noexcept {}
};

}  // namespace

// The final completion of the receive resumes `slot`.
Task<void> Connection::disarm(std::coroutine_handle<>& slot) {
  if (!armed_) co_return;
  if (!pausing_) core_.submit({.kind = io::OpKind::cancel, .target = &receive_operation_});
  pausing_ = true;
  co_await Park{slot};
}

// Nobody waits for input: the flow is in hand_over().
void Connection::take_the_last(const io::Completion& completion) {
  if (completion.result > 0) {
    bytes_received_ += completion.bytes.size();
    const std::size_t taken = later_.empty() ? absorb(completion.bytes) : 0;
    if (taken < completion.bytes.size() && !input_error_) keep_for_later(completion.bytes.subspan(taken));
  } else {
    take_end(completion);
  }
  if (!armed_) core_.schedule(std::exchange(leaving_, {}));
}

Task<Result<Handover>> Connection::hand_over() {
  RP_ASSERT(socket_ && waiting_ == nullptr && sending_ == nullptr && unsent() == 0 && !shaking_hands_);
  co_await disarm(leaving_);
  if (aborted_) co_return fail(ErrorKind::cancelled, "the connection is being ended");
  if (input_error_) co_return fail(*input_error_);
  Handover parts{
      .socket = std::exchange(socket_, {}),
      .peer = peer_,
      .tls = std::exchange(tls_, std::nullopt),
      .input = {input_.begin(), input_.end()},
      .compression = std::move(compression_),
      .deflated = {std::as_const(deflated_).bytes().begin(), std::as_const(deflated_).bytes().end()},
      .ended = ended_,
      .bytes_received = bytes_received_,
      .bytes_sent = bytes_sent_};
  for (const buffer::Block& block : later_)
    parts.wire.insert(parts.wire.end(), block.bytes().begin(), block.bytes().end());
  input_ = {};
  pending_ = {};
  later_.clear();
  deflated_ = {};
  output_ = {};
  co_return parts;
}

Connection::Connection(shard::Core& core, Handover from)
    : core_(core),
      socket_(from.socket),
      peer_(from.peer),
      tls_(std::move(from.tls)),
      bytes_received_(from.bytes_received),
      bytes_sent_(from.bytes_sent) {
  absorb_clear(from.input);
  compression_ = std::move(from.compression);
  if (!from.deflated.empty()) {
    deflated_ = core_.buffers().take(from.deflated.size());
    if (deflated_)
      deflated_.append(from.deflated);
    else
      fail_input(Error{ErrorKind::exhausted, ENOMEM, "receive: the buffers of this core are in use"});
  }
  keep_for_later(from.wire);
  // In the clear it needs no more than room, and then it is input like the rest.
  absorb_later();
  if (compression_) (void)absorb_compressed({});
  ended_ = ended_ || from.ended;
  pause_or_arm();
}

}  // namespace ringpost::net
