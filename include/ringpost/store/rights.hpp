// Who may do what with a mailbox of somebody else: rights, and the access list of a mailbox.
//
// Layer:  base only, pure.
// Lists:  an identifier is the canonical name of a user, or "anyone", each also with "-" before it: rights that are taken away. The
//         owner of a mailbox has all rights, and stands in no list.
// Limits: store/limits.hpp: kAccess...
// RFCs:   4314 sections 2 and 2.1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::store {

// The numbers are on disk.
enum class Right : std::uint16_t {
  lookup = 1,         // l: the mailbox is seen
  read = 2,           // r: selected, and what is in it read
  seen = 4,           // s: \Seen is set and taken away
  write = 8,          // w: other flags, but \Deleted
  insert = 16,        // i: messages come in
  post = 32,          // p: kept, and asked for by nothing here
  create = 64,        // k: mailboxes below it
  remove = 128,       // x: the mailbox itself goes, or gets another name
  trash = 256,        // t: \Deleted is set and taken away
  expunge = 512,      // e
  administer = 1024,  // a: its list is read and changed
};

class Rights {
 public:
  constexpr Rights() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): one right is a set of one
  constexpr Rights(Right right) : bits_(static_cast<std::uint16_t>(right)) {}
  static constexpr Rights all() { return from_bits(kAll); }
  // What the store has written; unknown bits fall away.
  static constexpr Rights from_bits(std::uint32_t bits) {
    Rights rights;
    rights.bits_ = static_cast<std::uint16_t>(bits & kAll);
    return rights;
  }
  // Letters in any order, also the obsolete "c" (k and x) and "d" (e and t). Nothing: another letter.
  static std::optional<Rights> parse(std::string_view letters);

  constexpr bool has(Right right) const { return has_all(right); }
  constexpr bool has_all(Rights these) const { return (bits_ & these.bits_) == these.bits_; }
  constexpr bool has_any(Rights of) const { return (bits_ & of.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint32_t bits() const { return bits_; }
  // "lrswipkxtea", of these those that are there.
  std::string to_string() const;
  // The same with the obsolete letters behind "e", as clients are told: each where any of its rights is there.
  std::string with_obsolete() const;

  friend constexpr Rights operator|(Rights a, Rights b) { return from_bits(a.bits_ | b.bits_); }
  friend constexpr Rights operator&(Rights a, Rights b) { return from_bits(a.bits_ & b.bits_); }
  friend constexpr Rights operator-(Rights a, Rights b) {
    return from_bits(a.bits_ & ~static_cast<std::uint32_t>(b.bits_));
  }
  constexpr bool operator==(const Rights&) const = default;

 private:
  static constexpr std::uint32_t kAll = 0x7FF;
  std::uint16_t bits_ = 0;
};
constexpr Rights operator|(Right a, Right b) {
  return Rights(a) | Rights(b);
}

inline constexpr std::string_view kAnyone = "anyone";

// Of one mailbox, by identifier; none is empty of rights.
using AccessList = std::map<std::string, Rights, std::less<>>;

// What the list gives to a user that is not the owner: what stands for him and for anyone, without what is taken away from either.
Rights rights_of(const AccessList& list, std::string_view reader);

// What becomes of the rights of an identifier.
enum class RightsChange : std::uint8_t { replace, add, remove };

}  // namespace ringpost::store
