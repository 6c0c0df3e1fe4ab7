// Who has failed to log in how often: growing waits for an address and for an account, for the whole machine.
//
// Layer:  durable. Owner: an address and a name belong to one core each (by hash); others ask it. A table for each core, touched
//         by that core alone.
// Rules:  who has failed lately may have as many attempts under way as are free yet, so that many at once gain nothing; who has
//         not may have kLoginsAtOnce of them, for a program opens all its connections together. Names count whether or not they exist. A right password from an address that the account was used from before never
//         waits for what others did to the account.
// Limits: accounts/limits.hpp. A full table forgets whom it has not heard of for the longest time.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/base/address.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::accounts {

struct FailureRules {
  std::uint32_t free = 0;     // failures before the first wait
  std::uint32_t at_once = 0;  // attempts under way of who has not failed
  Duration longest{};
};

// 0: none. `in_line`: not for time to pass, but for an attempt under way to end.
struct Wait {
  Duration time{};
  bool in_line = false;
};

// The counts of one kind that one core owns. Keys are hashes: nobody can choose two that meet.
class FailureTable {
 public:
  explicit FailureTable(FailureRules rules) : rules_(rules) {}
  // None: go on; the attempt is under way until one of the three below ends it. `from`: whose earlier success exempts; 0:
  // nobody's.
  Wait begin(std::uint64_t key, std::uint64_t from, Instant now);
  // It failed.
  void wrong(std::uint64_t key, Instant now);
  // It was good: all failures are forgotten, and `from` is remembered.
  void good(std::uint64_t key, std::uint64_t from);
  // Nobody knows, or it is nobody's business here.
  void leave(std::uint64_t key);
  // How long begin() would say to wait, without counting.
  Wait wait(std::uint64_t key, std::uint64_t from, Instant now) const;
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t failures = 0;
    std::uint32_t under_way = 0;
    Instant last;
    Instant until;
    std::array<std::uint64_t, kKnownAddressesMax> known{};
    bool knows(std::uint64_t from) const;
  };
  using Entries = std::list<Entry>;
  Entry& touch(std::uint64_t key);
  Entry* end(std::uint64_t key);
  Duration delay(std::uint32_t failures) const;
  std::uint32_t room(std::uint32_t failures) const;
  void forget_old(Entry& entry, Instant now) const;
  FailureRules rules_;
  Entries entries_;  // the one that was touched last is first
  std::unordered_map<std::uint64_t, Entries::iterator> by_key_;
};

enum class Outcome : std::uint8_t { good, wrong, unknown };

class Failures {
 public:
  // `secret` makes the hashes unguessable.
  explicit Failures(std::string secret);
  // No `peer` or no `account`: that one is not counted.
  // 0: go on, and call end(). Else: how long to wait; nothing is due. Who finds too many under way is made to wait in line first.
  Task<Duration> begin(shard::Core& core, IpAddress peer, std::string account);
  Task<void> end(shard::Core& core, IpAddress peer, std::string account, Outcome outcome);
  // As begin(), without counting: before the first half of an exchange.
  Task<Duration> wait(shard::Core& core, IpAddress peer, std::string account);

 private:
  struct Tables {
    FailureTable addresses{{kFreeFailuresOfAddress, kLoginsAtOnce, kLongestWaitOfAddress}};
    FailureTable accounts{{kFreeFailuresOfAccount, kLoginsAtOnce, kLongestWaitOfAccount}};
  };
  struct Keys {
    std::uint64_t address = 0;
    std::uint64_t account = 0;
  };
  Keys keys(const IpAddress& peer, std::string_view account) const;
  template <class F>
  auto at(shard::Core& core, std::uint64_t key, F function)
      -> Task<std::invoke_result_t<F, Tables&, Instant>>;
  Task<Wait> try_to_begin(shard::Core& core, Keys key);
  std::string secret_;
  std::vector<std::unique_ptr<Tables>> tables_;  // by core
};

}  // namespace ringpost::accounts
