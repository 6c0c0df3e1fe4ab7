// Recipients that a client names more than once in a transaction: a mailbox gets the message once.
//
// Layer:  services, private; pure.
// Same:   of a local domain, the user in any case with the same extension, and the same wish for reports (NOTIFY, ORCPT). What goes
//         on to others goes on as it was given.
// Limits: mail::kRecipientsMax.
// RFCs:   2033 (each RCPT has its own answer), 3461.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/policy/policy.hpp"

namespace ringpost::receive {

struct WithoutRepeats {
  mail::Envelope envelope;
  std::vector<std::uint32_t> places;  // in `envelope`, of each recipient that was given
  // From one reply for each recipient of `envelope` to one for each that was given.
  std::vector<mail::Reply> for_each_given(std::span<const mail::Reply> replies) const;
};
// Nothing: each is there once.
std::optional<WithoutRepeats> without_repeats(const mail::Envelope& envelope, const policy::Policy& policy);

}  // namespace ringpost::receive
