// What a user may do with a mailbox that may be somebody else's, and what that leaves of a command.
//
// Layer: services, without I/O; rights_of on the owner core of the mailbox.
// RFCs:  4314 sections 4 and 5.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/store/user_mail.hpp"

namespace ringpost::access {

// The owner may do everything.
store::Rights rights_of(const store::UserMail& owner, store::MailboxId mailbox, std::string_view reader);
// OK when the reader has all the rights now; else what Reach says, as an error: no mailbox, to who may not see it.
store::Outcome<> may(const store::UserMail& owner, store::MailboxId mailbox, store::Rights needed,
                     std::string_view reader);
// The same for a change that waits for its turn: a right that is taken while it waits is not there any more. `owner` and `reader`
// live until the change is done. The owner is not asked.
store::May still_may(const store::UserMail& owner, store::MailboxId mailbox, store::Rights needed,
                     std::string_view reader);
std::unexpected<store::Failure> no_mailbox();
std::unexpected<store::Failure> not_allowed(std::string text = "The owner of the mailbox does not allow it");
// MYRIGHTS is answered to who has any of them.
inline constexpr store::Rights kSeen = store::Right::lookup | store::Right::read | store::Right::insert |
                                       store::Right::create | store::Right::remove | store::Right::administer;
// To take messages out of a mailbox.
inline constexpr store::Rights kTakeOut = store::Right::trash | store::Right::expunge;
// To make this change of flags, all of it.
store::Rights rights_for(const store::FlagChange& change);

// Nothing in the mailbox can be changed.
bool only_reads(store::Rights rights);
// System flags that may be set and taken away.
store::Flags changeable_flags(store::Rights rights);
// What stays of the flags with which a message comes.
store::Flags allowed(store::Flags flags, store::Rights rights);
std::vector<std::string> allowed(std::vector<std::string> keywords, store::Rights rights);
// What of a change of flags is done, one after the other: two changes, where only some of the flags may be replaced. `known`:
// keywords of the mailbox. Nothing: none of what it wants is allowed.
std::optional<std::vector<store::FlagChange>> allowed(const store::FlagChange& wanted, store::Rights rights,
                                                      std::span<const std::string> known);

}  // namespace ringpost::access
