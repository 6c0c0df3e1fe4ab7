// IP addresses, endpoints (address and port) and networks, as small values that can be copied, compared and hashed.
//
// Layer:  base. Input: configuration text, socket addresses, DNS answers.
// Mapped: an address is never IPv4-mapped IPv6 (RFC 4291 2.5.5.2): every way to make one turns ::ffff:192.0.2.1 into
//         192.0.2.1, so a peer of a dual-stack socket meets the same rules as one of an IPv4 socket.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

struct sockaddr;          // <sys/socket.h>
struct sockaddr_storage;  // <sys/socket.h>

namespace ringpost {

enum class IpVersion : std::uint8_t { none = 0, ipv4 = 4, ipv6 = 6 };

class IpAddress {
 public:
  constexpr IpAddress() = default;
  static constexpr IpAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    IpAddress address;
    address.version_ = IpVersion::ipv4;
    address.octets_ = {a, b, c, d};
    return address;
  }
  static IpAddress ipv6(std::span<const std::uint8_t, 16> octets);
  static constexpr IpAddress loopback(IpVersion version = IpVersion::ipv4) {
    if (version == IpVersion::ipv4) return ipv4(127, 0, 0, 1);
    IpAddress address;
    address.version_ = IpVersion::ipv6;
    address.octets_[15] = 1;
    return address;
  }

  constexpr IpVersion version() const { return version_; }
  constexpr bool is_ipv4() const { return version_ == IpVersion::ipv4; }
  constexpr bool is_ipv6() const { return version_ == IpVersion::ipv6; }
  constexpr explicit operator bool() const { return version_ != IpVersion::none; }
  bool is_any() const;       // 0.0.0.0 or ::
  bool is_loopback() const;  // 127.0.0.0/8 or ::1
  // 4 or 16 octets in network order, or none; valid as long as *this.
  constexpr std::span<const std::uint8_t> octets() const {
    return std::span(octets_).first(is_ipv4() ? 4U : is_ipv6() ? 16U : 0U);
  }
  constexpr unsigned bits() const { return is_ipv4() ? 32 : is_ipv6() ? 128 : 0; }

  constexpr auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> octets_{};  // unused ones are 0, so that comparing all of them is right
  IpVersion version_ = IpVersion::none;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;  // host order

  constexpr explicit operator bool() const { return static_cast<bool>(address); }
  constexpr auto operator<=>(const Endpoint&) const = default;
};
static_assert(sizeof(Endpoint) == 20);

// An address block in CIDR form; bits after the prefix are 0.
struct Network {
  IpAddress first;
  std::uint8_t prefix_bits = 0;

  // The block of `prefix_bits` that holds `address`; a prefix longer than the address is the address alone.
  static Network of(IpAddress address, unsigned prefix_bits);
  bool contains(IpAddress address) const;
  constexpr auto operator<=>(const Network&) const = default;
};

// "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1". No zone ("%eth0"), no octal, no short forms.
Result<IpAddress> parse_address(std::string_view text);
// "0.0.0.0:25", "[::]:25", "[2001:db8::1]:465".
Result<Endpoint> parse_endpoint(std::string_view text);
// "127.0.0.0/8", "2001:db8::/32", or one address. Bits set after the prefix are an error: it is a slip of the hand.
Result<Network> parse_network(std::string_view text);

// What the parsers read back to the same value; RFC 5952 for IPv6. A default-made value is "".
std::string to_string(IpAddress address);
std::string to_string(Endpoint endpoint);
std::string to_string(Network network);

// Fills `storage` and gives its length, which is 0 for an endpoint without address.
std::uint32_t to_socket_address(Endpoint endpoint, sockaddr_storage& storage);
// nullopt for other families (Unix sockets) and for a `size` too small for the family.
std::optional<Endpoint> from_socket_address(const sockaddr* address, std::size_t size);

namespace detail {
std::size_t hash_address(const IpAddress& address, std::uint64_t more);
}

}  // namespace ringpost

template <>
struct std::hash<ringpost::IpAddress> {
  std::size_t operator()(const ringpost::IpAddress& address) const {
    return ringpost::detail::hash_address(address, 0);
  }
};
template <>
struct std::hash<ringpost::Endpoint> {
  std::size_t operator()(const ringpost::Endpoint& endpoint) const {
    return ringpost::detail::hash_address(endpoint.address, endpoint.port);
  }
};
template <>
struct std::hash<ringpost::Network> {
  std::size_t operator()(const ringpost::Network& network) const {
    return ringpost::detail::hash_address(network.first, 0x10000U | network.prefix_bits);
  }
};
