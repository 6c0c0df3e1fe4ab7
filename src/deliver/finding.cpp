#include "finding.hpp"

namespace ringpost::deliver {

// A reply that is none of ours to understand (3xx where none belongs) can only mean: later.
Finding judge(std::uint32_t recipient, const mail::Reply& reply) {
  const Found found = reply.completed()   ? Found::delivered
                      : reply.permanent() ? Found::failed
                                          : Found::deferred;
  return {recipient, found, reply};
}

std::vector<Finding> for_all(std::span<const std::uint32_t> recipients, Found found,
                             const mail::Reply& reply) {
  std::vector<Finding> findings;
  findings.reserve(recipients.size());
  for (const std::uint32_t recipient : recipients) findings.push_back({recipient, found, reply});
  return findings;
}

mail::Reply our_word(mail::EnhancedStatus status, std::string text) {
  return {0, status, std::move(text)};
}

}  // namespace ringpost::deliver
