// What is in a file of the simulated disk.
//
// Layer:  io, private.
// Model:  pages, shared by who copies them until one is written to: what is durable and what is not are mostly the same.
//         A page of zeros takes no memory, and most of a log's files are that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ringpost::io::sim {

class Contents {
 public:
  static constexpr std::size_t kPage = 4096;

  std::uint64_t size() const { return size_; }
  void resize(std::uint64_t size);  // with zeros
  void clear() { resize(0); }

  // All within size().
  void read(std::uint64_t offset, std::span<std::byte> into) const;
  void write(std::uint64_t offset, std::span<const std::byte> from);
  void take_over(const Contents& from, std::uint64_t begin, std::uint64_t end);
  bool same(const Contents& as, std::uint64_t begin, std::uint64_t end) const;

 private:
  using Page = std::array<std::byte, kPage>;
  std::span<std::byte> to_write(std::uint64_t offset);  // to the end of the page

  std::vector<std::shared_ptr<Page>> pages_;  // nullptr: zeros
  std::uint64_t size_ = 0;
};

}  // namespace ringpost::io::sim
