#include "ringpost/net/connection.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include "compression.hpp"

namespace ringpost::net {

namespace {

// Vectors of one send. The kernel takes 1024; a body with many stuffed dots goes out in several sends.
constexpr std::size_t kVectorsMax = 128;
// For the farewell of a connection that is going away anyway.
constexpr Duration kFarewell = std::chrono::seconds(2);
constexpr std::size_t kLargestBlock = buffer::Pool::kClasses.back();

iovec vector_of(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};  // NOLINT: sendmsg does not write
}

}  // namespace

Connection::Connection(shard::Core& core, io::Handle socket, const Endpoint& peer)
    : core_(core), socket_(socket), peer_(peer) {
  arm();
}

Connection::~Connection() {
  RP_ASSERT(!armed_ && waiting_ == nullptr && sending_ == nullptr && !socket_);
  if (gone_ != nullptr) *gone_ = true;
}

// ---- input

void Connection::arm() {
  if (armed_ || ended_ || input_error_ || aborted_ || leaving_ || !socket_) return;
  armed_ = true;
  core_.submit({.kind = io::OpKind::receive, .handle = socket_, .operation = &receive_operation_});
}

// Near the bound the peer waits; when half of it is free again it may go on.
void Connection::pause_or_arm() {
  const bool full = input_.size() >= kPendingBytesMax || !later_.empty();
  if (full && armed_ && !pausing_) {
    pausing_ = true;
    core_.submit({.kind = io::OpKind::cancel, .target = &receive_operation_});
  }
  if (!armed_ && later_.empty() && input_.size() <= kPendingBytesMax / 2) arm();
}

void Connection::received(io::Operation& self, const io::Completion& completion) {
  static_cast<ReceiveOperation&>(self).connection.take(completion);
}

void Connection::take(const io::Completion& completion) {
  if (!completion.more) {
    armed_ = false;
    pausing_ = false;
  }
  if (closing_) {
    if (!armed_) core_.schedule(std::exchange(closing_, {}));
    return;
  }
  if (leaving_) {
    take_the_last(completion);
    return;
  }
  if (completion.result > 0) {
    take_bytes(completion.bytes);
    return;  // *this may be gone
  }
  take_end(completion);
  pause_or_arm();
  wake_if_news();
}

void Connection::take_end(const io::Completion& completion) {
  if (completion.result == 0) {
    ended_ = true;
    if (tls_ && !tls_->peer_closed() && later_.empty()) {
      if (auto cut = tls_->end_of_input(); !cut && !tls_->handshake_done())
        input_error_ = std::move(cut.error());
    }
  } else if (completion.result != -ECANCELED) {
    input_error_ = system_error(-completion.result, "receive");
  }
}

void Connection::take_bytes(std::span<const std::byte> wire) {
  bytes_received_ += wire.size();
  if (!tls_ && !compression_ && waiting_ != nullptr && input_.empty() && later_.empty()) {
    lend(wire);
    return;
  }
  const std::size_t taken = later_.empty() ? absorb(wire) : 0;
  if (taken < wire.size() && !input_error_) keep_for_later(wire.subspan(taken));
  pause_or_arm();
  wake_if_news();
}

// The flow looks at the kernel's own buffer until it suspends; what it leaves is then copied.
void Connection::lend(std::span<const std::byte> bytes) {
  bool gone = false;
  gone_ = &gone;
  input_ = bytes;
  lent_ = true;
  wake();
  if (gone) return;
  gone_ = nullptr;
  if (!lent_) return;
  lent_ = false;
  const std::span<const std::byte> rest = std::exchange(input_, {});
  const std::size_t seen = std::min(seen_, rest.size());
  if (!rest.empty()) {
    const std::size_t taken = absorb_clear(rest);
    if (taken < rest.size() && !input_error_) keep_for_later(rest.subspan(taken));
  }
  seen_ = seen;
  pause_or_arm();
  wake_if_news();
}

// Room in the pending block, for at least one byte. False when it is as large as it gets, or memory is short.
bool Connection::make_room() {
  if (!pending_) {
    pending_ = core_.buffers().take(buffer::Pool::kClasses.front());
    input_ = pending_.bytes();
  } else if (input_.empty()) {
    pending_.clear();
    input_ = std::as_const(pending_).bytes();
  } else if (input_.data() != pending_.bytes().data()) {
    const std::size_t size = input_.size();
    std::memmove(pending_.bytes().data(), input_.data(), size);
    pending_.clear();
    pending_.fill(size);
    input_ = std::as_const(pending_).bytes();
  }
  if (!pending_) {
    fail_input(Error{ErrorKind::exhausted, ENOMEM, "receive: the buffers of this core are in use"});
    return false;
  }
  if (!pending_.room().empty()) return true;
  if (pending_.capacity() == kLargestBlock) return false;
  if (!core_.buffers().grow(pending_)) {
    fail_input(Error{ErrorKind::exhausted, ENOMEM, "receive: the buffers of this core are in use"});
    return false;
  }
  input_ = std::as_const(pending_).bytes();
  return true;
}

