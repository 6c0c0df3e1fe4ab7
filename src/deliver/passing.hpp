// What the client of a message at level through hears of an attempt.
//
// Pure.
#pragma once

#include "ringpost/base/ids.hpp"
#include "ringpost/mail/reply.hpp"

#include "finding.hpp"

namespace ringpost::deliver {

// 250, 4yz or 5yz as the finding is, with the text and the enhanced status of the next hop. Codes that are about our own
// conversation with it (421, 502, 530, ...) become 451 or 554: they would tell the client something untrue about this one.
mail::Reply answer_of(const Finding& finding, MessageId id);

}  // namespace ringpost::deliver
