// What operators hold, as they said it: one rule for "all of this domain" or "everything", however many messages that is.
//
// Owner:  Queue. Without I/O.
// Order:  the last rule that fits a recipient counts; without one it goes. So a release of a part is a rule too.
// Time:   a rule means what had arrived when it was given, and nothing later.
// Memory: kHoldRulesMax; rules that a later one covers are dropped.
#pragma once

#include <optional>
#include <vector>

#include "ringpost/deliver/queue_view.hpp"
#include "ringpost/mail/envelope_record.hpp"

namespace ringpost::deliver {

class Queue;
struct Parked;
struct ParkedPart;

class HoldRules {
 public:
  using Rule = Directives::Rule;

  // The rule that the selector is; none when it means a state, which passes.
  static std::optional<Selector> rule_of(const Selector& selector, WallTime now);

  // False: there are too many.
  bool add(bool hold, const Selector& what);
  bool holds(MessageId id, const mail::EnvelopeRecord& envelope, std::uint32_t recipient) const;
  // The same for a part of a parked message; nothing when only its envelope tells.
  std::optional<bool> holds_unread(const Queue& queue, const Parked& parked, const ParkedPart& part) const;
  bool empty() const { return rules_.empty(); }
  WallTime latest() const;  // until when mail must have arrived that any of them means
  const std::vector<Rule>& all() const { return rules_; }
  void set(std::vector<Rule> rules) { rules_ = std::move(rules); }

 private:
  std::vector<Rule> rules_;
};

}  // namespace ringpost::deliver
