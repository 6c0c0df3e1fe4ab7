// SORT (RFC 5256, 5957): messages in the order of keys that come from their prepared envelopes.
//
// Layer: services.
#pragma once

#include <vector>

#include "ringpost/imap/command.hpp"
#include "ringpost/mail/mime.hpp"
#include "ringpost/store/user_mail.hpp"

#include "message_parts.hpp"
#include "steps.hpp"

namespace ringpost::access {

// By the keys, and where they say nothing by UID. A damaged message has its size and INTERNALDATE, and all else of it is empty.
Task<Result<std::vector<store::Message>>> sorted(store::UserMail& user, std::vector<store::Message> messages,
                                                 const std::vector<imap::SortKey>& keys, Steps& steps,
                                                 const MessageParts::Damaged& damaged);
// What RETURN (SAVE ...) keeps of hits in the order of the answer (RFC 5182 section 2.4, RFC 9394 section 3.2): with MIN, MAX or
// PARTIAL and without COUNT, only those.
store::UidSet saved_of(const std::vector<store::Message>& found, const imap::ReturnOptions& options);
// The Date field, or the internal date, in seconds since 1970.
std::int64_t sent_time(const mail::MessageEnvelope& envelope, const store::Message& message);

}  // namespace ringpost::access
