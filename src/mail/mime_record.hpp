// The bytes of a MIME record: numbers in groups of seven bits, texts behind their size.
//
//   'M' 1 | size of the envelope | envelope | count of parts | parts in the order of the message
//
//   envelope: date, subject, in_reply_to, message_id, references as optional texts; six lists of addresses, each a count and
//             the addresses: kind, display name, route, local part, domain
//   part:     depth, flags, distance of its header from that of the part before, header size, body size, body lines,
//             type, subtype, parameters, id, description, encoding, md5, disposition, its parameters, languages,
//             location; with the flag kEnvelope the envelope of the message that it is
//   optional: 0 for none, else size + 1 and the bytes
//
// Layer:   private to `mail`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::mail::mime_record {

inline constexpr std::string_view kMagic{"M\x01", 2};

inline constexpr std::uint8_t kEnvelope = 1;
inline constexpr std::uint8_t kNul = 2;
inline constexpr std::uint8_t kEightBit = 4;

// Text beyond the budget is left out, so that no message makes a large record.
class Writer {
 public:
  explicit Writer(std::size_t& budget) : budget_(budget) {}

  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out_ += static_cast<char>(0x80U | (value & 0x7FU));
    out_ += static_cast<char>(value);
  }
  void text(std::string_view value) {
    value = within_budget(value);
    number(value.size());
    out_ += value;
  }
  void optional(const std::optional<std::string>& value) {
    if (!value) return number(0);
    const std::string_view kept = within_budget(*value);
    number(kept.size() + 1);
    out_ += kept;
  }
  // False when no more of so many bytes fit.
  bool charge(std::size_t bytes) {
    if (budget_ < bytes) return false;
    budget_ -= bytes;
    return true;
  }
  void raw(std::string_view bytes) { out_ += bytes; }
  std::string take() { return std::move(out_); }

 private:
  std::string_view within_budget(std::string_view value) {
    value = value.substr(0, budget_);
    budget_ -= value.size();
    return value;
  }

  std::string out_;
  std::size_t& budget_;
};

// Reads what may be damaged: after a fault all is zero and empty, and ok() false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return fault();
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    return fault();
  }
  std::string_view text() { return bytes(number()); }
  std::optional<std::string_view> optional() {
    const std::uint64_t size = number();
    if (size == 0) return std::nullopt;
    return bytes(size - 1);
  }
  // How many entries follow, each of `least` bytes or more.
  std::size_t count(std::size_t least) {
    const std::uint64_t value = number();
    if (value > rest_.size() / least) return fault();
    return value;
  }
  bool skip(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > rest_.size()) return fault(), std::string_view{};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::size_t fault() {
    rest_ = {};
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace ringpost::mail::mime_record
