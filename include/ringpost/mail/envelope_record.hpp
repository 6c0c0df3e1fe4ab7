// The envelope and what was known at arrival, as bytes: the payload of the spool's ENVELOPE record.
//
// Layer:   pure. Little-endian, versioned; decode checks every bound and is safe on any bytes.
// Owner:   an EnvelopeRecord borrows the bytes it was decoded from and is valid as long as they are.
// Limits:  mail/limits.hpp; texts of ArrivalFacts are cut at kFactTextMax.
//
// Layout, offsets in bytes:
//   0 u32 magic "RPE1" | 4 u16 version | 6 u16 fixed_size | 8 u32 recipient_count | 12 u32 text_size
//   16 fixed fields (put_numbers and Text in envelope_record.cpp), of which a newer version may have more:
//      fixed_size says where they end
//   then u32 dots[dot_count]
//      | recipients[recipient_count] of 16 bytes {u32 offset, u16 address size, u16 orcpt size, u8 notify, 7 zero}
//   then text[text_size], into which every offset points.
// Recipients have one size so that recipient 7 of a record is found without reading the six before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/scan/body_facts.hpp"

namespace ringpost::mail {

// Design section 5; the numbers are on disk.
enum class Durability : std::uint8_t { disk = 0, relaxed = 1, memory = 2, through = 3 };
std::string_view to_string(Durability durability);

// Bits of ArrivalFacts::flags; the numbers are on disk.
inline constexpr std::uint16_t kJunk = 1;         // a mailbox files it under Junk
inline constexpr std::uint16_t kQuarantined = 2;  // it waits for an operator before anybody gets it

// What the intake knows beside the envelope. Views are the caller's when encoding, and the record's after decoding.
struct ArrivalFacts {
  WallTime arrival;
  WallTime expiry;
  Durability durability = Durability::disk;
  std::uint8_t priority = 0;         // 0 normal, as `schedule` numbers them
  std::uint16_t received_count = 0;  // Received fields in the message before ours
  std::uint16_t flags = 0;           // kJunk, kQuarantined
  std::string_view peer_address;     // "192.0.2.1" or "2001:db8::1"; empty for a local submission
  std::string_view peer_name;        // by reverse DNS; may be empty
  std::string_view helo;
  std::string_view tls;  // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty for clear text
  std::string_view auth_user;
  std::string_view listener;
  std::string_view tenant;
  scan::BodyFacts body;  // of the message as stored
};

class EnvelopeRecord {
 public:
  // Fails permanently on bytes that are no record; never reads outside of them.
  static Result<EnvelopeRecord> decode(std::span<const std::byte> bytes);

  const ArrivalFacts& facts() const { return facts_; }
  std::string_view reverse_path() const { return reverse_path_; }
  std::string_view envid() const { return envid_; }
  std::string_view auth_submitter() const { return auth_submitter_; }
  BodyKind body() const { return body_; }
  bool body_given() const { return body_given_; }
  bool smtputf8() const { return smtputf8_; }
  DsnReturn dsn_return() const { return dsn_return_; }
  std::size_t recipient_count() const { return recipient_count_; }
  Recipient recipient(std::size_t index) const;  // index < recipient_count()

  // An owned envelope with the same content; declared_size is the message's real size.
  void copy_to(Envelope& envelope) const;

 private:
  template <class FixedReader>
  Result<std::size_t> take_numbers(FixedReader& fixed, bool old);
  template <class FixedReader>
  Result<> take_texts(FixedReader& fixed, bool old);
  Result<> take_dots(std::span<const std::byte> bytes);
  Result<> check_recipients() const;

  ArrivalFacts facts_;
  std::string_view reverse_path_;
  std::string_view envid_;
  std::string_view auth_submitter_;
  std::span<const std::byte> recipients_;
  std::string_view text_;
  std::size_t recipient_count_ = 0;
  std::size_t recipient_size_ = 0;  // of an entry of recipients_
  BodyKind body_ = BodyKind::seven_bit;
  DsnReturn dsn_return_ = DsnReturn::unset;
  bool body_given_ = false;
  bool smtputf8_ = false;
};

// The exact size that encode_envelope writes.
std::size_t encoded_envelope_size(const Envelope& envelope, const ArrivalFacts& facts);
// Writes the record to the front of `out`, which has at least the size above; returns that size.
std::size_t encode_envelope(const Envelope& envelope, const ArrivalFacts& facts, std::span<std::byte> out);

}  // namespace ringpost::mail
