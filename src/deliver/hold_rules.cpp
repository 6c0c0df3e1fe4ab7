#include "hold_rules.hpp"

#include <algorithm>

#include "ringpost/deliver/limits.hpp"

#include "selection.hpp"

namespace ringpost::deliver {

namespace {

// Whatever fits `part` fits `whole`.
bool covers(const Selector& whole, const Selector& part) {
  const auto wider = [](const std::string& all, const std::string& some) {
    return all.empty() || all == some;
  };
  return (!whole.id || whole.id == part.id) && wider(whole.domain, part.domain) &&
         wider(whole.sender, part.sender) && wider(whole.recipient, part.recipient) &&
         whole.arrived_until >= part.arrived_until;
}

}  // namespace

std::optional<Selector> HoldRules::rule_of(const Selector& selector, WallTime now) {
  if (selector.state) return std::nullopt;
  Selector rule = selector;
  if (rule.arrived_until == WallTime{}) rule.arrived_until = now;
  if (rule.older_than)
    rule.arrived_until = std::min(rule.arrived_until, now + (Duration{0} - *rule.older_than));
  rule.older_than.reset();
  return rule;
}

bool HoldRules::add(bool hold, const Selector& what) {
  std::erase_if(rules_, [&](const Rule& rule) { return covers(what, rule.what); });
  // What nothing before holds need not be let go.
  const auto first_hold = std::ranges::find_if(rules_, &Rule::hold);
  rules_.erase(rules_.begin(), first_hold);
  if (!hold && rules_.empty()) return true;
  if (rules_.size() >= kHoldRulesMax) return false;
  rules_.push_back({hold, what});
  return true;
}

WallTime HoldRules::latest() const {
  WallTime latest;
  for (const Rule& rule : rules_) latest = std::max(latest, rule.what.arrived_until);
  return latest;
}

std::optional<bool> HoldRules::holds_unread(const Queue& queue, const Parked& parked,
                                            const ParkedPart& part) const {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    const Fit fit = fits_unread(rule->what, queue, parked, part);
    if (fit == Fit::unsure) return std::nullopt;
    if (fit == Fit::yes) return rule->hold;
  }
  return false;
}

bool HoldRules::holds(MessageId id, const mail::EnvelopeRecord& envelope, std::uint32_t recipient) const {
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    const Selector& what = rule->what;
    if ((what.id && what.id != id) || envelope.facts().arrival > what.arrived_until) continue;
    if (fits(what, envelope, recipient)) return rule->hold;
  }
  return false;
}

}  // namespace ringpost::deliver
