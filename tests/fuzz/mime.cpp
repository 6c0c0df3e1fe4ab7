// The MIME record: byte 1 the splits, then a message. The record is the same for any split, reads back, lies within the message, and
// what ENVELOPE and BODYSTRUCTURE make of it parses. The bytes as a record: read or refused.
#include "ringpost/mail/mime.hpp"

#include <string>

#include <fmt/format.h>

#include "ringpost/imap/response_writer.hpp"
#include "ringpost/mail/base_subject.hpp"
#include "ringpost/mail/limits.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

// Parentheses close, quotes close, literals are whole: a client can read it.
bool parses(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
        if (i < text.size() && (text[i] == '\r' || text[i] == '\n' || text[i] == '\0')) return false;
      }
      if (i >= text.size()) return false;
    } else if (text[i] == '{') {
      std::size_t size = 0;
      for (++i; i < text.size() && text[i] != '}'; ++i)
        size = size * 10 + static_cast<std::size_t>(text[i] - '0');
      if (text.substr(i, 3) != "}\r\n" || text.size() - i - 3 < size) return false;
      i += 2 + size;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && depth-- == 0) {
      return false;
    }
  }
  return depth == 0;
}

void check_parts(const mail::MimeStructure& structure, std::string_view message) {
  RP_ASSERT(!structure.parts.empty() && structure.parts.size() <= mail::kMimePartsMax);
  for (const mail::MimePart& part : structure.parts) {
    RP_ASSERT(part.body_offset + part.body_size <= message.size());
    RP_ASSERT(part.body_lines <= part.body_size);
    if (part.parent == mail::MimePart::kNone) continue;
    const mail::MimePart& parent = structure.at(part.parent);
    RP_ASSERT(part.header_offset >= parent.body_offset);
    RP_ASSERT(part.body_offset + part.body_size <= parent.body_offset + parent.body_size);
  }
}

void check_message(std::string_view message, std::uint8_t seed) {
  const std::string record = mail::make_mime_record(message);
  fuzz::Sizes sizes(seed);
  mail::MimeReader pieces;
  for (std::string_view rest = message; !rest.empty();) {
    const fuzz::Exact piece(rest.substr(0, sizes(1 + seed % 50U)));
    pieces.write(piece.text());
    rest.remove_prefix(piece.text().size());
  }
  RP_ASSERT(pieces.finish() == record);
  const fuzz::Exact exact(record);
  const auto structure = mail::MimeStructure::read(exact.text());
  RP_ASSERT(structure);
  check_parts(*structure, message);
  for (const bool utf8 : {false, true}) {
    std::string text;
    imap::append_body_structure(*structure, true, utf8, text);
    imap::append_envelope(structure->envelopes.front(), utf8, text);
    RP_ASSERT(parses(text));
  }
  if (const auto subject = structure->envelopes.front().subject)
    (void)mail::casemap_key(mail::base_subject(*subject).text);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint8_t seed = input.byte();
  const fuzz::Exact message(input.rest());
  check_message(message.text(), seed);
  if (const auto damaged = mail::MimeStructure::read(message.text())) {
    std::string text;
    imap::append_body_structure(*damaged, true, true, text);
  }
  (void)mail::read_envelope(message.text());
  return 0;
}