std::size_t Connection::absorb(std::span<const std::byte> wire) {
  progressed_ = true;
  if (compression_) return absorb_compressed(wire);
  return tls_ ? absorb_tls(wire) : absorb_clear(wire);
}

std::size_t Connection::absorb_clear(std::span<const std::byte> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && make_room()) {
    taken += pending_.append(bytes.subspan(taken));
    input_ = std::as_const(pending_).bytes();
  }
  return taken;
}

std::size_t Connection::absorb_tls(std::span<const std::byte> ciphertext) {
  std::size_t taken = 0;
  while ((taken < ciphertext.size() || tls_->has_plaintext()) && make_room()) {
    const auto progress = tls_->receive(ciphertext.subspan(taken), pending_.room());
    if (!progress) {
      fail_input(progress.error());
      return ciphertext.size();
    }
    pending_.fill(progress->produced);
    input_ = std::as_const(pending_).bytes();
    taken += progress->consumed;
    if (tls_->peer_closed()) {
      ended_ = true;
      return ciphertext.size();
    }
    if (progress->consumed == 0 && progress->produced == 0) break;
  }
  if (input_.empty()) {
    pending_ = {};
    input_ = {};
  }
  return taken;
}

void Connection::keep_for_later(std::span<const std::byte> wire) {
  while (!wire.empty()) {
    if (later_.empty() || later_.back().room().empty()) {
      later_.push_back(core_.buffers().take(std::min(wire.size(), kLargestBlock)));
      if (!later_.back()) {
        later_.pop_back();
        fail_input(Error{ErrorKind::exhausted, ENOMEM, "receive: the buffers of this core are in use"});
        return;
      }
    }
    wire = wire.subspan(later_.back().append(wire));
  }
}

void Connection::absorb_later() {
  while (!later_.empty() && !input_error_) {
    buffer::Block& first = later_.front();
    const std::size_t taken = absorb(std::as_const(first).bytes());
    if (taken < first.size()) {
      const std::span<const std::byte> rest = std::as_const(first).bytes().subspan(taken);
      std::memmove(first.bytes().data(), rest.data(), rest.size());
      first.clear();
      first.fill(rest.size());
      return;
    }
    later_.erase(later_.begin());
  }
  if (ended_ && tls_ && later_.empty() && !tls_->peer_closed() && !tls_->handshake_done() && !input_error_)
    input_error_ = Error{ErrorKind::closed, 0, "the peer left during the TLS handshake"};
}

void Connection::consume(std::size_t count) {
  RP_ASSERT(count <= input_.size());
  input_ = input_.subspan(count);
  seen_ -= std::min(seen_, count);
  if (lent_) return;
  if (!later_.empty()) absorb_later();
  if (compression_) (void)absorb_compressed({});
  if (input_.empty()) {
    pending_ = {};
    input_ = {};
  }
  pause_or_arm();
}

void Connection::discard_input() {
  later_.clear();
  consume(input_.size());
}

void Connection::fail_input(Error error) {
  if (!input_error_) input_error_ = std::move(error);
}

bool Connection::news() const {
  return input_error_ || aborted_ || ended_ || input_.size() > seen_ || (progressed_ && shaking_hands_);
}

void Connection::wake() {
  Receive* waiting = std::exchange(waiting_, nullptr);
  waiting->unlink();
  core_.runs(waiting->awaiting_);
  waiting->awaiting_.resume();
}

void Connection::wake_if_news() {
  if (waiting_ == nullptr || !news()) return;
  bool gone = false;
  bool* const outer = std::exchange(gone_, &gone);
  wake();
  if (gone) {
    if (outer != nullptr) *outer = true;
    return;
  }
  gone_ = outer;
}

Connection::Receive Connection::receive(Instant deadline) {
  return {*this, deadline};
}

Connection::Receive::Receive(Connection& connection, Instant deadline)
    : Timer(&Receive::expired), connection_(connection), deadline_(deadline) {}

bool Connection::Receive::await_ready() {
  return connection_.news();
}

void Connection::Receive::await_suspend(std::coroutine_handle<> awaiting) {
  RP_ASSERT(connection_.waiting_ == nullptr);
  awaiting_ = awaiting;
  connection_.waiting_ = this;
  if (deadline_ != Instant::never()) connection_.core_.timers().arm(*this, deadline_);
}

void Connection::Receive::expired(Timer& self) {
  auto& waiting = static_cast<Receive&>(self);
  waiting.connection_.waiting_ = nullptr;
  waiting.error_ = Error{ErrorKind::timed_out, ETIME, "no input before the deadline"};
  waiting.connection_.core_.runs(waiting.awaiting_);
  waiting.awaiting_.resume();
}

