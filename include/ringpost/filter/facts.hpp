// What is known about a mail besides its bytes: who sent it, what authentication and DNS said, what Bayes thinks.
//
// Layer:  pure. Filled by the caller (intake, or `ringpost filter test` without most of it) and read by eval functions.
// Absent: an empty optional is a fact that nobody asked for or that has not come: an eval function that needs it answers
//         `EvalAnswer::needs(...)`, which counts as no hit and is named in the verdict. It is not the same as "none".
// Owner:  the scan; lives as long as it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::filter {

enum class AuthResult : std::uint8_t { none, pass, fail, softfail, neutral, temperror, permerror };

struct SpfFact {
  AuthResult mail_from = AuthResult::none;
  AuthResult helo = AuthResult::none;
};

struct DkimFact {
  std::string domain;    // d=, in lower case
  std::string selector;  // s=
  AuthResult result = AuthResult::none;
};

enum class DmarcPolicy : std::uint8_t { none, quarantine, reject };
struct DmarcFact {
  AuthResult result = AuthResult::none;
  DmarcPolicy policy = DmarcPolicy::none;
};

class DnsAnswers;  // ringpost/filter/dns_answers.hpp

// What a rule may miss.
enum class Fact : std::uint8_t { none, envelope, arrival, spf, dkim, dmarc, arc, dns, bayes, language };

struct Facts {
  std::optional<WallTime> arrival;  // when it came; absent for a file: Received lines judge its dates
  std::optional<IpAddress> client;  // the peer
  std::string helo;                 // what it called itself
  std::optional<std::string> envelope_from;  // "" is the null reverse-path
  std::vector<std::string> recipients;
  std::optional<SpfFact> spf;
  std::optional<std::vector<DkimFact>> dkim;  // one for each signature
  std::optional<DmarcFact> dmarc;
  std::optional<AuthResult> arc;
  std::shared_ptr<DnsAnswers> dns;          // null: DNS is not asked
  std::optional<double> bayes;              // 0 ham to 1 spam; absent: too little learned, or off
  std::vector<std::uint64_t> bayes_tokens;  // for who learns from the verdict; empty: not read
};

}  // namespace ringpost::filter
