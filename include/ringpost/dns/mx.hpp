// From the MX answer of a domain to the hosts to be tried, in order; or the reason why there are none.
//
// Layer:  pure. The caller brings the random number and resolves the addresses.
// Limits: dns/limits.hpp (kMxHostsMax).
// RFCs:   5321 §5.1, 7505 (null MX), 3463 (the status codes).
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/dns/answer.hpp"

namespace ringpost::dns {

struct MxHost {
  Name name;
  std::uint16_t preference = 0;
  bool implicit = false;  // the domain itself, for want of an MX record
  bool operator==(const MxHost&) const = default;
};

// Why a domain cannot be reached now (temporary) or at all (permanent).
struct MxRefusal {
  ErrorKind kind = ErrorKind::temporary;
  std::string_view status;  // "5.1.10"; a literal
  std::string text;         // for the bounce and the log
};

// Preference first, random among equals. Null MX, a name that does not exist, and a list that begins with
// ourselves are permanent; a failing DNS is temporary. `own_names` are the names that this server answers to
// as an exchanger: where one stands in the list, it and all that are not more preferred are left out, for
// they would send the mail back.
std::expected<std::vector<MxHost>, MxRefusal> order_mx(const Name& domain, const Answer& mx,
                                                       std::span<const Name> own_names, std::uint64_t random);

// Leaves out each host that is not more preferred than `preference`: one of them turned out to be ourselves.
void cut_from(std::vector<MxHost>& hosts, std::uint16_t preference);

// The refusals whose facts come up only while addresses are resolved; `domain` is what the mail is for.
MxRefusal loops_back(std::string_view domain);                  // 5.4.6
MxRefusal no_usable_host(std::string_view domain);              // 5.4.4: exchangers without one address
MxRefusal lookup_failed(std::string_view name, Status status);  // 4.4.3
MxRefusal bad_domain(std::string_view domain);                  // 5.1.2: it is not a name or address at all

}  // namespace ringpost::dns
