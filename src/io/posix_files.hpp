// Files of a kernel backend: the blocking calls, shared by uring and epoll.
//
// Layer: io, private. Owner: one backend; without state, so the offload pool may call it too.
#pragma once

#include "ringpost/io/backend.hpp"

namespace ringpost::io {

class PosixFiles final : public Files {
 public:
  Result<File> open(const std::string& path, OpenMode mode) override;
  void close(Handle file) override;
  Result<std::uint64_t> size(Handle file) override;
  Result<void> zero_fill(Handle file, std::uint64_t size) override;
  Result<std::size_t> read_at(Handle file, std::span<std::byte> into, std::uint64_t offset) override;
  Result<void> write_at(Handle file, std::span<const std::byte> bytes, std::uint64_t offset) override;
  Result<void> sync(Handle file) override;
  Result<void> lock(Handle file) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> own_like(const std::string& path, const std::string& like) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& path) override;
  Result<void> remove_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<Space> space(const std::string& path) override;
};

}  // namespace ringpost::io
