#include "ringpost/base/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "ringpost/base/assert.hpp"

namespace ringpost {

namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;

auto refuse(std::string_view text, std::string_view what, std::string_view mend) {
  return fail(ErrorKind::permanent, "\"" + std::string(text) + "\" is not " + std::string(what) +
                                        "; write it as " + std::string(mend));
}

// inet_pton wants a terminated string; anything longer than the longest address is none.
bool presentation_to_octets(int family, std::string_view text, void* octets) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size() || text.find('\0') != std::string_view::npos)
    return false;
  std::memcpy(terminated.data(), text.data(), text.size());
  return ::inet_pton(family, terminated.data(), octets) == 1;
}

bool all_zero(std::span<const std::uint8_t> octets) {
  return std::all_of(octets.begin(), octets.end(), [](std::uint8_t octet) { return octet == 0; });
}

bool take_decimal(std::string_view text, unsigned max, unsigned& number) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number <= max;
}

// The network as written: mapped networks such as ::ffff:0:0/96 lose the mapped part of their prefix.
std::optional<unsigned> prefix_for(IpAddress address, std::string_view written, unsigned prefix) {
  const bool mapped = address.is_ipv4() && written.find(':') != std::string_view::npos;
  if (mapped && prefix < kMappedBits) return std::nullopt;
  if (mapped) prefix -= kMappedBits;
  return prefix <= address.bits() ? std::optional(prefix) : std::nullopt;
}

}  // namespace

IpAddress IpAddress::ipv6(std::span<const std::uint8_t, 16> octets) {
  IpAddress address;
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), octets.begin()))
    return ipv4(octets[12], octets[13], octets[14], octets[15]);
  address.version_ = IpVersion::ipv6;
  std::copy(octets.begin(), octets.end(), address.octets_.begin());
  return address;
}

bool IpAddress::is_any() const {
  return version_ != IpVersion::none && all_zero(octets_);
}

bool IpAddress::is_loopback() const {
  if (is_ipv4()) return octets_[0] == 127;
  return is_ipv6() && octets_[15] == 1 && all_zero(std::span(octets_).first(15));
}

Network Network::of(IpAddress address, unsigned prefix_bits) {
  prefix_bits = std::min(prefix_bits, address.bits());
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(address.octets(), octets.begin());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    if (before >= prefix_bits)
      octets[i] = 0;
    else if (prefix_bits - before < 8)
      octets[i] = static_cast<std::uint8_t>(octets[i] & (0xffU << (8 - (prefix_bits - before))));
  }
  // Masking never makes a mapped address: that needs 0xffff below bit 80, which would be masked first.
  const IpAddress first = address.is_ipv4()   ? IpAddress::ipv4(octets[0], octets[1], octets[2], octets[3])
                          : address.is_ipv6() ? IpAddress::ipv6(octets)
                                              : IpAddress{};
  return {first, static_cast<std::uint8_t>(prefix_bits)};
}

bool Network::contains(IpAddress address) const {
  return address && address.version() == first.version() && of(address, prefix_bits).first == first;
}

Result<IpAddress> parse_address(std::string_view text) {
  std::array<std::uint8_t, 16> octets{};
  if (presentation_to_octets(AF_INET, text, octets.data()))
    return IpAddress::ipv4(octets[0], octets[1], octets[2], octets[3]);
  if (presentation_to_octets(AF_INET6, text, octets.data())) return IpAddress::ipv6(octets);
  return refuse(text, "an IP address", "\"192.0.2.1\" or \"2001:db8::1\"");
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto bad = [&] { return refuse(text, "an address with a port", "\"0.0.0.0:25\" or \"[::]:25\""); };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  unsigned port = 0;
  const auto address = parse_address(host);
  // Brackets are for IPv6 and needed there: without them the last group would be taken for the port.
  if (!address || bracketed != (host.find(':') != std::string_view::npos) ||
      !take_decimal(text.substr(colon + 1), 65535, port))
    return bad();
  return Endpoint{*address, static_cast<std::uint16_t>(port)};
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = parse_address(host);
  const auto bad = [&] {
    return refuse(text, "a network", "\"192.0.2.0/24\", \"2001:db8::/32\" or one address");
  };
  if (!address) return bad();
  if (slash == std::string_view::npos) return Network::of(*address, address->bits());
  unsigned written = 0;
  if (!take_decimal(text.substr(slash + 1), 128, written)) return bad();
  const auto prefix = prefix_for(*address, host, written);
  if (!prefix) return bad();
  const Network network = Network::of(*address, *prefix);
  if (network.first != *address)
    return fail(ErrorKind::permanent, "\"" + std::string(text) +
                                          "\" has bits set after its prefix; the network is \"" +
                                          to_string(network) + "\"");
  return network;
}

std::string to_string(IpAddress address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!address) return {};
  const char* printed = ::inet_ntop(address.is_ipv4() ? AF_INET : AF_INET6, address.octets().data(),
                                    text.data(), static_cast<socklen_t>(text.size()));
  RP_ASSERT(printed != nullptr);
  return printed;
}

std::string to_string(Endpoint endpoint) {
  if (!endpoint) return {};
  const std::string host = to_string(endpoint.address);
  return (endpoint.address.is_ipv6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port);
}

std::string to_string(Network network) {
  if (!network.first) return {};
  const std::string host = to_string(network.first);
  return network.prefix_bits == network.first.bits() ? host
                                                     : host + "/" + std::to_string(network.prefix_bits);
}

std::uint32_t to_socket_address(Endpoint endpoint, sockaddr_storage& storage) {
  std::memset(&storage, 0, sizeof storage);
  const auto octets = endpoint.address.octets();
  if (endpoint.address.is_ipv4()) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(endpoint.port);
    std::memcpy(&ipv4.sin_addr, octets.data(), octets.size());
    std::memcpy(&storage, &ipv4, sizeof ipv4);
    return sizeof ipv4;
  }
  if (!endpoint.address.is_ipv6()) return 0;
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(endpoint.port);
  std::memcpy(&ipv6.sin6_addr, octets.data(), octets.size());
  std::memcpy(&storage, &ipv6, sizeof ipv6);
  return sizeof ipv6;
}

std::optional<Endpoint> from_socket_address(const sockaddr* address, std::size_t size) {
  if (address == nullptr || size < sizeof(sa_family_t)) return std::nullopt;
  sa_family_t family = 0;
  std::memcpy(&family, &address->sa_family, sizeof family);
  if (family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, address, sizeof ipv4);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &ipv4.sin_addr, octets.size());
    return Endpoint{IpAddress::ipv4(octets[0], octets[1], octets[2], octets[3]), ntohs(ipv4.sin_port)};
  }
  if (family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, address, sizeof ipv6);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &ipv6.sin6_addr, octets.size());
    return Endpoint{IpAddress::ipv6(octets), ntohs(ipv6.sin6_port)};
  }
  return std::nullopt;
}

namespace detail {

// A multiply and fold over the three words (the finaliser of splitmix64): cheap, and spreads neighbouring addresses.
std::size_t hash_address(const IpAddress& address, std::uint64_t more) {
  std::array<std::uint64_t, 2> words{};
  std::memcpy(words.data(), address.octets().data(), address.octets().size());
  std::uint64_t hash = more + (static_cast<std::uint64_t>(address.version()) << 32U);
  for (const std::uint64_t word : words) {
    hash = (hash ^ word) + 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 30U)) * 0xbf58476d1ce4e5b9U;
    hash = (hash ^ (hash >> 27U)) * 0x94d049bb133111ebU;
    hash ^= hash >> 31U;
  }
  return hash;
}

}  // namespace detail

}  // namespace ringpost
