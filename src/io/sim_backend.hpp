// One core's view of a simulated world.
//
// Layer: io, private. Owner: the thread that steps the world; only wake() may come from another.
#pragma once

#include <atomic>
#include <deque>

#include "operation_table.hpp"
#include "sim_state.hpp"

namespace ringpost::io::sim {

// The cold calls: they take no time.
class SimFiles final : public Files {
 public:
  SimFiles(SimWorld::State& world, Host& host) : world_(world), host_(host) {}
  Result<File> open(const std::string& path, OpenMode mode) override;
  void close(Handle file) override { world_.close(host_, file); }
  Result<std::uint64_t> size(Handle file) override;
  Result<void> zero_fill(Handle file, std::uint64_t size) override;
  Result<std::size_t> read_at(Handle file, std::span<std::byte> into, std::uint64_t offset) override;
  Result<void> write_at(Handle file, std::span<const std::byte> bytes, std::uint64_t offset) override;
  Result<void> sync(Handle file) override;
  Result<void> lock(Handle file) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> own_like(const std::string&, const std::string&) override { return {}; }  // one user
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& path) override;
  Result<void> remove_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<Space> space(const std::string& path) override;

 private:
  Result<OpenFile*> find(Handle file) const;
  Result<void> change(const std::string& doing) const;
  Result<void> check_luck(const std::string& doing) const;
  SimWorld::State& world_;
  Host& host_;
};

class SimBackend final : public Backend, Waker {
 public:
  SimBackend(SimWorld::State& world, Host& host);
  ~SimBackend() override;

  void submit(std::span<const Op> batch) override;
  std::size_t poll(std::span<Completion> out, const Wait& wait) override;
  void wake() noexcept override { woken_.store(true); }
  Result<Handle> listen(const Endpoint& where, const ListenOptions& options) override;
  Result<Handle> open_socket(const Endpoint& to, const std::optional<Endpoint>& from) override;
  Result<Handle> adopt(int descriptor) override;
  Endpoint local_endpoint(Handle socket) override;
  Endpoint peer_endpoint(Handle socket) override;
  void register_buffers(std::span<const iovec>) override {}
  Files& files() override { return files_; }
  Instant now() override { return world_.clock.now(); }
  WallTime wall_now() override;
  std::uint64_t random() override { return random_.next(); }
  const Description& describe() const override { return description_; }

  bool ready() const { return !dead_ && (!ready_.empty() || !line_.empty() || woken_.load()); }
  std::uint32_t host() const { return host_.number; }
  // Nothing completes any more. With the fault `torn`, or when only the process dies, writes under way reach the disk or
  // not, as it happens.
  void die(bool power);

 private:
  struct Record {
    Op op;
    std::uint64_t total = 0;
    std::uint64_t sent = 0;
    bool in_line = false;
    bool begun = false;  // connect: under way; file: will happen
  };
  using Table = OperationTable<Record>;
  using Entry = Table::Entry;

  void start(const Op& op);
  void start_file_operation(Entry& entry);
  void file_operation_due(Ticket ticket, const Outcome& outcome);
  std::int32_t perform(const Op& op, const Outcome& outcome);
  std::int32_t perform_write(OpenFile& file, const Op& op, const Outcome& outcome);
  void finish_later(Ticket ticket, Duration delay, std::int32_t result);
  void cancel(const Operation* target);
  void cancel_late(Ticket ticket);
  void try_again(Ticket ticket) override;
  void line_up(Entry& entry);

  std::size_t serve(std::span<Completion> out);
  std::size_t attempt(Entry& entry, std::span<Completion> out);
  std::size_t attempt_accept(Entry& entry, Socket& socket, std::span<Completion> out);
  std::size_t attempt_receive(Entry& entry, Socket& socket, std::span<Completion> out);
  std::int32_t attempt_send(Entry& entry, Socket& socket);
  std::int32_t attempt_connect(Entry& entry, const SocketPointer& socket);
  void leave(Entry& entry);
  std::size_t end(Entry& entry, std::int32_t result, std::span<Completion> out);
  void finish(Entry& entry, std::int32_t result);

  SimWorld::State& world_;
  Host& host_;
  std::uint32_t number_;
  Random random_;
  SimFiles files_;
  Description description_;
  Table table_;
  ReadyQueue ready_;
  std::deque<Ticket> line_;             // operations that may get on, first come first served
  std::unique_ptr<std::byte[]> arena_;  // kSimArena
  std::size_t arena_used_ = 0;
  std::atomic<bool> woken_{false};
  bool dead_ = false;
};

}  // namespace ringpost::io::sim
