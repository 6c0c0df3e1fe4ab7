// The MIME structure of a message: made in one pass over its bytes, kept beside it, read without parsing.
//
// Layer:   pure.
// Input:   a message, in pieces split anywhere; any bytes. Nothing is refused: what is broken is read as mail programs do.
// Output:  a record: a few hundred bytes for usual mail. From it come ENVELOPE, BODYSTRUCTURE, the places of parts, and the keys of
//          SORT and THREAD.
// Limits:  kMimeDepthMax, kMimePartsMax, kMimeFieldBytesMax, kMimeTextBytesMax; what is beyond stays unread in its part.
// Cost:    O(bytes), memory bounded by the limits.
// RFCs:    2045, 2046, 2047 (kept as it is), 2183 (disposition), 2231 (parameters), 2557 (location), 1864 (MD5), 3282
//          (language), 5322, 9051 section 7.5.2.
//
//   mail::MimeReader reader;
//   reader.write(piece); ...
//   std::string record = reader.finish();
//   ...
//   if (auto structure = mail::MimeStructure::read(record)) ... structure->parts ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::mail {

// One address as ENVELOPE shows it: nothing decoded, nothing made canonical.
struct RawAddress {
  enum class Kind : std::uint8_t {
    mailbox,
    group_begin,  // mailbox_name is the group's name
    group_end,
  };
  Kind kind = Kind::mailbox;
  std::string_view display_name;  // unquoted; encoded words stay. Empty: none
  std::string_view route;         // "@a,@b" of an obsolete source route. Empty: none
  std::string_view local_part;    // unquoted
  std::string_view domain;        // empty when there was none
  bool operator==(const RawAddress&) const = default;
};

// Header fields of a message or of a message/rfc822 part: unfolded, not decoded. nullopt: there is no such field.
// Where a field occurs more than once, the first counts; address fields are put together.
struct MessageEnvelope {
  std::optional<std::string_view> date;
  std::optional<std::string_view> subject;
  std::vector<RawAddress> from;
  std::vector<RawAddress> sender;    // empty: as `from` (RFC 9051 section 7.5.2)
  std::vector<RawAddress> reply_to;  // empty: as `from`
  std::vector<RawAddress> to;
  std::vector<RawAddress> cc;
  std::vector<RawAddress> bcc;
  std::optional<std::string_view> in_reply_to;
  std::optional<std::string_view> message_id;
  std::optional<std::string_view> references;  // for THREAD; ENVELOPE does not show it
};

struct MimeParameter {
  std::string_view name;   // as written; without "*0" and the like, RFC 2231's pieces are put together
  std::string_view value;  // unquoted
  // RFC 2231 encoded it in a charset that we know: `value` is UTF-8, and the star is off the name. Where we do not know the
  // charset the name keeps its star, and the value is as it was written.
  bool extended = false;
};

struct MimePart {
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

  std::string_view type = "text";  // as written; "text" "plain" when there was none or it is broken
  std::string_view subtype = "plain";
  std::vector<MimeParameter> parameters;
  std::optional<std::string_view> id;
  std::optional<std::string_view> description;
  std::string_view encoding = "7bit";
  std::optional<std::string_view> md5;
  std::optional<std::string_view> disposition;
  std::vector<MimeParameter> disposition_parameters;
  std::vector<std::string_view> languages;
  std::optional<std::string_view> location;

  // In the message. The header ends with its empty line, if it has one; the body begins behind it.
  std::uint64_t header_offset = 0;
  std::uint64_t header_size = 0;
  std::uint64_t body_offset = 0;
  std::uint64_t body_size = 0;
  std::uint64_t body_lines = 0;  // line ends in the body

  // In the order of the message. A multipart's children are its parts; a message/rfc822 (message/global) has one child, which
  // is the message inside: its header is that message's.
  std::uint32_t parent = kNone;
  std::uint32_t first_child = kNone;
  std::uint32_t next_sibling = kNone;
  std::uint32_t envelope = kNone;  // of the message inside a message/rfc822: in MimeStructure::envelopes

  bool multipart() const;
  bool message() const { return envelope != kNone; }
  bool has_nul = false;  // in its body: BINARY must send it as literal8
  bool has_eight_bit = false;
};

// A record, read. All views point into it, so it must outlive this.
struct MimeStructure {
  // nullopt when the record is none of ours, or damaged: the caller makes it anew from the message.
  static std::optional<MimeStructure> read(std::string_view record);

  std::vector<MimePart> parts;             // the first is the message; a parent stands before its children
  std::vector<MessageEnvelope> envelopes;  // the first is the message's

  // The part that IMAP calls `numbers` ({1, 2} for 1.2); nullptr when there is none. {} is the message. {1} of a message that
  // is no multipart is its text: the message itself.
  const MimePart* find(std::span<const std::uint32_t> numbers) const;
  const MimePart& at(std::uint32_t index) const { return parts[index]; }
};

// Only the envelope of the message, for ENVELOPE, SORT and THREAD over many messages. Views into the record.
std::optional<MessageEnvelope> read_envelope(std::string_view record);

class MimeReader {
 public:
  MimeReader();
  MimeReader(MimeReader&&) noexcept;
  MimeReader& operator=(MimeReader&&) noexcept;
  ~MimeReader();

  void write(std::string_view piece);
  // Once, after the last piece.
  std::string finish();

 private:
  class Tree;
  std::unique_ptr<Tree> tree_;
};

// The whole of a message at once.
std::string make_mime_record(std::string_view message);

}  // namespace ringpost::mail
