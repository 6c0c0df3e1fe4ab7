// What FETCH asks of a message.
//
// Layer:   pure.
// Limits:  kFetchItemsMax, kSectionPartsMax, kSectionFieldsMax.
// RFCs:    9051 section 6.4.5, 3501 (RFC822...), 3516 (BINARY), 7162 (MODSEQ), 8474 (EMAILID, THREADID), 8514 (SAVEDATE), 8970
//          (PREVIEW).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ringpost::imap {

// What stands between the brackets of BODY[...].
struct Section {
  enum class Text : std::uint8_t {
    whole,              // BODY[], BODY[1.2]
    header,             // of the message, or of the message/rfc822 part
    header_fields,      // only `fields`
    header_fields_not,  // all but `fields`
    text,
    mime,  // the part's own header
  };
  std::vector<std::uint32_t> part;  // {1, 2} of 1.2; empty: the message
  Text text = Text::whole;
  std::vector<std::string> fields;  // as written
  bool operator==(const Section&) const = default;
};

// "<offset.size>"; the response names the offset only.
struct Partial {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // not 0
  bool operator==(const Partial&) const = default;
};

struct FetchItem {
  enum class Kind : std::uint8_t {
    flags,
    internal_date,
    rfc822_size,
    envelope,
    body,            // BODY: the structure without extension data
    body_structure,  // BODYSTRUCTURE
    uid,
    mod_sequence,
    email_id,
    thread_id,
    save_date,
    preview,
    preview_lazy,   // only if it is ready
    section,        // BODY[...]
    binary,         // BINARY[...]: without its transfer encoding; section.part only
    binary_size,    // BINARY.SIZE[...]
    rfc822,         // RFC822: as BODY[], under its own name
    rfc822_header,  // as BODY.PEEK[HEADER]
    rfc822_text,    // as BODY[TEXT]
  };
  Kind kind = Kind::flags;
  bool peek = false;  // BODY.PEEK, BINARY.PEEK
  Section section;
  std::optional<Partial> partial;

  // Fetching it sets \Seen.
  bool sets_seen() const;
  bool operator==(const FetchItem&) const = default;
};

}  // namespace ringpost::imap
