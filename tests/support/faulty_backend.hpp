// A backend that stands before another one and makes chosen reads and writes of files fail.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "ringpost/io/backend.hpp"

namespace ringpost::testing {

// What shall become of a write.
struct WriteFault {
  std::int32_t result = -EIO;  // what the writer is told
  bool reaches_disk = false;   // the bytes are there all the same
};

class FaultyBackend final : public io::Backend {
 public:
  explicit FaultyBackend(std::unique_ptr<io::Backend> inner) : inner_(std::move(inner)) {}

  // Asked for every write operation.
  std::function<std::optional<WriteFault>(const io::Op&)> on_write;

  // Asked for every read operation: a result to give in place of the bytes.
  std::function<std::optional<std::int32_t>(const io::Op&)> on_read;

  void submit(std::span<const io::Op> batch) override {
    std::vector<io::Op> forwarded;
    for (const io::Op& op : batch) {
      const auto unread = op.kind == io::OpKind::read && on_read ? on_read(op) : std::nullopt;
      if (unread) {
        ready_.push_back({.operation = op.operation, .result = *unread});
        continue;
      }
      const auto fault = op.kind == io::OpKind::write && on_write ? on_write(op) : std::nullopt;
      if (!fault || fault->reaches_disk) forwarded.push_back(op);
      if (fault && fault->reaches_disk) told_[op.operation] = fault->result;
      if (fault && !fault->reaches_disk)
        ready_.push_back({.operation = op.operation, .result = fault->result});
    }
    inner_->submit(forwarded);
  }

  std::size_t poll(std::span<io::Completion> out, const io::Wait& wait) override {
    std::size_t count = 0;
    while (!ready_.empty() && count < out.size()) {
      out[count++] = ready_.back();
      ready_.pop_back();
    }
    io::Wait rest = wait;
    if (count != 0) rest = {.until = inner_->now() - std::chrono::nanoseconds{1}};
    const std::size_t more = inner_->poll(out.subspan(count), rest);
    for (io::Completion& done : out.subspan(count, more)) {
      const auto told = told_.find(done.operation);
      if (told == told_.end()) continue;
      done.result = told->second;
      told_.erase(told);
    }
    return count + more;
  }

  void wake() noexcept override { inner_->wake(); }
  Result<io::Handle> listen(const Endpoint& where, const io::ListenOptions& options) override {
    return inner_->listen(where, options);
  }
  Result<io::Handle> open_socket(const Endpoint& to, const std::optional<Endpoint>& from) override {
    return inner_->open_socket(to, from);
  }
  Result<io::Handle> adopt(int descriptor) override { return inner_->adopt(descriptor); }
  Endpoint local_endpoint(io::Handle socket) override { return inner_->local_endpoint(socket); }
  Endpoint peer_endpoint(io::Handle socket) override { return inner_->peer_endpoint(socket); }
  void register_buffers(std::span<const iovec> buffers) override { inner_->register_buffers(buffers); }
  io::Files& files() override { return inner_->files(); }
  Instant now() override { return inner_->now(); }
  WallTime wall_now() override { return inner_->wall_now(); }
  std::uint64_t random() override { return inner_->random(); }
  Duration thread_time() override { return inner_->thread_time(); }
  const io::Description& describe() const override { return inner_->describe(); }

 private:
  std::unique_ptr<io::Backend> inner_;
  std::vector<io::Completion> ready_;
  std::map<io::Operation*, std::int32_t> told_;
};

}  // namespace ringpost::testing
