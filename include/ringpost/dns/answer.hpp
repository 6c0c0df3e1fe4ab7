// What is asked of DNS and what came back, in the terms of those who ask.
//
// Layer:  pure. No I/O, no clock: a TTL is a duration, the cache that counts it down is in resolve.
// Owner:  values.
// RFCs:   1035, 3596 (AAAA), 6698 (TLSA), 2308 (negative answers), 2181 §8 (TTL).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/dns/name.hpp"

namespace ringpost::dns {

// Record types that we read. Others may stand in a question that somebody asks us.
enum class Type : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  tlsa = 52,
};
// "MX"; "TYPE65" for one that we do not know.
std::string to_string(Type type);

struct Question {
  Name name;
  Type type = Type::a;
  bool operator==(const Question&) const = default;
};
// "example.com MX", for logs.
std::string to_string(const Question& question);

struct Mx {
  std::uint16_t preference = 0;
  Name exchange;
  bool operator==(const Mx&) const = default;
};
// The strings of one TXT record joined without a separator, as SPF and DKIM want them (RFC 7208 §3.3, 6376 §3.6.2.2).
struct Txt {
  std::string text;
  bool operator==(const Txt&) const = default;
};
// CNAME, NS and PTR.
struct Target {
  Name name;
  bool operator==(const Target&) const = default;
};
struct Soa {
  Name primary;
  Name mailbox;
  std::uint32_t serial = 0;
  std::uint32_t refresh = 0;
  std::uint32_t retry = 0;
  std::uint32_t expire = 0;
  std::uint32_t minimum = 0;  // how long "there is none" holds, in seconds (RFC 2308 §4)
  bool operator==(const Soa&) const = default;
};
struct Tlsa {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string certificate;  // octets, not hex
  bool operator==(const Tlsa&) const = default;
};
// A and AAAA are an IpAddress of their family.
using Data = std::variant<IpAddress, Mx, Txt, Target, Soa, Tlsa>;

struct Record {
  Name owner;
  Type type = Type::a;
  std::uint32_t ttl = 0;  // seconds
  Data data;
  bool operator==(const Record&) const = default;
};

enum class Status : std::uint8_t {
  ok,        // at least one record of the asked type
  nxdomain,  // the name does not exist
  nodata,    // the name exists, without a record of that type
  servfail,  // the server failed, contradicted itself or sent what we cannot read
  timeout,   // no server answered in time
  refused,   // a server answers, but not us
};
std::string_view to_string(Status status);

struct Answer {
  Status status = Status::servfail;
  // True when a validating server vouches for it (AD bit). Worth as much as the way to that server.
  bool authentic = false;
  // Where the records stand: the asked name, or what its aliases lead to.
  Name canonical;
  // All of the asked type.
  std::vector<Data> records;
  // Least TTL of the records and of the aliases before them; for nxdomain and nodata also of the SOA (RFC
  // 2308 §5). Zero: not to be kept, which is also what a failure or a negative answer without SOA has.
  Duration ttl{0};

  bool ok() const { return status == Status::ok; }
  // Asking again later may tell something else.
  bool temporary() const {
    return status == Status::servfail || status == Status::timeout || status == Status::refused;
  }
  static Answer failure(Status status) { return {.status = status}; }
};

}  // namespace ringpost::dns

template <>
struct std::hash<ringpost::dns::Question> {
  std::size_t operator()(const ringpost::dns::Question& question) const noexcept {
    return std::hash<ringpost::dns::Name>{}(question.name) * 31 + static_cast<std::size_t>(question.type);
  }
};
