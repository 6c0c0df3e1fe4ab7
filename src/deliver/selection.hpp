// Which messages, jobs and recipients an operator's selector means.
//
// Pure functions over the queue of one core.
#pragma once

#include <cstdint>
#include <vector>

#include "ringpost/deliver/queue_view.hpp"
#include "ringpost/mail/envelope_record.hpp"

#include "queue.hpp"

namespace ringpost::deliver {

// What the envelope has no part in: state and age.
bool fits(const Selector& selector, const Queue& queue, const Job& job);
bool fits(const Selector& selector, const Queue& queue, const Parked& parked);  // one of its parts
bool fits(const Selector& selector, const Queue& queue, const ParkedPart& part);
// The same with all that the selector says, as far as that can be known of a parked message without its envelope. A time in the
// second in which it arrived does not tell.
enum class Fit : std::uint8_t { no, yes, unsure };
Fit fits_unread(const Selector& selector, const Queue& queue, const Parked& parked, const ParkedPart& part);
// What only the envelope knows: sender, recipient, domain.
bool fits(const Selector& selector, const mail::EnvelopeRecord& envelope, std::uint32_t recipient);
std::vector<std::uint32_t> fitting(const Selector& selector, const mail::EnvelopeRecord& envelope,
                                   const Job& job);
// How many recipients of the message fit in everything; those being sent to count too.
std::size_t count_fitting(const Selector& selector, Queue& queue, MessageId id,
                          const mail::EnvelopeRecord& envelope);

}  // namespace ringpost::deliver
