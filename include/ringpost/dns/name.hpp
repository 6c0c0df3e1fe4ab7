// A domain name: lower-cased, absolute, within the limits of the wire, or it is not a Name.
//
// Layer:  pure. No I/O, no clock.
// Owner:  a value; copies are cheap for names up to 14 octets and one allocation beyond.
// Limits: dns/limits.hpp (63 octets a label, 255 a name).
// RFCs:   1035 §2.3, §3.1, §5.1 (presentation), 4343 (case), 1035 §3.5 and 3596 §2.5 (reverse names).
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/address.hpp"
#include "ringpost/base/result.hpp"

namespace ringpost::dns {

class Name {
 public:
  Name() : wire_(1, '\0') {}  // the root

  // "mx1.Example.com", with or without the last dot; "." is the root. `\.` and `\DDD` are read as RFC 1035
  // §5.1 says. Other than ASCII is refused: internationalised names arrive here as A-labels.
  static Result<Name> parse(std::string_view text);
  // Uncompressed wire form with its final zero octet and nothing behind it.
  static Result<Name> from_wire(std::span<const std::byte> wire);

  // Without the last dot, special octets escaped; the root is ".".
  std::string to_string() const;
  // Lower-cased wire form; valid as long as this Name.
  std::string_view wire() const { return wire_; }

  bool is_root() const { return wire_.size() == 1; }
  std::size_t label_count() const;
  // The first label's octets, unescaped; empty for the root. Valid as long as this Name.
  std::string_view first_label() const;
  // Without its first label; the root's parent is the root.
  Name parent() const;
  // This name equals `zone` or lies below it.
  bool is_within(const Name& zone) const;
  // "_dmarc" under "example.com" is "_dmarc.example.com".
  Result<Name> under(const Name& zone) const;

  bool operator==(const Name&) const = default;
  std::strong_ordering operator<=>(const Name&) const = default;

 private:
  explicit Name(std::string wire) : wire_(std::move(wire)) {}
  std::string wire_;
};

// The reversed octets or nibbles of an address, to be put under a zone: "1.2.0.192" for 192.0.2.1.
Name reverse_labels(const IpAddress& address);
// The name that a PTR question asks for: 1.2.0.192.in-addr.arpa.
Name reverse_name(const IpAddress& address);

}  // namespace ringpost::dns

template <>
struct std::hash<ringpost::dns::Name> {
  std::size_t operator()(const ringpost::dns::Name& name) const noexcept {
    return std::hash<std::string_view>{}(name.wire());
  }
};
