// What the fuzz programs share: how the bytes of one input are cut up.
//
// Layer:  tests. An input is what a fuzzer or a file of tests/fuzz/corpus gives. Its first bytes choose settings and
//         splits, the rest is what the code under test reads; so a corpus file stays readable text where the
//         protocol is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ringpost/base/assert.hpp"

// What each program defines: runs one input, and aborts where a statement does not hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace ringpost::fuzz {

class Input {
 public:
  Input(const std::uint8_t* bytes, std::size_t size) : rest_(reinterpret_cast<const char*>(bytes), size) {}

  // The next byte, or 0 when all are used up.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::uint32_t number() {
    std::uint32_t value = 0;
    for (int i = 0; i < 3; ++i) value = value << 8U | byte();
    return value;
  }
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Up to the marker, which is dropped; everything when there is none.
  std::string_view until(std::string_view marker) {
    const std::size_t found = rest_.find(marker);
    const std::string_view taken = take(found);
    rest_.remove_prefix(std::min(marker.size(), rest_.size()));
    return taken;
  }
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Where the client waits for the server, and where one file ends and the next begins.
inline constexpr std::string_view kTurn = "--8<--";

// Small numbers from a seed: the same on every machine.
class Sizes {
 public:
  explicit Sizes(std::uint8_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  std::size_t operator()(std::size_t most) {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return 1 + static_cast<std::size_t>(state_ % most);
  }

 private:
  std::uint64_t state_;
};

// Bytes in memory of exactly their size, so that the address sanitizer sees who reads one too far.
class Exact {
 public:
  explicit Exact(std::string_view text) : bytes_(text.begin(), text.end()) {}
  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }
  std::span<const std::byte> bytes() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::vector<char> bytes_;
};

// `rest` is what is left of `given` after something was taken from its front.
inline void check_consumed(std::span<const std::byte> given, std::span<const std::byte> rest) {
  RP_ASSERT(rest.size() <= given.size());
  RP_ASSERT(rest.empty() || rest.data() + rest.size() == given.data() + given.size());
}

}  // namespace ringpost::fuzz
