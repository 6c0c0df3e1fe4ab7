// Whose maildrop a POP3 session holds, and when it was last taken.
//
// Layer:  services (base). Owner: the service of the core that owns the mailboxes.
// Limits: as many users as hold one or have to wait, and as many again, of which nothing need be known any more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "ringpost/base/units.hpp"

namespace ringpost::access {

class Maildrops {
 public:
  enum class Taken : std::uint8_t { yes, in_use, too_soon };
  // `delay`: LOGIN-DELAY (RFC 2449 section 6.5), from one login to the next.
  Taken take(const std::string& user, Duration delay, Instant now);
  void give_up(const std::string& user);
  std::size_t size() const { return drops_.size(); }

 private:
  struct Drop {
    bool held = false;
    Instant free_from;  // for the next login
  };
  void forget(Instant now);
  std::unordered_map<std::string, Drop> drops_;
  std::size_t look_at_ = kForgetLeast;  // how many there are when those are looked for that can go
  static constexpr std::size_t kForgetLeast = 1024;
};

}  // namespace ringpost::access
