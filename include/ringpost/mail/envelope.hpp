// The envelope of one message: who sends it to whom, and what ESMTP said about it.
//
// Layer:   pure. One arena holds all text; clear() keeps its memory, so the next transaction allocates nothing.
// Owner:   the session or flow that builds it. Views are valid until the next change.
// Limits:  mail/limits.hpp; the session bounds recipients before it adds them.
// RFCs:    5321, 3461 (DSN), 1870 (SIZE), 6152 (8BITMIME), 3030 (BINARYMIME), 6531 (SMTPUTF8), 4954 (AUTH=).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::mail {

enum class BodyKind : std::uint8_t { seven_bit, eight_bit_mime, binary_mime };
std::string_view to_string(BodyKind kind);  // "7BIT", "8BITMIME", "BINARYMIME"

enum class DsnReturn : std::uint8_t { unset, full, headers };

// RFC 3461 section 4.1. Empty means that NOTIFY was not given: failures, and delays if the server likes.
struct Notify {
  static constexpr std::uint8_t kNever = 1;
  static constexpr std::uint8_t kSuccess = 2;
  static constexpr std::uint8_t kFailure = 4;
  static constexpr std::uint8_t kDelay = 8;
  static constexpr std::uint8_t kAll = 15;
  std::uint8_t bits = 0;

  constexpr bool operator==(const Notify&) const = default;
  constexpr bool given() const { return bits != 0; }
  constexpr bool success() const { return (bits & kSuccess) != 0; }
  constexpr bool failure() const { return bits == 0 || (bits & kFailure) != 0; }
  constexpr bool delay() const { return bits == 0 || (bits & kDelay) != 0; }
};
// "SUCCESS,FAILURE"; nullopt when it is no NOTIFY value (NEVER stands alone).
std::optional<Notify> parse_notify(std::string_view value);
void append_notify(Notify notify, std::string& out);

struct Recipient {
  std::string_view address;  // canonical
  Notify notify;
  std::string_view original_recipient;  // ORCPT as received: "rfc822;" and xtext; empty when not given
};

class Envelope {
 public:
  void clear();

  // Plain facts of MAIL FROM.
  BodyKind body = BodyKind::seven_bit;
  bool body_given = false;  // BODY= stood in MAIL FROM
  bool smtputf8 = false;
  DsnReturn dsn_return = DsnReturn::unset;
  std::optional<std::uint64_t> declared_size;  // SIZE=

  // Canonical; empty is the null path.
  void set_reverse_path(std::string_view canonical);
  void set_envid(std::string_view xtext);           // ENVID= as received
  void set_auth_submitter(std::string_view xtext);  // AUTH= as received
  std::string_view reverse_path() const { return text(reverse_path_); }
  std::string_view envid() const { return text(envid_); }
  std::string_view auth_submitter() const { return text(auth_submitter_); }
  bool has_reverse_path() const { return has_reverse_path_; }  // MAIL FROM was given, <> too

  // Whether one more recipient fits: kRecipientsMax, kEnvelopeTextTaken. Ask before add_recipient.
  bool has_room(const Recipient& recipient) const;
  void add_recipient(const Recipient& recipient);
  std::size_t recipient_count() const { return recipients_.size(); }
  Recipient recipient(std::size_t index) const;
  void truncate_recipients(
      std::size_t count);  // keeps the first `count`; the room of the others is free again
  bool has_recipient(std::string_view canonical) const;

  // Some RCPT asked for NOTIFY, ORCPT, or MAIL for RET or ENVID: the next hop must offer DSN, or a report is
  // ours to send.
  bool uses_dsn() const;
  // Bytes of text held; the session counts them against its memory.
  std::size_t text_size() const { return arena_.size(); }

 private:
  struct Slice {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Entry {
    Slice address;
    Slice original_recipient;
    Notify notify;
  };
  Slice keep(std::string_view added);
  std::string_view text(Slice slice) const {
    return std::string_view(arena_).substr(slice.offset, slice.size);
  }

  std::string arena_;
  std::vector<Entry> recipients_;
  Slice reverse_path_;
  Slice envid_;
  Slice auth_submitter_;
  bool has_reverse_path_ = false;
};

}  // namespace ringpost::mail
