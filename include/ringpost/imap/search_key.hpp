// A search program as a tree.
//
// Layer:   pure. Owner: the command that holds it; a value.
// Limits:  kSearchKeysMax keys, kSearchDepthMax deep; beyond: the command is BAD.
// RFCs:    9051 section 6.4.4, 3501 section 6.4.4 (NEW, OLD, RECENT), 5032 (WITHIN), 5182 ($), 7162 section 3.1.5 (MODSEQ), 8474
//          (EMAILID, THREADID), 8514 (SAVED...).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/imap/number_set.hpp"

namespace ringpost::imap {

struct SearchKey {
  enum class Kind : std::uint8_t {
    all,
    conjunction,   // children: every one
    disjunction,   // children: at least one
    negation,      // children: the one that must not match
    sequence,      // set; may be saved()
    uid,           // set; may be saved()
    flag,          // bits of SystemFlags, one of them; `number`. UNSEEN is a negation, NEW a conjunction
    keyword,       // name
    header,        // name and text; text empty: the field is there. FROM, TO, CC, BCC, SUBJECT too
    body,          // text
    text,          // text: in header or body
    before,        // date, of the internal date without its time and zone
    on,            //
    since,         //
    sent_before,   // date, of the Date field
    sent_on,       //
    sent_since,    //
    saved_before,  // date, of the save date
    saved_on,      //
    saved_since,   //
    save_date_supported,  // everything, or nothing where no save dates are kept
    larger,               // number: bytes
    smaller,              //
    older,                // number: seconds; the internal date is at least so long ago
    younger,              //
    mod_sequence,         // number: at least
    email_id,             // text
    thread_id,            // text
  };
  Kind kind = Kind::all;
  std::string name;  // of a keyword or a header field
  std::string text;  // in UTF-8, whatever the CHARSET was
  std::uint64_t number = 0;
  std::chrono::sys_days date{};
  SequenceSet set;
  std::vector<SearchKey> children;

  bool operator==(const SearchKey&) const = default;
};

// For tests and logs: "(and unseen (or ...))".
std::string to_string(const SearchKey& key);

}  // namespace ringpost::imap
