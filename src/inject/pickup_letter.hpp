// A pickup file as mail: whom it is from, who gets it, who cannot, and what the sender is told of that.
//
// Layer: services, private. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/inject/pickup.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/reply.hpp"

#include "pickup_file.hpp"

namespace ringpost::inject {

struct RefusedRecipient {
  std::string address;  // as far as it could be read
  mail::Notify notify;
  mail::Reply reply;
};

struct Letter {
  std::string sender;  // canonical; "" is the null sender
  mail::Envelope envelope;
  std::vector<RefusedRecipient> refused;
};

// Errors: the sender is no address.
Result<Letter> make_letter(const PickupFile& file, const PickupSettings& settings);
// The recipients of `letter` that were to get it, refused after all.
void refuse_all(Letter& letter, const mail::Reply& reply);
// The report to the sender, a whole message; nothing when nobody wants one.
std::optional<std::string> make_report(const Letter& letter, const PickupFile& file,
                                       const PickupSettings& settings, MessageId id, WallTime now);

}  // namespace ringpost::inject
