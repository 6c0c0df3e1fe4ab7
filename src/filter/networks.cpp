#include "ringpost/filter/networks.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

// "10", "192.0.2", "192.0.2." and whole addresses; `octets` is how many were given.
std::optional<IpAddress> parse_short_ipv4(std::string_view text, unsigned& octets) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string whole(text);
  octets = 1 + static_cast<unsigned>(std::ranges::count(text, '.'));
  for (unsigned i = octets; i < 4; ++i) whole += ".0";
  const auto address = parse_address(whole);
  return address ? std::optional(*address) : std::nullopt;
}

}  // namespace

bool Networks::add(std::string_view text) {
  text = trim(text);
  const bool excluded = text.starts_with('!');
  if (excluded) text = trim_front(text.substr(1));
  std::optional<unsigned> prefix;
  if (const std::size_t slash = text.find('/'); slash != kNowhere) {
    unsigned bits = 0;
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (error != std::errc{} || end != number.data() + number.size()) return false;
    prefix = bits;
    text = text.substr(0, slash);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  text = text.substr(0, text.find('%'));

  IpAddress address;
  unsigned octets = 4;
  if (!text.empty() && is_digit(text.front()) && text.find(':') == kNowhere) {
    const auto parsed = parse_short_ipv4(text, octets);
    if (!parsed) return false;
    address = *parsed;
  } else {
    const auto parsed = parse_address(text);
    if (!parsed) return false;
    address = *parsed;
  }
  const unsigned bits = prefix.value_or(address.is_ipv4() ? octets * 8 : 128);
  if (bits > address.bits()) return false;
  const Network network = Network::of(address, bits);
  if (find(network.first, bits) == nullptr) entries_.push_back({network, excluded});
  return true;
}

const Networks::Entry* Networks::find(IpAddress first, unsigned prefix_bits) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.network.prefix_bits <= prefix_bits && entry.network.contains(first);
  });
  return found == entries_.end() ? nullptr : &*found;
}

bool Networks::contains(IpAddress address) const {
  const Entry* entry = find(address, address.bits());
  return entry != nullptr && !entry->excluded;
}

}  // namespace ringpost::filter
