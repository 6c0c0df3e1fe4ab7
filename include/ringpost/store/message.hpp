// What the store knows of a message in a mailbox without reading it.
//
// Layer: durable (base only). Immutable bytes apart, all of it changes only through UserMail.
// RFCs:  9051 sections 2.3.2 and 2.3.3, 7162, 8514 (SAVEDATE).
#pragma once

#include <cstdint>

#include "ringpost/store/ids.hpp"

namespace ringpost::store {

// The system flags. \Recent is no flag of the store: see Mailbox::recent_from.
enum class Flags : std::uint16_t {
  none = 0,
  seen = 1,
  answered = 2,
  flagged = 4,
  deleted = 8,
  draft = 16,
};
constexpr Flags operator|(Flags a, Flags b) {
  return static_cast<Flags>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Flags operator&(Flags a, Flags b) {
  return static_cast<Flags>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
constexpr Flags operator~(Flags a) {
  return static_cast<Flags>(~static_cast<unsigned>(a) & 31U);
}
constexpr bool has(Flags all, Flags flag) {
  return (all & flag) == flag;
}

// Bits stand for the keywords of the mailbox, in the order of Mailbox::keywords.
using KeywordBits = std::uint64_t;

// 56 bytes in memory and on disk, as they stand here.
struct Message {
  Uid uid;
  std::uint32_t size = 0;  // of the stored bytes
  ModSeq modseq;
  BlobId blob;               // the EMAILID
  std::uint64_t thread = 0;  // the THREADID, or 0
  KeywordBits keywords = 0;
  std::int64_t internal_date = 0;  // seconds since 1970-01-01 UTC
  std::uint32_t save_date = 0;     // the same; when it came into this mailbox
  std::int16_t zone_minutes = 0;   // of the internal date, east of UTC
  Flags flags = Flags::none;
  bool operator==(const Message&) const = default;
};
static_assert(sizeof(Message) == 56);

}  // namespace ringpost::store
