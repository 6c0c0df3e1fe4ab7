// The backend for kernels that refuse io_uring: readiness from epoll, one thread for files.
//
// Layer:   io, private. Owner: one core.
// Sockets: registered edge-triggered while an operation is on them. What an edge promised is remembered in the watch,
//          and a connection that has more to give than its turn allows goes to the end of the line.
// Sends:   tried at once; what does not fit waits for the socket to become writable.
#pragma once

#include <deque>

#include <sys/epoll.h>

#include "kernel_backend.hpp"
#include "operation_table.hpp"
#include "sync_thread.hpp"

namespace ringpost::io {

class EpollBackend final : public KernelBackend {
 public:
  static Result<std::unique_ptr<Backend>> make(const BackendOptions& options, std::string why);
  ~EpollBackend() override;

  void submit(std::span<const Op> batch) override;
  std::size_t poll(std::span<Completion> out, const Wait& wait) override;
  void register_buffers(std::span<const iovec> buffers) override;

 private:
  struct Record {
    const iovec* vectors = nullptr;  // send: the caller's
    std::uint32_t vector_count = 0;
    std::uint64_t total = 0;
    std::uint64_t sent = 0;
    std::uint16_t events = 0;  // poll: which
    int duplicate = -1;  // poll: the descriptor that is registered, ours even when the library closes its own
  };
  using Table = OperationTable<Record>;
  using Entry = Table::Entry;

  // What is known about a descriptor with operations on it.
  struct Watch {
    std::uint32_t operations = 0;
    std::uint32_t reader = 0;  // slot of the receive or accept
    std::uint32_t writer = 0;  // slot of the send or connect that waits
    bool readable = false;     // an edge came and nothing said "empty" since
    bool ended = false;        // the peer is done: a short read is not yet the end, read on
    bool in_line = false;
  };

  EpollBackend(const BackendOptions& options, int epoll);
  void start(const Op& op);
  void start_reader(const Op& op, Entry& entry);
  void start_send(const Op& op, Entry& entry);
  void start_connect(const Op& op, Entry& entry);
  void start_poll(const Op& op, Entry& entry);
  void cancel(const Operation* target);
  void cancel_watched(Entry& entry);
  std::int32_t attend(Handle handle);
  void leave(Handle handle);
  Watch& watch(Handle handle);
  void line_up(Handle handle, Watch& of);

  void wait_for_events(Duration bound);
  void handle_event(const epoll_event& event);
  void handle_bell();
  void writable(Watch& of);
  void polled(Entry& entry, std::uint32_t events);
  std::int32_t try_send(Entry& entry);

  std::size_t serve_line(std::span<Completion> out);
  std::size_t serve_accepts(Handle handle, Watch& of, std::span<Completion> out);
  std::size_t serve_receive(Handle handle, Watch& of, std::span<Completion> out);

  void finish(Entry& entry, std::int32_t result);
  Completion final_completion(Entry& entry, std::int32_t result);
  void end_poll(Entry& entry);

  int epoll_;
  std::size_t receive_turn_;
  std::size_t arena_size_;
  std::size_t arena_used_ = 0;
  std::byte* arena_ = nullptr;
  Table table_;
  std::vector<Watch> watches_;  // by descriptor
  std::deque<Handle> line_;     // readable descriptors with a reader, first come first served
  ReadyQueue ready_;
  std::vector<SyncThread::Done> done_;
  SyncThread sync_thread_;
};

}  // namespace ringpost::io
