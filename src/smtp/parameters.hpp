// ESMTP parameters of MAIL and RCPT into the envelope.
//
// Layer: pure.
// Input: what follows the path. Output: nullptr, or the reply that refuses the command.
// RFCs:  5321 section 4.1.2 (esmtp-param), 1870, 3461, 3030, 4954, 6152, 6531.
#pragma once

#include <cstdint>
#include <string_view>

#include "ringpost/mail/envelope.hpp"
#include "ringpost/smtp/replies.hpp"
#include "ringpost/smtp/server_settings.hpp"

namespace ringpost::smtp {

// On refusal `envelope` holds part of them: the caller clears it.
const FixedReply* apply_mail_parameters(std::string_view text, const ServerSettings& settings,
                                        mail::Envelope& envelope);
// Views of `recipient` point into `text`.
const FixedReply* apply_rcpt_parameters(std::string_view text, const ServerSettings& settings,
                                        mail::Recipient& recipient);

}  // namespace ringpost::smtp
