// What a subject is about: without "Re:", "Fwd:", "(fwd)" and blobs, for SORT and THREAD.
//
// Layer:   pure.
// RFCs:    5256 section 2.1.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::mail {

struct BaseSubject {
  std::string text;  // UTF-8, as i;unicode-casemap compares: title case of ASCII is left to the caller
  bool reply_or_forward = false;  // something of step 2 to 6 was removed (RFC 5256 section 2.1)
};
// `subject` is a Subject field's value, unfolded or not.
BaseSubject base_subject(std::string_view subject);

// What SORT compares strings by (RFC 5051, i;unicode-casemap): simple title case, then decomposed. As a key, in UTF-8.
std::string casemap_key(std::string_view utf8);

}  // namespace ringpost::mail
