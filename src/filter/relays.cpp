#include "ringpost/filter/relays.hpp"

#include "characters.hpp"
#include "shape.hpp"

namespace ringpost::filter {

std::string Relay::as_rules_see() const {
  const std::string_view from = envelope_from ? std::string_view(*envelope_from) : std::string_view{};
  const std::initializer_list<std::string_view> pieces{"[ ip=",     ip,
                                                       " rdns=",    rdns,
                                                       " helo=",    helo,
                                                       " by=",      by,
                                                       " ident=",   ident,
                                                       " envfrom=", from,
                                                       " intl=",    internal ? "1" : "0",
                                                       " id=",      id,
                                                       " auth=",    auth,
                                                       " msa=",     msa ? "1" : "0",
                                                       " ]"};
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  std::string out;
  out.reserve(size);
  for (const std::string_view piece : pieces) out += piece;
  return out;
}

bool is_private_ip(std::string_view text) {
  if (starts_nocase(text, "IPv6:")) text.remove_prefix(5);
  const auto address = parse_address(text);
  if (!address) return false;
  const auto octets = address->octets();
  if (address->is_ipv6())
    return address->is_loopback() || (octets[0] == 0xFE && (octets[1] & 0xC0U) == 0x80U);
  const unsigned a = octets[0];
  const unsigned b = octets[1];
  return a == 10 || a == 127 || (a == 169 && b == 254) || (a == 172 && b >= 16 && b < 32) ||
         (a == 192 && b == 168) || (a == 100 && b >= 64 && b < 128);
}

AddressPlace find_ip_address(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at < text.size(); ++at)
    if (const std::size_t size = ip_size_at(text, at)) return {at, size};
  return {text.size(), 0};
}

}  // namespace ringpost::filter
