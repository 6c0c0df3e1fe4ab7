// Reads the records of one message in order, by ldns. The only place that sees ldns.
//
// Layer: private to dns. Borrows the message for its own life.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ringpost/base/result.hpp"
#include "ringpost/dns/answer.hpp"
#include "ringpost/dns/message.hpp"

namespace ringpost::dns {

inline constexpr std::uint16_t kClassInternet = 1;
inline constexpr std::uint16_t kTypeOpt = 41;  // EDNS
inline constexpr std::size_t kHeaderBytes = 12;

// RFC 1035 §4.1.1.
struct Header {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
  std::uint16_t additionals = 0;

  static constexpr std::uint16_t kResponse = 0x8000;
  static constexpr std::uint16_t kOpcode = 0x7800;
  static constexpr std::uint16_t kAuthoritative = 0x0400;
  static constexpr std::uint16_t kTruncated = 0x0200;
  static constexpr std::uint16_t kRecursionDesired = 0x0100;
  static constexpr std::uint16_t kRecursionAvailable = 0x0080;
  static constexpr std::uint16_t kAuthentic = 0x0020;

  bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
  Rcode rcode() const { return static_cast<Rcode>(flags & 0x000f); }
};

// A record in any class, before somebody wants its content.
struct RawRecord {
  Name owner;
  std::uint16_t type = 0;
  std::uint16_t record_class = 0;
  std::uint32_t ttl = 0;
  std::optional<Data> data;  // none: a type that we do not read
};

class RecordReader {
 public:
  // Fails on what cannot be a message at all.
  static Result<RecordReader> open(std::span<const std::byte> message);

  const Header& header() const { return header_; }
  // The questions come first, then `record`s of the three sections, without a mark between them.
  Result<RawRecord> question() { return read(true); }
  Result<RawRecord> record() { return read(false); }

 private:
  explicit RecordReader(std::span<const std::byte> message) : message_(message) {}
  Result<RawRecord> read(bool question);

  std::span<const std::byte> message_;
  std::size_t at_ = kHeaderBytes;
  Header header_;
};

}  // namespace ringpost::dns
