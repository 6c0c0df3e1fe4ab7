// Content-Transfer-Encoding undone as mail programs do it: whatever the body holds, something is decoded.
//
// Layer:   pure. Never fails; the output is never longer than the input.
// RFCs:    2045 sections 6.7 and 6.8, and the lies that people send: blanks inside, stray characters, missing and early padding.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::mail {

// Stray characters are skipped, '=' inside counts as 'A', a lone last digit is dropped.
std::string decode_base64_tolerant(std::string_view text);
// Blanks before a line end and soft line breaks go; "=XY" that is no byte stays.
std::string decode_quoted_printable(std::string_view text);

}  // namespace ringpost::mail
