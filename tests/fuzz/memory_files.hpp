// Files in memory that are only read: what recovery sees of a disk.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/io/backend.hpp"

namespace ringpost::fuzz {

class MemoryFiles final : public io::Files {
 public:
  // By name; all in one folder.
  std::map<std::string, std::vector<std::byte>> content;

  Result<io::File> open(const std::string& path, io::OpenMode mode) override {
    const auto found = content.find(path.substr(path.rfind('/') + 1));
    if (found == content.end() || mode.create) return fail(ErrorKind::permanent, "no such file");
    open_.push_back(&found->second);
    return io::File{
        .handle = {static_cast<std::int32_t>(open_.size() - 1)}, .direct = mode.direct, .alignment = 4096};
  }
  void close(io::Handle file) override { of(file) = nullptr; }
  Result<std::uint64_t> size(io::Handle file) override { return of(file)->size(); }
  Result<std::size_t> read_at(io::Handle file, std::span<std::byte> into, std::uint64_t offset) override {
    const std::vector<std::byte>& bytes = *of(file);
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::memcpy(into.data(), bytes.data() + offset, count);
    return count;
  }
  Result<std::vector<std::string>> list(const std::string&) override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : content) names.push_back(name);
    return names;
  }
  bool all_closed() const {
    return std::ranges::all_of(open_, [](const auto* bytes) { return bytes == nullptr; });
  }

  Result<void> zero_fill(io::Handle, std::uint64_t) override { return refuse(); }
  Result<void> write_at(io::Handle, std::span<const std::byte>, std::uint64_t) override { return refuse(); }
  Result<void> sync(io::Handle) override { return refuse(); }
  Result<void> lock(io::Handle) override { return {}; }
  Result<void> make_directory(const std::string&) override { return refuse(); }
  Result<void> own_like(const std::string&, const std::string&) override { return refuse(); }
  Result<void> rename(const std::string&, const std::string&) override { return refuse(); }
  Result<void> unlink(const std::string&) override { return refuse(); }
  Result<void> remove_directory(const std::string&) override { return refuse(); }
  Result<void> sync_directory(const std::string&) override { return refuse(); }
  Result<Space> space(const std::string&) override { return Space{}; }

 private:
  // A reader that writes is wrong, whatever the bytes are.
  static Result<void> refuse() {
    RP_ASSERT(false);
    return {};
  }
  const std::vector<std::byte>*& of(io::Handle file) {
    const auto index = static_cast<std::size_t>(file.value);
    RP_ASSERT(index < open_.size() && open_[index] != nullptr);
    return open_[index];
  }
  std::vector<const std::vector<std::byte>*> open_;
};

}  // namespace ringpost::fuzz
