// One TCP connection, clear or TLS, as a coroutine sees it: wait for input, look at it, consume it; write, flush.
//
// Layer:  paths (runtime, tls). Owner: one flow on one core; it outlives no other. `abort` may be called from another
//         flow of the same core, everything else from the owning flow.
// Input:  multishot receive is armed for the whole life. What arrives while the flow waits is lent to it straight from
//         the kernel's buffer, until the flow suspends; what it leaves then is copied to the pending block (at most
//         kPendingBytesMax; above it the receive is cancelled and the peer's window closes).
// Output: small writes gather; `flush` sends all at once. Bytes given to `flush` are not copied in the clear and must
//         live until it returns.
// Idle:   holds no block: an idle clear connection costs this object and its flow's frame.
// Errors: timed_out, closed (the peer went away), cancelled (abort), permanent (TLS failed). After an error only
//         `close` is useful.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/buffer/pool.hpp"
#include "ringpost/net/limits.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/tls/client_context.hpp"
#include "ringpost/tls/server_context.hpp"
#include "ringpost/tls/session.hpp"

namespace ringpost::net {

class Compression;
struct CompressionEnd {
  void operator()(Compression* compression) const;
};

// A connection between two cores: it belongs to none of them, and must become a Connection again. Nothing in it refers to
// the core that it comes from.
struct Handover {
  io::Handle socket;
  Endpoint peer;
  std::optional<tls::Session> tls;
  std::vector<std::byte> input;  // received and not consumed
  std::unique_ptr<Compression, CompressionEnd> compression;
  std::vector<std::byte> deflated;  // behind the input: decrypted and not inflated
  std::vector<std::byte> wire;      // behind that, as it came: inside TLS still encrypted
  bool ended = false;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
};

class Connection {
 public:
  // Takes the connected socket. `peer` as the listener or connect saw it.
  Connection(shard::Core& core, io::Handle socket, const Endpoint& peer);
  Connection(shard::Core& core, Handover from);
  ~Connection();  // close() or hand_over() must have been awaited
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Resumes when there is input that was not there before (or at once when some is unseen), at the end of the
  // stream, or at the deadline.
  class Receive;
  Receive receive(Instant deadline);
  // What has arrived and is not consumed. Valid until the flow suspends.
  std::span<const std::byte> input() const { return input_; }
  void consume(std::size_t count);
  void discard_input();  // forgets what has arrived: before TLS starts
  // The peer has ended its side; input() may still hold bytes.
  bool at_end() const { return ended_; }

  // Copies into the output block. False when kOutputBytesMax waits: flush first.
  [[nodiscard]] bool write(std::span<const std::byte> bytes);
  [[nodiscard]] bool write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  std::size_t unsent() const { return output_.size(); }
  // Sends what was written, then `more`, in order.
  Task<Result<void>> flush(Instant deadline, std::span<const std::span<const std::byte>> more = {});

  // The handshake, both sides. Unconsumed input is taken as the peer's first flight: after STARTTLS drop it before
  // (discard_input, RFC 3207 section 4.2).
  Task<Result<void>> accept_tls(std::shared_ptr<const tls::ServerContext> context, Instant deadline);
  Task<Result<void>> connect_tls(tls::ClientContext& context, const tls::Destination& destination,
                                 Instant deadline);
  bool secure() const { return tls_.has_value() && tls_->handshake_done(); }
  const tls::Facts* tls_facts() const { return secure() ? &tls_->facts() : nullptr; }
  // tls-exporter; "" where TLS has none.
  std::string channel_binding() const { return secure() ? tls_->channel_binding() : std::string(); }

  // Everything that is sent or consumed from here on is DEFLATE, both ways (RFC 4978). All that was written has been flushed; what
  // has arrived and is not consumed is compressed already.
  void start_compression();
  bool compressed() const { return compression_ != nullptr; }
  // The flow will wait for long: memory that only makes the next answer shorter is given back.
  void rest();

  // Wakes the owning flow from receive() with `cancelled`, once; the connection stays good. Any flow of this core.
  void nudge();
  // Ends whatever the owning flow waits for with `cancelled`, now and from now on.
  void abort();
  bool aborted() const { return aborted_; }
  // Ends what this core does with the connection, for another core to go on: the receive has had its final completion, and
  // what came until then goes along. Everything written has been flushed before. An error: the connection is broken or
  // aborted, and stays here to be closed.
  Task<Result<Handover>> hand_over();
  // Says goodbye (TLS close_notify, shutdown), waits for the final completions of everything, closes. Always succeeds.
  Task<void> close();

