// A small set of records that answers as an authoritative server would: for who plays a server on loopback, and for
// simulated worlds.
//
// Layer: pure. Owner: a value.
// RFCs:  1035 §5 (the text of a record), 4592 (a "*" label answers for names that have nothing of their own), 2308.
#pragma once

#include <cstddef>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/dns/message.hpp"

namespace ringpost::dns {

// One line of a zone file: "example.com. 300 MX 10 mx.example.com." Names are absolute with or without their last dot; the
// TTL may be left out (one hour). Types that we do not read are a permanent error.
Result<Record> parse_record(std::string_view line);

class Zone {
 public:
  // The TTL of "there is none".
  static constexpr std::uint32_t kNegativeTtl = 60;

  void add(Record record);
  Result<void> add(std::string_view line);
  // Aliases are followed within the zone; what is not in it does not exist.
  Message respond(const Query& query) const;

 private:
  const std::vector<Record>* find(const Name& name) const;
  std::unordered_map<Name, std::vector<Record>> records_;
  std::set<Name> known_;  // every name with a record, and all names above it
};

}  // namespace ringpost::dns
