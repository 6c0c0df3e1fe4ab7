#include "ringpost/net/client_limits.hpp"

#include <algorithm>

namespace ringpost::net {

namespace {
// An address that has been quiet for so long starts anew: longer than the period of any sensible rate.
constexpr Duration kForgetAfter = std::chrono::hours(1);
}  // namespace

double RateBucket::level(const Rate& rate, Instant now) const {
  const double refill = std::chrono::duration<double>(now - at_).count() /
                        std::chrono::duration<double>(rate.per).count() * static_cast<double>(rate.count);
  return std::max(0.0, missing_ - refill);
}

bool RateBucket::take(const Rate& rate, Instant now) {
  missing_ = level(rate, now);
  at_ = now;
  if (missing_ + 1 > static_cast<double>(rate.count)) return false;
  missing_ += 1;
  return true;
}

ClientTable::Client* ClientTable::find_or_add(const IpAddress& client, Instant now) {
  if (const auto found = clients_.find(client); found != clients_.end()) return &found->second;
  if (clients_.size() >= kClientsMax) forget_idle(now);
  if (clients_.size() >= kClientsMax) return nullptr;
  return &clients_[client];
}

void ClientTable::forget_idle(Instant now) {
  if (now - swept_ < kForgetAfter && swept_ != Instant{}) return;
  swept_ = now;
  std::erase_if(clients_, [](const auto& entry) { return entry.second.connections == 0; });
}

Admission ClientTable::connect(const IpAddress& client, const ClientRules& rules, Instant now) {
  Client* known = find_or_add(client, now);
  if (known == nullptr) return Admission::uncounted;
  if (known->connections >= rules.connections_max) return Admission::too_many;
  if (rules.connection_rate && !known->connecting.take(*rules.connection_rate, now))
    return Admission::too_fast;
  ++known->connections;
  return Admission::admitted;
}

void ClientTable::disconnect(const IpAddress& client) {
  const auto found = clients_.find(client);
  if (found != clients_.end() && found->second.connections > 0) --found->second.connections;
}

Admission ClientTable::message(const IpAddress& client, const ClientRules& rules, Instant now) {
  if (!rules.message_rate) return Admission::admitted;
  Client* known = find_or_add(client, now);
  if (known == nullptr) return Admission::uncounted;
  return known->sending.take(*rules.message_rate, now) ? Admission::admitted : Admission::too_fast;
}

unsigned ClientLimits::owner(const IpAddress& client) const {
  return static_cast<unsigned>(std::hash<IpAddress>{}(client) % tables_.size());
}

Task<Admission> ClientLimits::connect(shard::Core& core, IpAddress client, const ClientRules* rules) {
  const unsigned there = owner(client);
  ClientTable* table = &tables_[there];
  if (there == core.index()) co_return table->connect(client, *rules, core.now());
  co_return co_await shard::ask(core, there, [table, client, rules](shard::Core& other) {
    return table->connect(client, *rules, other.now());
  });
}

Task<Admission> ClientLimits::message(shard::Core& core, IpAddress client, const ClientRules* rules) {
  const unsigned there = owner(client);
  ClientTable* table = &tables_[there];
  if (there == core.index()) co_return table->message(client, *rules, core.now());
  co_return co_await shard::ask(core, there, [table, client, rules](shard::Core& other) {
    return table->message(client, *rules, other.now());
  });
}

Task<void> ClientLimits::disconnect(shard::Core& core, IpAddress client) {
  const unsigned there = owner(client);
  ClientTable* table = &tables_[there];
  if (there == core.index()) {
    table->disconnect(client);
    co_return;
  }
  (void)co_await shard::ask(core, there, [table, client](shard::Core&) {
    table->disconnect(client);
    return true;
  });
}

}  // namespace ringpost::net
