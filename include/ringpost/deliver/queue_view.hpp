// What operators see of the queue of one core, and how they say which part of it they mean.
//
// Layer: services; values, copied to whoever asks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/options.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::deliver {

enum class JobState : std::uint8_t {
  ready,      // waits for a connection
  active,     // is being sent
  deferred,   // waits for its time, or for its destination to be reachable again
  held,       // an operator said hold; expiry still rules
  suspended,  // an operator has suspended the destination; expiry still rules
};
inline constexpr std::size_t kJobStates = 5;
constexpr auto option_choices(const JobState*) {
  return std::to_array<Choice<JobState>>({{"ready", JobState::ready},
                                          {"active", JobState::active},
                                          {"deferred", JobState::deferred},
                                          {"held", JobState::held},
                                          {"suspended", JobState::suspended}});
}

// What every part that is given must fit. One that gives nothing means the whole queue.
struct Selector {
  MessageId id;
  std::string domain;     // of recipients
  std::string sender;     // canonical; "<>" is the null sender
  std::string recipient;  // canonical
  std::optional<Duration> older_than;
  std::optional<JobState> state;
  WallTime arrived_until;  // 0: whenever. Not said by operators: when their order was given
};

struct DestinationSummary {
  std::string name;  // "example.com", "smtp:relay.example.net:25", "mailbox:anna@example.com"
  std::array<std::uint64_t, kJobStates> recipients{};
  std::uint32_t connections = 0;
  bool waits_for_slot = false;  // other cores have all the connections that the machine may have there
  WallTime oldest;              // arrival
  WallTime paused_until;        // 0: it is not
  std::string problem;          // why it is paused
};

// Waiting recipients by the age of their message.
inline constexpr std::array<Duration, 6> kAgeBounds{std::chrono::minutes(5), std::chrono::minutes(20),
                                                    std::chrono::hours(1),   std::chrono::hours(4),
                                                    std::chrono::hours(24),  Duration::max()};

struct QueueSummary {
  std::uint64_t messages = 0;
  std::uint64_t passing = 0;  // of these, at level through: their clients wait
  std::array<std::uint64_t, kJobStates> recipients{};
  std::array<std::uint64_t, kAgeBounds.size()> ages{};
  std::vector<DestinationSummary> destinations;  // those with waiting mail, by name
  std::string refusing;                          // why no new mail is taken just now; "" when it is
};

struct QueuedRecipient {
  std::string address;
  std::string destination;  // "" when it is final
  spool::RecipientState outcome = spool::RecipientState::pending;
  JobState state = JobState::ready;  // of a pending one
  std::uint16_t attempts = 0;
  std::uint16_t code = 0;
  WallTime next_attempt;  // of a deferred one
  std::string reason;     // why it is still here
};

struct QueuedMessage {
  MessageId id;
  WallTime arrival, expiry;
  std::string sender;
  std::uint64_t size = 0;
  std::vector<QueuedRecipient> recipients;
};

// One that the filter has put aside.
struct QuarantinedMessage {
  MessageId id;
  WallTime arrival, expiry;
  std::string sender, client;
  std::uint64_t size = 0;
  std::vector<std::string> recipients;
  std::string header;  // as stored, as far as kShownHeaderMax; our X-Ringpost-Quarantine says why it is here
};

// What operators have ordered for longer than a moment. `tables` keeps it over a restart.
struct Directives {
  struct Held {
    MessageId id;
    std::string destination;  // "": all of it
  };
  std::vector<Held> held;  // one by one
  // By selector, without a state: the last one that fits counts. `what.arrived_until` is set.
  struct Rule {
    bool hold = true;  // false: an exception from those before
    Selector what;
  };
  std::vector<Rule> rules;
  std::vector<std::string> suspended;  // names of destinations; "*" is all of them
};

}  // namespace ringpost::deliver
