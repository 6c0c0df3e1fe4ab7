#include "ringpost/accounts/failures.hpp"

#include <algorithm>
#include <cstring>

#include "ringpost/crypto/short_hash.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/limits.hpp"

namespace ringpost::accounts {

bool FailureTable::Entry::knows(std::uint64_t from) const {
  return from != 0 && std::ranges::find(known, from) != known.end();
}

FailureTable::Entry& FailureTable::touch(std::uint64_t key) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front();
  }
  if (entries_.size() >= kFailureEntriesMax) {
    by_key_.erase(entries_.back().key);
    entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
    entries_.front() = Entry{};
  } else {
    entries_.emplace_front();
  }
  entries_.front().key = key;
  by_key_.emplace(key, entries_.begin());
  return entries_.front();
}

Duration FailureTable::delay(std::uint32_t failures) const {
  if (failures <= rules_.free) return {};
  const std::uint32_t doublings = std::min(failures - rules_.free - 1, 30U);
  return std::min<Duration>(kFirstWait * (1LL << doublings), rules_.longest);
}

std::uint32_t FailureTable::room(std::uint32_t failures) const {
  if (failures == 0) return rules_.at_once;
  return failures > rules_.free ? 1 : rules_.free + 1 - failures;
}

void FailureTable::forget_old(Entry& entry, Instant now) const {
  if (entry.failures > 0 && now - entry.last > kForgetFailuresAfter) entry.failures = 0;
}

Wait FailureTable::wait(std::uint64_t key, std::uint64_t from, Instant now) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return {};
  Entry entry = *found->second;
  forget_old(entry, now);
  if (entry.knows(from)) return {};
  if (entry.until > now) return {entry.until - now};
  if (entry.under_way < room(entry.failures)) return {};
  return {.time = kFirstWait, .in_line = true};
}

Wait FailureTable::begin(std::uint64_t key, std::uint64_t from, Instant now) {
  if (const Wait left = wait(key, from, now); left.time > Duration{}) return left;
  Entry& entry = touch(key);
  forget_old(entry, now);
  ++entry.under_way;
  return {};
}

// Null: it was forgotten meanwhile.
FailureTable::Entry* FailureTable::end(std::uint64_t key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  Entry& entry = *found->second;
  entry.under_way -= std::min(entry.under_way, 1U);
  return &entry;
}

void FailureTable::wrong(std::uint64_t key, Instant now) {
  Entry* entry = end(key);
  if (entry == nullptr) entry = &touch(key);
  ++entry->failures;
  entry->last = now;
  if (const Duration next = delay(entry->failures); next > Duration{}) entry->until = now + next;
}

void FailureTable::good(std::uint64_t key, std::uint64_t from) {
  Entry* const entry = end(key);
  if (entry == nullptr) return;
  entry->failures = 0;
  entry->until = {};
  if (from == 0 || entry->knows(from)) return;
  std::ranges::rotate(entry->known, std::prev(entry->known.end()));
  entry->known.front() = from;
}

void FailureTable::leave(std::uint64_t key) {
  (void)end(key);
}

Failures::Failures(std::string secret) : secret_(std::move(secret)) {
  for (unsigned core = 0; core < shard::kCoresMax; ++core) tables_.push_back(std::make_unique<Tables>());
}

namespace {

std::uint64_t hash(std::string_view secret, std::string_view text) {
  return std::max<std::uint64_t>(crypto::short_hash(crypto::short_hash_key(secret), text),
                                 1);  // 0 means nobody
}

// A client of IPv6 has a whole network of 64 bits to itself.
std::string_view network_of(const IpAddress& peer) {
  const auto octets = peer.octets();
  return {reinterpret_cast<const char*>(octets.data()), std::min<std::size_t>(octets.size(), 8)};
}

}  // namespace

Failures::Keys Failures::keys(const IpAddress& peer, std::string_view account) const {
  return {.address = peer ? hash(secret_, "address:" + std::string(network_of(peer))) : 0,
          .account = account.empty() ? 0 : hash(secret_, "account:" + std::string(account))};
}

// Runs `function(tables, now)` on the core that owns the key. Nobody has no failures.
template <class F>
auto Failures::at(shard::Core& core, std::uint64_t key, F function)
    -> Task<std::invoke_result_t<F, Tables&, Instant>> {
  if (key == 0) co_return std::invoke_result_t<F, Tables&, Instant>{};
  const auto there = static_cast<unsigned>(key % core.count());
  Tables* tables = tables_[there].get();
  if (there == core.index()) co_return function(*tables, core.now());
  co_return co_await shard::ask(
      core, there, [tables, function](shard::Core& other) { return function(*tables, other.now()); });
}

Task<Wait> Failures::try_to_begin(shard::Core& core, Keys key) {
  const Wait of_address = co_await at(core, key.address, [key](Tables& tables, Instant now) {
    return tables.addresses.begin(key.address, 0, now);
  });
  if (of_address.time > Duration{}) co_return of_address;
  const Wait of_account = co_await at(core, key.account, [key](Tables& tables, Instant now) {
    return tables.accounts.begin(key.account, key.address, now);
  });
  if (of_account.time > Duration{})
    (void)co_await at(core, key.address, [key](Tables& tables, Instant) {
      tables.addresses.leave(key.address);
      return true;
    });
  co_return of_account;
}

Task<Duration> Failures::begin(shard::Core& core, IpAddress peer, std::string account) {
  const Keys key = keys(peer, account);
  const Instant patience = core.now() + kInLineMax;
  for (;;) {
    const Wait wait = co_await try_to_begin(core, key);
    if (!wait.in_line || core.now() >= patience) co_return wait.time;
    co_await shard::Sleep{core, kInLinePause};
  }
}

// A right password does not clear the address of what it has tried before with other accounts.
Task<void> Failures::end(shard::Core& core, IpAddress peer, std::string account, Outcome outcome) {
  const Keys key = keys(peer, account);
  (void)co_await at(core, key.address, [key, outcome](Tables& tables, Instant now) {
    outcome == Outcome::wrong ? tables.addresses.wrong(key.address, now)
                              : tables.addresses.leave(key.address);
    return true;
  });
  (void)co_await at(core, key.account, [key, outcome](Tables& tables, Instant now) {
    switch (outcome) {
      case Outcome::good:
        tables.accounts.good(key.account, key.address);
        break;
      case Outcome::wrong:
        tables.accounts.wrong(key.account, now);
        break;
      case Outcome::unknown:
        tables.accounts.leave(key.account);
        break;
    }
    return true;
  });
}

// Those under way do not count here: a proof takes no time to check.
Task<Duration> Failures::wait(shard::Core& core, IpAddress peer, std::string account) {
  const Keys key = keys(peer, account);
  const Wait of_address = co_await at(core, key.address, [key](Tables& tables, Instant now) {
    return tables.addresses.wait(key.address, 0, now);
  });
  if (of_address.time > Duration{} && !of_address.in_line) co_return of_address.time;
  const Wait of_account = co_await at(core, key.account, [key](Tables& tables, Instant now) {
    return tables.accounts.wait(key.account, key.address, now);
  });
  co_return of_account.in_line ? Duration{} : of_account.time;
}

}  // namespace ringpost::accounts
