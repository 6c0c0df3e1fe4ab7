// What a delivery report says to a person, and how its fields are folded.
//
// Layer:   private to `mail`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ringpost/mail/dsn.hpp"

namespace ringpost::mail {

// The status that stands in the report: given, or the reply's, or the action's.
EnhancedStatus dsn_status(const DsnRecipient& recipient);
// failed before delayed before the rest.
DsnAction worst_action(std::span<const DsnRecipient> recipients);
std::string_view dsn_subject(DsnAction action);
// The first part: what happened to whom, why, and what can be done. CRLF lines.
std::string dsn_text(const DsnReport& report, std::span<const DsnRecipient> shown);
// "Name: value" in lines of 78 where there are blanks, and never over 998.
void append_folded(std::string_view name, std::string_view value, std::string& out);

}  // namespace ringpost::mail
