#include "ringpost/resolve/hosts.hpp"

#include <algorithm>

#include "ringpost/resolve/limits.hpp"

namespace ringpost::resolve {
namespace {

constexpr std::string_view kBlank = " \t\r";

// Takes the next word of a line; "" at its end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

bool is_localhost(const dns::Name& name) {
  static constexpr std::string_view kLocalhost("\11localhost\0", 11);
  const std::string_view wire = name.wire();
  if (!wire.ends_with(kLocalhost)) return false;
  return name.is_within(*dns::Name::from_wire(std::as_bytes(std::span(kLocalhost))));
}

}  // namespace

Hosts Hosts::parse(std::string_view text) {
  Hosts hosts;
  text = text.substr(0, kHostsFileBytesMax);
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const auto address = parse_address(take_word(line));
    if (!address) continue;
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      const auto name = dns::Name::parse(word);
      if (!name || (hosts.addresses_.size() >= kHostsNamesMax && !hosts.addresses_.contains(*name))) continue;
      auto& known = hosts.addresses_[*name];
      if (known.size() < kHostAddressesMax && std::ranges::find(known, *address) == known.end())
        known.push_back(*address);
    }
  }
  return hosts;
}

bool Hosts::knows(const dns::Name& name) const {
  return is_localhost(name) || addresses_.contains(name);
}

dns::Answer Hosts::find(const dns::Name& name, IpVersion version) const {
  dns::Answer answer{.status = dns::Status::nodata, .canonical = name};
  if (const auto found = addresses_.find(name); found != addresses_.end()) {
    for (const IpAddress& address : found->second)
      if (address.version() == version) answer.records.emplace_back(address);
  } else if (is_localhost(name)) {
    answer.records.emplace_back(IpAddress::loopback(version));
  }
  if (!answer.records.empty()) answer.status = dns::Status::ok;
  return answer;
}

}  // namespace ringpost::resolve
