#include "ringpost/dns/mx.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "ringpost/dns/limits.hpp"

namespace ringpost::dns {
namespace {

// One step of SplitMix64: enough to shuffle with, from a number that the caller's core drew.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e37'79b9'7f4a'7c15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9U;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebU;
  return z ^ (z >> 31);
}

// Most preferred first; a random number decides among equals.
void sort_by_preference(std::vector<MxHost>& hosts, std::uint64_t random) {
  struct Keyed {
    std::uint16_t preference;
    std::uint64_t key;
    MxHost host;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(hosts.size());
  for (MxHost& host : hosts) keyed.push_back({host.preference, next_random(random), std::move(host)});
  std::ranges::sort(keyed, {}, [](const Keyed& one) { return std::pair(one.preference, one.key); });
  std::ranges::transform(keyed, hosts.begin(), [](Keyed& one) { return std::move(one.host); });
}

// A "." beside real exchangers is forbidden (RFC 7505 §3) and means nothing.
std::vector<MxHost> exchangers(const Answer& mx) {
  std::vector<MxHost> hosts;
  for (const Data& data : mx.records)
    if (const Mx* record = std::get_if<Mx>(&data); record != nullptr && !record->exchange.is_root())
      hosts.push_back({.name = record->exchange, .preference = record->preference});
  return hosts;
}

// Of a host that is listed twice, the more preferred place counts.
void drop_repeats(std::vector<MxHost>& sorted) {
  std::unordered_set<Name> seen;
  std::erase_if(sorted, [&](const MxHost& host) { return !seen.insert(host.name).second; });
}

MxRefusal refuse(ErrorKind kind, std::string_view status, std::string text) {
  return {.kind = kind, .status = status, .text = std::move(text)};
}

}  // namespace

std::expected<std::vector<MxHost>, MxRefusal> order_mx(const Name& domain, const Answer& mx,
                                                       std::span<const Name> own_names,
                                                       std::uint64_t random) {
  if (mx.temporary()) return std::unexpected(lookup_failed(domain.to_string(), mx.status));
  if (mx.status == Status::nxdomain)
    return std::unexpected(refuse(ErrorKind::permanent, "5.1.2",
                                  fmt::format("the domain {} does not exist", domain.to_string())));
  std::vector<MxHost> hosts;
  if (mx.status == Status::nodata) {
    hosts.push_back({.name = domain, .implicit = true});
  } else {
    hosts = exchangers(mx);
    if (hosts.empty())
      return std::unexpected(
          refuse(ErrorKind::permanent, "5.1.10",
                 fmt::format("the domain {} accepts no mail (null MX)", domain.to_string())));
  }
  sort_by_preference(hosts, random);
  drop_repeats(hosts);
  if (hosts.size() > kMxHostsMax) hosts.resize(kMxHostsMax);
  const auto own = std::ranges::find_if(
      hosts, [&](const MxHost& host) { return std::ranges::find(own_names, host.name) != own_names.end(); });
  if (own != hosts.end()) cut_from(hosts, own->preference);
  if (hosts.empty()) return std::unexpected(loops_back(domain.to_string()));
  return hosts;
}

void cut_from(std::vector<MxHost>& hosts, std::uint16_t preference) {
  std::erase_if(hosts, [&](const MxHost& host) { return host.preference >= preference; });
}

MxRefusal loops_back(std::string_view domain) {
  return refuse(ErrorKind::permanent, "5.4.6", fmt::format("mail for {} loops back to myself", domain));
}

MxRefusal no_usable_host(std::string_view domain) {
  return refuse(ErrorKind::permanent, "5.4.4", fmt::format("no mail host of {} has an address", domain));
}

MxRefusal lookup_failed(std::string_view name, Status status) {
  return refuse(ErrorKind::temporary, "4.4.3",
                fmt::format("the lookup of {} failed: {}", name, to_string(status)));
}

MxRefusal bad_domain(std::string_view domain) {
  return refuse(ErrorKind::permanent, "5.1.2", fmt::format("\"{}\" is no domain", domain));
}

}  // namespace ringpost::dns
