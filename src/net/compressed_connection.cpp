// A connection whose bytes are DEFLATE inside whatever carries them.
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/net/connection.hpp"

#include "compression.hpp"

namespace ringpost::net {

namespace {

void drop_front(buffer::Block& block, std::size_t count) {
  const std::size_t left = block.size() - count;
  std::memmove(block.bytes().data(), block.bytes().data() + count, left);
  block.clear();
  block.fill(left);
}

}  // namespace

void CompressionEnd::operator()(Compression* compression) const {
  delete compression;  // NOLINT(cppcoreguidelines-owning-memory): for its owner, where the type is not known
}

// What has arrived already goes the way that it would have gone, had it come now.
void Connection::start_compression() {
  RP_ASSERT(!compression_ && unsent() == 0 && !shaking_hands_);
  const std::vector<std::byte> early(input_.begin(), input_.end());
  input_ = {};
  seen_ = 0;
  lent_ = false;
  pending_ = {};
  compression_.reset(new Compression);  // NOLINT(cppcoreguidelines-owning-memory)
  if (!early.empty()) {
    buffer::Block block = core_.buffers().take(early.size());
    if (!block) {
      fail_input(Error{ErrorKind::exhausted, ENOMEM, "receive: the buffers of this core are in use"});
      return;
    }
    block.append(early);
    if (tls_)
      deflated_ = std::move(block);
    else
      later_.insert(later_.begin(), std::move(block));
  }
  absorb_later();
  (void)absorb_compressed({});
  pause_or_arm();
}

void Connection::rest() {
  if (compression_) compression_->forget();
}

// Compressed bytes come from the wire, or from what TLS has made of it. Stops when so much is inflated that the peer has to wait.
std::size_t Connection::absorb_compressed(std::span<const std::byte> wire) {
  std::size_t taken = 0;
  while (!input_error_) {
    const std::span<const std::byte> next = tls_ ? std::as_const(deflated_).bytes() : wire.subspan(taken);
    if (next.empty() && !compression_->has_output()) {
      if (!tls_ || !decrypt(wire, taken)) break;
      continue;
    }
    if (input_.size() >= kPendingBytesMax || !make_room()) break;
    const auto progress = compression_->inflate(next, pending_.room());
    if (!progress) {
      fail_input(progress.error());
      return wire.size();
    }
    pending_.fill(progress->produced);
    input_ = std::as_const(pending_).bytes();
    if (tls_)
      drop_front(deflated_, progress->consumed);
    else
      taken += progress->consumed;
  }
  if (input_.empty()) {
    pending_ = {};
    input_ = {};
  }
  return taken;
}

// Some more of what was encrypted. False: there is no more.
bool Connection::decrypt(std::span<const std::byte> ciphertext, std::size_t& taken) {
  while (taken < ciphertext.size() || tls_->has_plaintext()) {
    if (!deflated_) deflated_ = core_.buffers().take(buffer::Pool::kClasses.front());
    if (!deflated_) {
      fail_input(Error{ErrorKind::exhausted, ENOMEM, "receive: the buffers of this core are in use"});
      return false;
    }
    const auto progress = tls_->receive(ciphertext.subspan(taken), deflated_.room());
    if (!progress) {
      fail_input(progress.error());
      return false;
    }
    deflated_.fill(progress->produced);
    taken += progress->consumed;
    if (tls_->peer_closed()) ended_ = true;
    if (progress->produced != 0) return true;
    if (progress->consumed == 0 || ended_) break;
  }
  if (deflated_.size() == 0) deflated_ = {};
  return false;
}

Task<Result<void>> Connection::flush_compressed(Instant deadline,
                                                std::span<const std::span<const std::byte>> more) {
  const buffer::Block first = std::move(output_);
  buffer::Block block = core_.buffers().take(kCompressedBytesMax);
  if (!block) co_return fail(ErrorKind::exhausted, "send: the buffers of this core are in use");
  RP_CO_CHECK(co_await compress(first.bytes(), block, false, deadline));
  for (const auto& piece : more) RP_CO_CHECK(co_await compress(piece, block, false, deadline));
  RP_CO_CHECK(co_await compress({}, block, true, deadline));
  co_return co_await send_plain(std::as_const(block).bytes(), deadline);
}

// Sends the block each time that it is full. `last`: the peer can read everything then.
Task<Result<void>> Connection::compress(std::span<const std::byte> bytes, buffer::Block& block, bool last,
                                        Instant deadline) {
  for (bool full = !bytes.empty() || last; full;) {
    if (block.room().empty()) {
      RP_CO_CHECK(co_await send_plain(std::as_const(block).bytes(), deadline));
      block.clear();
    }
    const std::size_t room = block.room().size();
    const auto progress = RP_CO_TRY(compression_->deflate(bytes, block.room(), last));
    block.fill(progress.produced);
    bytes = bytes.subspan(progress.consumed);
    full = progress.produced == room || !bytes.empty();
  }
  co_return Result<void>{};
}

Task<Result<void>> Connection::send_plain(std::span<const std::byte> bytes, Instant deadline) {
  if (bytes.empty()) co_return Result<void>{};
  if (tls_) {
    RP_CO_CHECK(co_await encrypt(bytes, deadline));
    co_return co_await send_ciphertext(deadline);
  }
  iovec vector{const_cast<std::byte*>(bytes.data()), bytes.size()};  // NOLINT: sendmsg does not write
  co_return co_await send({&vector, 1}, deadline);
}

}  // namespace ringpost::net
