// THREAD (RFC 5256): who answers whom, by references or by subjects.
//
// Layer: services; the two algorithms are pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/imap/response_writer.hpp"
#include "ringpost/store/user_mail.hpp"

#include "message_parts.hpp"
#include "steps.hpp"

namespace ringpost::access {

// What the algorithms know of a message.
struct Threading {
  store::Uid uid;
  std::uint32_t number = 0;             // as the answer shows it
  std::int64_t time = 0;                // sent, in seconds since 1970
  std::string id;                       // Message-ID, without brackets; empty: none
  std::vector<std::string> references;  // oldest first; or In-Reply-To's first
  std::string subject;                  // base subject, as it compares
  bool reply = false;                   // the subject says so
};

// Of a damaged message only its INTERNALDATE is known.
Task<Result<std::vector<Threading>>> read_threading(store::UserMail& user,
                                                    const std::vector<store::Message>& messages, Steps& steps,
                                                    const MessageParts::Damaged& damaged);
std::vector<imap::ThreadNode> threads_by_subject(std::vector<Threading> messages);
std::vector<imap::ThreadNode> threads_by_references(std::vector<Threading> messages);

}  // namespace ringpost::access
