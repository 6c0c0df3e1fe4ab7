// The MIME tree of a message, read as leniently as mail programs read it.
//
// Layer:   pure.
// Owner:   MessageView. A part's texts are made when they are asked for and kept.
// Limits:  kPartDepthMax, kPartsMax.
// RFCs:    2045, 2046 section 5.1; multipart/digest and message/rfc822 too.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

class HeaderFields;

class MimePart {
 public:
  MimePart();
  ~MimePart();
  MimePart(MimePart&&) noexcept;

  std::string type = "text/plain";     // lower case
  std::optional<std::string> charset;  // as declared
  std::string name;                    // of the file, "" for none
  bool leaf = true;
  std::size_t depth = 0;  // 0: the message itself
  // Parts inside it are those that follow it up to this one.
  std::size_t end = 0;

  // The decoded value of its last field of that name; "" when there is none. Trimmed, without newline.
  std::string_view field(std::string_view name) const;
  bool has_field(std::string_view name) const;
  const HeaderFields& fields() const { return *fields_; }
  // As it was sent, in LF lines; lines longer than kTextLineSizeMax are broken. Empty for a container.
  std::string_view encoded() const { return encoded_; }
  // Without its transfer encoding.
  const std::string& decoded() const;
  // text/html by type or by the name of the file.
  std::string_view effective_type() const;

 private:
  friend class MimeReader;

  std::shared_ptr<const HeaderFields> fields_;  // of the first part, those of the message, which outlives it
  std::string storage_;                         // of encoded_, when it is not in the message
  std::string_view encoded_;
  mutable std::optional<std::string> decoded_;
};

class MessageParts {
 public:
  // Every part before those that it contains; the first is the message. Never empty.
  std::vector<MimePart> parts;

  // What was odd; see ParseFlags.
  bool missing_mime_headers = false;
  bool missing_mime_header_body_separator = false;
  bool mime_epilogue = false;
  bool part_limit_reached = false;
  // A boundary that was opened and not closed, or closed and not opened.
  bool unbalanced_boundary = false;
};

}  // namespace ringpost::filter
