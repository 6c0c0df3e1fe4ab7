// The backend that Ringpost is made for: one io_uring for each core.
//
// Layer:    io, private. Owner: one core.
// Receives: multishot over the shared buffers. When these run out, the kernel ends the receive; it then waits in a line
//           and is armed again when buffers have come back, at the start of the next turn.
// Tickets:  what travels through the kernel is a slot with a generation and a tag, never an address.
#pragma once

#include <deque>

#include <netinet/in.h>
#include <sys/socket.h>

#include "kernel_backend.hpp"
#include "operation_table.hpp"
#include "uring_buffers.hpp"
#include "uring_probe.hpp"
#include "uring_ring.hpp"

namespace ringpost::io {

class UringBackend final : public KernelBackend {
 public:
  // With what the self-test found, or with less.
  static Result<std::unique_ptr<Backend>> make(const BackendOptions& options, UringFeatures features);
  ~UringBackend() override;

  void submit(std::span<const Op> batch) override;
  std::size_t poll(std::span<Completion> out, const Wait& wait) override;
  void register_buffers(std::span<const iovec> buffers) override;
  Load load() override;

 private:
  struct Record {
    const iovec* vectors = nullptr;  // send: the caller's
    std::uint32_t vector_count = 0;
    std::uint64_t total = 0;
    std::uint64_t sent = 0;
    msghdr message{};               // send: the kernel reads it when it takes the entry
    std::unique_ptr<iovec[]> rest;  // send: what remains after a part, which MSG_WAITALL makes rare
    sockaddr_in6 address{};         // connect
    bool in_kernel = false;
    bool was_fed = false;  // receive: got bytes since it was armed
    std::uint8_t cancel_tries = 0;
  };
  using Table = OperationTable<Record>;
  using Entry = Table::Entry;

  enum class Tag : std::uint8_t { operation = 1, cancel, bell };
  static std::uint64_t pack(Tag tag, Ticket ticket) {
    return std::uint64_t{ticket.generation} << 40 | std::uint64_t{static_cast<std::uint8_t>(tag)} << 32 |
           ticket.slot;
  }

  UringBackend(UringFeatures features);
  Result<void> start(const BackendOptions& options);
  void start(const Op& op);
  void prepare_transfer(const Op& op, io_uring_sqe& to) const;
  void prepare_connect(const Op& op, Entry& entry, io_uring_sqe& to);
  void prepare_receive(Entry& entry, io_uring_sqe& to);
  void prepare_send(Entry& entry, io_uring_sqe& to);
  void hand_over(Entry& entry, io_uring_sqe& to);
  void arm_again(Entry& entry);
  void arm_bell();
  void cancel(const Operation* target);
  void submit_cancel(Entry& entry);

  void end_directions();
  void arm_parked();
  void wait_for_completions(const Wait& wait, std::size_t room);
  std::size_t collect(std::span<Completion> out);
  bool handle(const io_uring_cqe& from, Completion& to);
  void handle_cancel(Ticket ticket, std::int32_t result);
  void handle_bell();
  bool accepted(Entry& entry, const io_uring_cqe& from, Completion& to);
  bool received(Entry& entry, const io_uring_cqe& from, Completion& to);
  void park(const Entry& entry);
  bool sent(Entry& entry, std::int32_t result, Completion& to);
  bool end(Entry& entry, std::int32_t result, Completion& to);
  void finish(Entry& entry, std::int32_t result);
  void drop_everything();

  UringFeatures features_;
  std::uint64_t receive_cap_ = 0;
  std::unique_ptr<ReceiveBuffers> buffers_;  // outlives the ring
  std::unique_ptr<Ring> ring_;
  Table table_;
  ReadyQueue ready_;
  // Receives that found no buffer, first come first served: those that got nothing since they were armed, and others.
  std::deque<Ticket> hungry_;
  std::deque<Ticket> fed_;
  std::vector<Ticket> to_shut_down_;  // finish and shutdown: after what was submitted before them
  std::uint64_t rings_ = 0;           // where the kernel reads the doorbell to
  bool bell_armed_ = false;
  std::uint32_t short_ = 0;      // receives that found no buffer, since the last load()
  std::size_t in_kernel_ = 0;    // operations that the kernel will complete, without the bell
  std::int32_t registered_ = 0;  // buffers
};

}  // namespace ringpost::io
