#include "ringpost/net/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>

#include "ringpost/net/limits.hpp"

namespace ringpost::net {

namespace {

constexpr std::string_view kSignatureV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kSignatureV1 = "PROXY ";
constexpr std::size_t kLineMaxV1 = 107;  // with its CRLF, as the specification counts
constexpr std::size_t kFixedV2 = 16;

constexpr ProxyHeader kMalformed{ProxyVerdict::malformed, 0, std::nullopt};
constexpr ProxyHeader kIncomplete{};

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// "PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n" or "PROXY UNKNOWN ...\r\n"
ProxyHeader parse_v1(std::string_view text) {
  const std::size_t end = text.substr(0, kLineMaxV1).find("\r\n");
  if (end == std::string_view::npos) return text.size() < kLineMaxV1 ? kIncomplete : kMalformed;
  std::string_view line = text.substr(kSignatureV1.size(), end - kSignatureV1.size());
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return {ProxyVerdict::complete, end + 2, std::nullopt};
  const auto client = parse_address(next_word(line));
  const auto server = parse_address(next_word(line));
  const std::string_view port_text = next_word(line);
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if ((family != "TCP4" && family != "TCP6") || !client || !server || error != std::errc{} ||
      port_text.empty() || stop != port_text.data() + port_text.size())
    return kMalformed;
  return {ProxyVerdict::complete, end + 2, Endpoint{*client, port}};
}

std::uint16_t big_endian(std::span<const std::byte> bytes) {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(bytes[0]) << 8U) |
                                    std::to_integer<unsigned>(bytes[1]));
}

ProxyHeader parse_v2(std::span<const std::byte> bytes) {
  if (bytes.size() < kFixedV2) return kIncomplete;
  const auto version_command = std::to_integer<unsigned>(bytes[12]);
  const auto family = std::to_integer<unsigned>(bytes[13]);
  const std::size_t size = kFixedV2 + big_endian(bytes.subspan(14));
  if ((version_command >> 4U) != 2 || (version_command & 15U) > 1 || size > kProxyHeaderBytesMax)
    return kMalformed;
  if (bytes.size() < size) return kIncomplete;
  if ((version_command & 15U) == 0) return {ProxyVerdict::complete, size, std::nullopt};  // LOCAL
  const std::span<const std::byte> addresses = bytes.subspan(kFixedV2, size - kFixedV2);
  if (family == 0x11 && addresses.size() >= 12) {
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(addresses[i]); };
    return {ProxyVerdict::complete, size,
            Endpoint{IpAddress::ipv4(at(0), at(1), at(2), at(3)), big_endian(addresses.subspan(8))}};
  }
  if (family == 0x21 && addresses.size() >= 36) {
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), addresses.data(), octets.size());
    return {ProxyVerdict::complete, size,
            Endpoint{IpAddress::ipv6(octets), big_endian(addresses.subspan(32))}};
  }
  const bool too_short = family == 0x11 || family == 0x21;
  return too_short ? kMalformed : ProxyHeader{ProxyVerdict::complete, size, std::nullopt};
}

}  // namespace

ProxyHeader parse_proxy_header(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto begins = [&](std::string_view signature) {
    return text.substr(0, signature.size()) == signature.substr(0, text.size());
  };
  if (begins(kSignatureV2)) return text.size() < kSignatureV2.size() ? kIncomplete : parse_v2(bytes);
  if (begins(kSignatureV1)) return text.size() < kSignatureV1.size() ? kIncomplete : parse_v1(text);
  return kMalformed;
}

}  // namespace ringpost::net
