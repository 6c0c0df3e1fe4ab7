// How many connections and messages one client address has, counted exactly for the whole machine.
//
// Layer:  paths. Owner: an address belongs to one core (by hash); others ask it. One table for each core, made
//         before the cores start.
// Limits: kClientsMax addresses a core; when full, unknown addresses are let in uncounted (and that is counted): a
//         flood of addresses must not lock out mail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::net {

inline constexpr std::size_t kClientsMax = 100'000;

struct ClientRules {
  std::uint32_t connections_max = 50;
  std::optional<Rate> connection_rate;
  std::optional<Rate> message_rate;
};

enum class Admission : std::uint8_t { admitted, uncounted, too_many, too_fast };

// A bucket that refills evenly; full at first.
class RateBucket {
 public:
  bool take(const Rate& rate, Instant now);

 private:
  double level(const Rate& rate, Instant now) const;
  double missing_ = 0;
  Instant at_;
};

// The counts of the addresses that one core owns.
class ClientTable {
 public:
  Admission connect(const IpAddress& client, const ClientRules& rules, Instant now);
  void disconnect(const IpAddress& client);
  Admission message(const IpAddress& client, const ClientRules& rules, Instant now);
  std::size_t size() const { return clients_.size(); }

 private:
  struct Client {
    std::uint32_t connections = 0;
    RateBucket connecting;
    RateBucket sending;
  };
  Client* find_or_add(const IpAddress& client, Instant now);
  void forget_idle(Instant now);
  std::unordered_map<IpAddress, Client> clients_;
  Instant swept_;
};

// All tables of the process, by core.
class ClientLimits {
 public:
  explicit ClientLimits(unsigned cores) : tables_(cores) {}
  // `rules` must outlive the answer.
  Task<Admission> connect(shard::Core& core, IpAddress client, const ClientRules* rules);
  Task<Admission> message(shard::Core& core, IpAddress client, const ClientRules* rules);
  Task<void> disconnect(shard::Core& core, IpAddress client);

 private:
  unsigned owner(const IpAddress& client) const;
  std::vector<ClientTable> tables_;
};

}  // namespace ringpost::net