Result<void> Connection::Receive::await_resume() {
  Connection& c = connection_;
  const bool unseen = c.input_.size() > c.seen_;
  c.seen_ = c.input_.size();
  c.progressed_ = false;
  if (error_) return fail(std::move(*error_));
  if (c.aborted_) return fail(ErrorKind::cancelled, "the connection is being ended");
  if (unseen) return {};
  if (c.input_error_) return fail(*c.input_error_);
  if (c.ended_) return fail(ErrorKind::closed, "the peer closed the connection");
  return {};
}

// ---- output

bool Connection::write(std::span<const std::byte> bytes) {
  if (!output_) output_ = core_.buffers().take(std::max(bytes.size(), buffer::Pool::kClasses.front()));
  while (output_ && output_.room().size() < bytes.size())
    if (!core_.buffers().grow(output_)) return false;
  return output_ && output_.append(bytes) == bytes.size();
}

Task<Result<void>> Connection::flush(Instant deadline, std::span<const std::span<const std::byte>> more) {
  if (aborted_) co_return fail(ErrorKind::cancelled, "the connection is being ended");
  if (!output_ && more.empty() && !tls_) co_return Result<void>{};
  if (compression_ && (output_ || !more.empty())) co_return co_await flush_compressed(deadline, more);
  auto sent = tls_ ? co_await flush_tls(deadline, more) : co_await flush_clear(deadline, more);
  co_return sent;
}

Task<Result<void>> Connection::flush_clear(Instant deadline,
                                           std::span<const std::span<const std::byte>> more) {
  const buffer::Block first = std::move(output_);
  std::array<iovec, kVectorsMax> vectors;  // NOLINT: filled before use
  std::size_t count = 0;
  if (first.size() != 0) vectors[count++] = vector_of(first.bytes());
  for (const auto& piece : more) {
    if (piece.empty()) continue;
    vectors[count++] = vector_of(piece);
    if (count == kVectorsMax)
      RP_CO_CHECK(co_await send(std::span(vectors).first(std::exchange(count, 0)), deadline));
  }
  if (count != 0) RP_CO_CHECK(co_await send(std::span(vectors).first(count), deadline));
  co_return Result<void>{};
}

Task<Result<void>> Connection::send(std::span<iovec> vectors, Instant deadline) {
  if (aborted_) co_return fail(ErrorKind::cancelled, "the connection is being ended");
  std::size_t whole = 0;
  for (const iovec& vector : vectors) whole += vector.iov_len;
  shard::Await await(core_,
                     {.kind = io::OpKind::send,
                      .handle = socket_,
                      .vectors = vectors.data(),
                      .vector_count = static_cast<std::uint32_t>(vectors.size())},
                     deadline);
  sending_ = &await;
  const std::int32_t result = co_await await;
  sending_ = nullptr;
  if (result > 0) bytes_sent_ += static_cast<std::uint64_t>(result);
  if (result >= 0 && static_cast<std::size_t>(result) == whole) co_return Result<void>{};
  if (aborted_) co_return fail(ErrorKind::cancelled, "the connection is being ended");
  if (result == -ETIME || result >= 0) co_return fail(ErrorKind::timed_out, "the peer takes nothing more");
  co_return fail_system(-result, "send");
}

Task<Result<void>> Connection::flush_tls(Instant deadline, std::span<const std::span<const std::byte>> more) {
  const buffer::Block first = std::move(output_);
  RP_CO_CHECK(co_await encrypt(first.bytes(), deadline));
  for (const auto& piece : more) RP_CO_CHECK(co_await encrypt(piece, deadline));
  co_return co_await send_ciphertext(deadline);
}

Task<Result<void>> Connection::encrypt(std::span<const std::byte> plaintext, Instant deadline) {
  while (!plaintext.empty()) {
    const std::size_t taken = RP_CO_TRY(tls_->write(plaintext));
    plaintext = plaintext.subspan(taken);
    if (!plaintext.empty()) RP_CO_CHECK(co_await send_ciphertext(deadline));
  }
  co_return Result<void>{};
}

// Ciphertext is copied out of the session first: what arrives during the send may make it write an answer of its own.
Task<Result<void>> Connection::send_ciphertext(Instant deadline) {
  for (;;) {
    const std::span<const std::byte> waiting = tls_->pending_output();
    if (waiting.empty()) co_return Result<void>{};
    buffer::Block block = core_.buffers().take(std::min(waiting.size(), kLargestBlock));
    if (!block) co_return fail(ErrorKind::exhausted, "send: the buffers of this core are in use");
    tls_->consume_output(block.append(waiting));
    iovec vector = vector_of(block.bytes());
    RP_CO_CHECK(co_await send({&vector, 1}, deadline));
  }
}