  shard::Core& core() { return core_; }
  friend FramePool& frame_pool(Connection& connection) { return connection.core_.frames(); }
  const Endpoint& peer() const { return peer_; }
  void set_peer(const Endpoint& peer) { peer_ = peer; }  // as the PROXY header says
  Endpoint local() const { return core_.backend().local_endpoint(socket_); }
  std::uint64_t bytes_received() const { return bytes_received_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  struct ReceiveOperation final : io::Operation {
    explicit ReceiveOperation(Connection& owner) : Operation(&Connection::received), connection(owner) {}
    Connection& connection;
  };
  static void received(io::Operation& self, const io::Completion& completion);
  void take(const io::Completion& completion);
  void take_bytes(std::span<const std::byte> wire);
  void take_the_last(const io::Completion& completion);
  void take_end(const io::Completion& completion);
  void lend(std::span<const std::byte> bytes);
  std::size_t absorb(std::span<const std::byte> wire);
  std::size_t absorb_clear(std::span<const std::byte> bytes);
  std::size_t absorb_tls(std::span<const std::byte> ciphertext);
  std::size_t absorb_compressed(std::span<const std::byte> wire);
  bool decrypt(std::span<const std::byte> ciphertext, std::size_t& taken);
  bool make_room();
  void keep_for_later(std::span<const std::byte> wire);
  void absorb_later();
  void fail_input(Error error);
  void wake();
  void wake_if_news();
  void arm();
  void pause_or_arm();
  bool news() const;

  Task<Result<void>> send(std::span<iovec> vectors, Instant deadline);
  Task<Result<void>> send_ciphertext(Instant deadline);
  Task<Result<void>> encrypt(std::span<const std::byte> plaintext, Instant deadline);
  Task<Result<void>> flush_clear(Instant deadline, std::span<const std::span<const std::byte>> more);
  Task<Result<void>> flush_tls(Instant deadline, std::span<const std::span<const std::byte>> more);
  RP_OWN_FRAME Task<Result<void>> flush_compressed(Instant deadline,
                                                   std::span<const std::span<const std::byte>> more);
  Task<Result<void>> compress(std::span<const std::byte> bytes, buffer::Block& block, bool last,
                              Instant deadline);
  Task<Result<void>> send_plain(std::span<const std::byte> bytes, Instant deadline);
  Task<void> linger();
  Task<void> disarm(std::coroutine_handle<>& slot);
  void begin_tls(tls::Session session);
  Task<Result<void>> shake_hands(Instant deadline);
  Task<Result<void>> exchange_flights(Instant deadline);

  shard::Core& core_;
  io::Handle socket_;
  Endpoint peer_;
  ReceiveOperation receive_operation_{*this};
  Receive* waiting_ = nullptr;
  shard::Await* sending_ = nullptr;
  bool* gone_ = nullptr;              // set while the flow runs inside our completion: says that we died
  std::span<const std::byte> input_;  // into the lent slice or the pending block
  std::size_t seen_ = 0;              // how much of input_ the last receive() has shown
  buffer::Block pending_;             // holds input_ when it is not lent
  std::vector<buffer::Block> later_;  // bytes as they came from the wire, for which pending_ had no room
  buffer::Block output_;
  std::optional<Error> input_error_;
  std::optional<tls::Session> tls_;
  std::unique_ptr<Compression, CompressionEnd> compression_;
  buffer::Block deflated_;  // decrypted and not inflated yet; in the clear it waits in later_
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_sent_ = 0;
  bool armed_ = false;
  bool pausing_ = false;  // a cancel of the receive is on its way, to make the peer wait
  bool lent_ = false;
  bool ended_ = false;
  bool aborted_ = false;
  bool shaking_hands_ = false;
  bool progressed_ = false;          // the handshake has been given bytes since the last receive()
  std::coroutine_handle<> closing_;  // waits for the final completion of the receive
  std::coroutine_handle<> leaving_;  // the same, and what still comes is kept
};

class Connection::Receive final : shard::Timer {
 public:
  Receive(Connection& connection, Instant deadline);
  bool await_ready();
  void await_suspend(std::coroutine_handle<> awaiting);
  Result<void> await_resume();

 private:
  friend class Connection;
  static void expired(Timer& self);
  Connection& connection_;
  Instant deadline_;
  std::coroutine_handle<> awaiting_;
  std::optional<Error> error_;
};

// A connect that another flow of the same core may end. It outlives the connect.
class Dial {
 public:
  // The connect returns `cancelled`, unless it has succeeded already; so does any begun later.
  void abort() {
    aborted_ = true;
    if (connecting_ != nullptr) connecting_->cancel();
  }

 private:
  friend Task<Result<std::unique_ptr<Connection>>> connect(shard::Core&, Endpoint, std::optional<Endpoint>,
                                                           Instant, Dial*);
  shard::Await* connecting_ = nullptr;
  bool aborted_ = false;
};

// Opens a connection from `source` (or whatever the system picks). `dial`: how it is ended early, or none.
Task<Result<std::unique_ptr<Connection>>> connect(shard::Core& core, Endpoint to,
                                                  std::optional<Endpoint> source, Instant deadline,
                                                  Dial* dial = nullptr);

}  // namespace ringpost::net
