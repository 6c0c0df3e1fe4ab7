// Between the words of the protocols and those of the store.
//
// Layer: services, pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/imap/flags.hpp"
#include "ringpost/imap/number_set.hpp"
#include "ringpost/imap/status_response.hpp"
#include "ringpost/store/user_mail.hpp"

namespace ringpost::access {

// "Anna@Example.com" and "anna@example.com" are one user.
std::string canonical_user(std::string_view login);

store::Flags to_store(imap::SystemFlags flags);
imap::SystemFlags to_imap(store::Flags flags);
std::vector<std::string_view> keywords_of(const store::Mailbox& mailbox, store::KeywordBits bits);

store::UidSet to_store(const imap::NumberSet& uids);
imap::NumberSet to_imap(const store::UidSet& uids);

std::uint8_t to_imap(store::SpecialUse use);  // a bit of imap::SpecialUses, or 0
store::SpecialUse to_store(imap::SpecialUses uses);

// NO with the code that says why (RFC 5530). Views into `failure`.
imap::StatusResponse refusal(const store::Failure& failure, std::string_view no_mailbox_code);
inline imap::StatusResponse refusal(const store::Failure& failure) {
  return refusal(failure, imap::codes::kNonExistent);
}

}  // namespace ringpost::access
