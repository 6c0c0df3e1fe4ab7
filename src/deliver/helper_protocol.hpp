// What the server and its helper say to each other: one packet with an order, one with what became of it.
//
// Layer: services, private. Both ends are the same program; still, the helper believes nothing of what it reads.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

#include "local_order.hpp"

namespace ringpost::deliver {

// At most kHelperPacketMax; longer is an error.
Result<std::string> encode(const DeliveryOrder& order);
Result<DeliveryOrder> decode_order(std::string_view packet);

// Texts that would not fit are cut.
std::string encode(const DeliveryOutcome& outcome);
Result<DeliveryOutcome> decode_outcome(std::string_view packet);

}  // namespace ringpost::deliver