// ---- TLS

Task<Result<void>> Connection::accept_tls(std::shared_ptr<const tls::ServerContext> context,
                                          Instant deadline) {
  begin_tls(RP_CO_TRY(context->new_session()));
  co_return co_await shake_hands(deadline);
}

Task<Result<void>> Connection::connect_tls(tls::ClientContext& context, const tls::Destination& destination,
                                           Instant deadline) {
  begin_tls(RP_CO_TRY(context.new_session(destination)));
  co_return co_await shake_hands(deadline);
}

// What has arrived by now and was not dropped is the peer's first flight. It may still be lent to the flow.
void Connection::begin_tls(tls::Session session) {
  RP_ASSERT(!tls_);
  const std::vector<std::byte> early(input_.begin(), input_.end());
  input_ = {};
  seen_ = 0;
  lent_ = false;
  pending_ = {};
  tls_.emplace(std::move(session));
  if (early.empty()) return;
  const std::size_t taken = absorb(early);
  if (taken < early.size() && !input_error_) keep_for_later(std::span(early).subspan(taken));
}

Task<Result<void>> Connection::shake_hands(Instant deadline) {
  shaking_hands_ = true;
  const auto done = co_await exchange_flights(deadline);
  shaking_hands_ = false;
  co_return done;
}

Task<Result<void>> Connection::exchange_flights(Instant deadline) {
  for (;;) {
    const auto sent = co_await send_ciphertext(deadline);
    if (input_error_) co_return fail(*input_error_);
    if (!sent) co_return sent;
    if (tls_->handshake_done()) co_return Result<void>{};
    const auto got = co_await receive(deadline);
    if (!got) {
      (void)co_await send_ciphertext(core_.now() + kFarewell);  // the alert that says why
      co_return fail(Error(got.error()).in("TLS handshake"));
    }
  }
}

// ---- the end

void Connection::nudge() {
  if (waiting_ == nullptr) return;
  Receive* waiting = std::exchange(waiting_, nullptr);
  waiting->unlink();
  waiting->error_ = Error{ErrorKind::cancelled, ECANCELED, "asked to look up"};
  core_.schedule(waiting->awaiting_);
}

void Connection::abort() {
  if (aborted_) return;
  aborted_ = true;
  nudge();
  if (sending_ != nullptr) sending_->cancel();
}

// A socket closed over unread bytes resets the connection, and the reset may overtake the last reply. So we say that we
// are done and give the peer a moment to say the same; what it still sends is dropped.
Task<void> Connection::linger() {
  co_await shard::Await(core_, {.kind = io::OpKind::finish, .handle = socket_});
  const Instant until = core_.now() + kFarewell;
  const std::uint64_t bytes_max = bytes_received_ + kLingerBytesMax;
  while (bytes_received_ < bytes_max) {
    discard_input();
    if (!co_await receive(until)) co_return;
  }
}

Task<void> Connection::close() {
  RP_ASSERT(socket_ && sending_ == nullptr);
  if (tls_ && !aborted_ && !input_error_ && !tls_->failed() && tls_->handshake_done()) {
    tls_->close_notify();
    (void)co_await send_ciphertext(core_.now() + kFarewell);
  }
  if (!aborted_ && !input_error_ && !ended_) co_await linger();
  co_await shard::Await(core_, {.kind = io::OpKind::shutdown, .handle = socket_});
  co_await disarm(closing_);
  co_await shard::Await(core_, {.kind = io::OpKind::close, .handle = std::exchange(socket_, {})});
  input_ = {};
  pending_ = {};
  later_.clear();
  deflated_ = {};
  output_ = {};
}

Task<Result<std::unique_ptr<Connection>>> connect(shard::Core& core, Endpoint to,
                                                  std::optional<Endpoint> source, Instant deadline,
                                                  Dial* dial) {
  if (dial != nullptr && dial->aborted_) co_return fail(ErrorKind::cancelled, "the connect is being ended");
  const io::Handle socket = RP_CO_TRY(core.backend().open_socket(to, source));
  shard::Await connecting(core, {.kind = io::OpKind::connect, .handle = socket, .address = &to}, deadline);
  if (dial != nullptr) dial->connecting_ = &connecting;
  const std::int32_t result = co_await connecting;
  if (dial != nullptr) dial->connecting_ = nullptr;
  if (result >= 0) co_return std::make_unique<Connection>(core, socket, to);
  co_await shard::Await(core, {.kind = io::OpKind::close, .handle = socket});
  if (result == -ECANCELED) co_return fail(ErrorKind::cancelled, "the connect is being ended");
  if (result == -ETIME) co_return fail(ErrorKind::timed_out, "connect to " + to_string(to) + ": no answer");
  co_return fail_system(-result, "connect to " + to_string(to));
}

}  // namespace ringpost::net
