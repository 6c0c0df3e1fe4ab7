// A pickup file as mail: whom it is from, who gets it, who cannot, and what the sender is told of that.
//
// Layer: services, private. Pure.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
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
  // At least one; the recipients of all of them are to get the mail, which is too much for one envelope.
  std::vector<mail::Envelope> envelopes;
  std::vector<RefusedRecipient> refused;
};

// For all recipients but those of `done`. Errors: the sender is no address.
Result<Letter> make_letter(const PickupFile& file, const PickupSettings& settings,
                           const std::unordered_set<std::string>& done);
// The recipients of one of its envelopes, refused after all.
void refuse_all(Letter& letter, std::size_t envelope, const mail::Reply& reply);
// The report to the sender, a whole message; nothing when nobody wants one.
std::optional<std::string> make_report(const Letter& letter, const PickupFile& file,
                                       const PickupSettings& settings, MessageId id, WallTime now);

}  // namespace ringpost::inject
