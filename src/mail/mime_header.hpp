// The header of a message or part while it is read, and what a MIME record keeps of it.
//
// Layer:   private to `mail`.
// Limits:  kMimeFieldBytesMax each.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mime_fields.hpp"
#include "mime_record.hpp"

namespace ringpost::mail {

class MimeHeader {
 public:
  // One line, with or without its line end; not the empty one.
  void line(std::string_view line);

  // Content-Type as far as the tree needs it.
  struct Type {
    std::string type;  // lower case
    std::string boundary;
    bool multipart = false;
    bool digest = false;
    bool message = false;
  };
  // `in_digest`: the default is message/rfc822.
  Type type(bool in_digest);

  // `opaque`: what is inside was not read, so the type is application/octet-stream.
  void write_part(bool in_digest, bool opaque, mime_record::Writer& out);
  void write_envelope(mime_record::Writer& out) const;

 private:
  enum Field : std::uint8_t {
    date,
    subject,
    in_reply_to,
    message_id,
    references,
    from,
    sender,
    reply_to,
    to,
    cc,
    bcc,
    content_type,
    content_encoding,
    content_id,
    content_description,
    content_md5,
    content_disposition,
    content_language,
    content_location,
    none,
  };
  static constexpr std::size_t kFieldCount = none;

  static Field find(std::string_view name);
  void begin(std::string_view name, std::string_view value);
  void append(std::string_view text);
  const ParameterField& content_type_field(bool in_digest);
  std::optional<std::string> value(Field field) const;

  std::array<std::optional<std::string>, kFieldCount> values_;
  std::optional<ParameterField> type_;
  Field current_ = none;
};

}  // namespace ringpost::mail
