// A list of networks in which the first that holds an address decides: trusted_networks, internal_networks, msa_networks.
//
// Layer:  pure. A value.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "ringpost/base/address.hpp"

namespace ringpost::filter {

class Networks {
 public:
  // "192.0.2.0/24", "192.0.2/24", "192.0.2.", "10", "[2001:db8::]/32", "192.0.2.1"; "!" before one excludes it. False when it
  // is none of them. One that lies in an earlier one changes nothing.
  bool add(std::string_view text);
  bool contains(IpAddress address) const;
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    Network network;
    bool excluded = false;
  };
  const Entry* find(IpAddress first, unsigned prefix_bits) const;

  std::vector<Entry> entries_;
};

}  // namespace ringpost::filter
