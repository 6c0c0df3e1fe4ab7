// ENVELOPE, BODY and BODYSTRUCTURE from a MIME record (RFC 9051 section 7.5.2).
#include <fmt/compile.h>
#include <fmt/format.h>

#include "ringpost/imap/response_writer.hpp"
#include "ringpost/mail/address.hpp"

namespace ringpost::imap {

namespace {

using mail::MimePart;
using mail::RawAddress;

class EnvelopeText {
 public:
  EnvelopeText(bool utf8, std::string& out) : utf8_(utf8), out_(out) {}

  void write(const mail::MessageEnvelope& envelope) {
    out_ += '(';
    nstring(envelope.date);
    nstring(envelope.subject);
    addresses(envelope.from);
    addresses(envelope.sender.empty() ? envelope.from : envelope.sender);
    addresses(envelope.reply_to.empty() ? envelope.from : envelope.reply_to);
    addresses(envelope.to);
    addresses(envelope.cc);
    addresses(envelope.bcc);
    nstring(envelope.in_reply_to);
    nstring(envelope.message_id);
    out_.back() = ')';
  }

 private:
  void nstring(const std::optional<std::string_view>& text) {
    append_nstring(text, utf8_, out_);
    out_ += ' ';
  }
  void some(std::string_view text) {
    append_nstring(text.empty() ? std::nullopt : std::optional(text), utf8_, out_);
    out_ += ' ';
  }

  void addresses(const std::vector<RawAddress>& list) {
    if (list.empty()) {
      out_ += "NIL ";
      return;
    }
    out_ += '(';
    for (const RawAddress& address : list) one(address);
    out_ += ") ";
  }

  // A host of NIL is what makes it a group, so a missing one is empty.
  void one(const RawAddress& address) {
    switch (address.kind) {
      case RawAddress::Kind::group_begin:
        out_ += "(NIL NIL ";
        append_string(address.local_part, utf8_, out_);
        out_ += " NIL)";
        return;
      case RawAddress::Kind::group_end:
        out_ += "(NIL NIL NIL NIL)";
        return;
      case RawAddress::Kind::mailbox:
        out_ += '(';
        some(address.display_name);
        some(address.route);
        append_string(address.local_part, utf8_, out_);
        out_ += ' ';
        append_string(address.domain, utf8_, out_);
        out_ += ')';
        return;
    }
  }

  bool utf8_;
  std::string& out_;
};

// RFC 2231 section 4, for clients that may not get UTF-8.
std::string percent_encoded(std::string_view utf8) {
  std::string out = "utf-8''";
  for (const char c : utf8) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '.' || c == '-' || c == '_';
    if (plain)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), FMT_COMPILE("%{:02X}"), static_cast<unsigned char>(c));
  }
  return out;
}

class StructureText {
 public:
  StructureText(const mail::MimeStructure& structure, bool extended, bool utf8, std::string& out)
      : structure_(structure), extended_(extended), utf8_(utf8), out_(out) {}

  // As deep as the structure: kMimeDepthMax.
  void write(const MimePart& part) {
    if (part.multipart())
      multipart(part);
    else
      single(part);
  }

 private:
  void multipart(const MimePart& part) {
    out_ += '(';
    // The grammar has no multipart without parts.
    if (part.first_child == MimePart::kNone) {
      out_ += "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0";
      out_ += extended_ ? " NIL NIL NIL NIL)" : ")";
    }
    for (auto child = part.first_child; child != MimePart::kNone; child = structure_.at(child).next_sibling)
      write(structure_.at(child));
    out_ += ' ';
    append_string(part.subtype, utf8_, out_);
    if (extended_) {
      out_ += ' ';
      parameters(part.parameters);
      extension(part);
    }
    out_ += ')';
  }

  void single(const MimePart& part) {
    out_ += '(';
    append_string(part.type, utf8_, out_);
    out_ += ' ';
    append_string(part.subtype, utf8_, out_);
    out_ += ' ';
    parameters(part.parameters);
    out_ += ' ';
    append_nstring(part.id, utf8_, out_);
    out_ += ' ';
    append_nstring(part.description, utf8_, out_);
    out_ += ' ';
    append_string(part.encoding, utf8_, out_);
    number(part.body_size);
    if (part.message()) {
      out_ += ' ';
      append_envelope(structure_.envelopes[part.envelope], utf8_, out_);
      out_ += ' ';
      write(structure_.at(part.first_child));
    }
    if (part.message() || mail::equal_ignoring_case(part.type, "text")) number(part.body_lines);
    if (extended_) {
      out_ += ' ';
      append_nstring(part.md5, utf8_, out_);
      extension(part);
    }
    out_ += ')';
  }

  // Disposition, language, location.
  void extension(const MimePart& part) {
    if (part.disposition) {
      out_ += " (";
      append_string(*part.disposition, utf8_, out_);
      out_ += ' ';
      parameters(part.disposition_parameters);
      out_ += ") ";
    } else {
      out_ += " NIL ";
    }
    if (part.languages.empty()) {
      out_ += "NIL ";
    } else {
      out_ += '(';
      for (const std::string_view language : part.languages) {
        append_string(language, utf8_, out_);
        out_ += ' ';
      }
      out_.back() = ')';
      out_ += ' ';
    }
    append_nstring(part.location, utf8_, out_);
  }

  void number(std::uint64_t value) { fmt::format_to(std::back_inserter(out_), FMT_COMPILE(" {}"), value); }

  void parameters(const std::vector<mail::MimeParameter>& list) {
    if (list.empty()) {
      out_ += "NIL";
      return;
    }
    out_ += '(';
    for (const mail::MimeParameter& one : list) {
      append_string(one.extended ? std::string(one.name) + '*' : std::string(one.name), utf8_, out_);
      out_ += ' ';
      append_string(one.extended && !utf8_ ? percent_encoded(one.value) : std::string(one.value), utf8_,
                    out_);
      out_ += ' ';
    }
    out_.back() = ')';
  }

  const mail::MimeStructure& structure_;
  bool extended_;
  bool utf8_;
  std::string& out_;
};

}  // namespace

void append_envelope(const mail::MessageEnvelope& envelope, bool utf8, std::string& out) {
  EnvelopeText(utf8, out).write(envelope);
}

void append_body_structure(const mail::MimeStructure& structure, bool extended, bool utf8, std::string& out) {
  StructureText(structure, extended, utf8, out).write(structure.parts.front());
}

}  // namespace ringpost::imap
