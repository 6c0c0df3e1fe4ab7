#include <fmt/compile.h>
#include <fmt/format.h>

#include "ringpost/imap/response_writer.hpp"

namespace ringpost::imap {

namespace {

void append_part(const std::vector<std::uint32_t>& part, std::string& out) {
  for (std::size_t i = 0; i < part.size(); ++i)
    fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}{}"), i == 0 ? "" : ".", part[i]);
}

std::string_view name_of(Section::Text text) {
  switch (text) {
    case Section::Text::whole:
      return "";
    case Section::Text::header:
      return "HEADER";
    case Section::Text::header_fields:
      return "HEADER.FIELDS";
    case Section::Text::header_fields_not:
      return "HEADER.FIELDS.NOT";
    case Section::Text::text:
      return "TEXT";
    case Section::Text::mime:
      break;
  }
  return "MIME";
}

void append_section(const Section& section, bool utf8, std::string& out) {
  out += '[';
  append_part(section.part, out);
  if (section.text != Section::Text::whole) {
    if (!section.part.empty()) out += '.';
    out += name_of(section.text);
  }
  if (!section.fields.empty()) {
    out += " (";
    for (std::size_t i = 0; i < section.fields.size(); ++i) {
      if (i != 0) out += ' ';
      append_astring(section.fields[i], utf8, out);
    }
    out += ')';
  }
  out += ']';
}

}  // namespace

FetchWriter::FetchWriter(MessageName message, const Dialect& dialect, std::string& out)
    : dialect_(dialect), out_(out) {
  if (dialect.uid_only)
    fmt::format_to(std::back_inserter(out_), FMT_COMPILE("* {} UIDFETCH ("), message.uid);
  else
    fmt::format_to(std::back_inserter(out_), FMT_COMPILE("* {} FETCH ("), message.number);
}

void FetchWriter::begin_item(std::string_view name) {
  if (!first_) out_ += ' ';
  first_ = false;
  out_ += name;
}

void FetchWriter::uid(std::uint32_t uid) {
  begin_item("UID ");
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{}"), uid);
}

void FetchWriter::flags(SystemFlags system, std::span<const std::string_view> keywords) {
  begin_item("FLAGS (");
  if (!dialect_.tells_recent()) system.bits &= SystemFlags::kSettable;
  append_flags(system, keywords, out_);
  out_ += ')';
}

void FetchWriter::mod_sequence(std::uint64_t value) {
  begin_item("MODSEQ (");
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{})"), value);
}

void FetchWriter::internal_date(WallTime time, int zone_minutes) {
  begin_item("INTERNALDATE ");
  append_date_time(time, zone_minutes, out_);
}

void FetchWriter::size(std::uint64_t bytes) {
  begin_item("RFC822.SIZE ");
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{}"), bytes);
}

void FetchWriter::email_id(std::string_view id) {
  begin_item("EMAILID (");
  out_.append(id).append(")");
}

void FetchWriter::thread_id(std::optional<std::string_view> id) {
  begin_item("THREADID ");
  if (id)
    out_.append("(").append(*id).append(")");
  else
    out_ += "NIL";
}

void FetchWriter::save_date(std::optional<WallTime> time, int zone_minutes) {
  begin_item("SAVEDATE ");
  if (time)
    append_date_time(*time, zone_minutes, out_);
  else
    out_ += "NIL";
}

void FetchWriter::preview(std::optional<std::string_view> text) {
  begin_item("PREVIEW ");
  append_nstring(text, dialect_.utf8_strings(), out_);
}

void FetchWriter::envelope(const mail::MessageEnvelope& envelope) {
  begin_item("ENVELOPE ");
  append_envelope(envelope, dialect_.utf8_strings(), out_);
}

void FetchWriter::structure(const mail::MimeStructure& structure, bool extended) {
  begin_item(extended ? "BODYSTRUCTURE " : "BODY ");
  append_body_structure(structure, extended, dialect_.utf8_strings(), out_);
}

// "BODY[1.TEXT]<0>": as it was asked, without PEEK, and of a partial only the offset.
void FetchWriter::section_name(const FetchItem& item) {
  switch (item.kind) {
    case FetchItem::Kind::rfc822:
      return begin_item("RFC822");
    case FetchItem::Kind::rfc822_header:
      return begin_item("RFC822.HEADER");
    case FetchItem::Kind::rfc822_text:
      return begin_item("RFC822.TEXT");
    case FetchItem::Kind::binary:
      begin_item("BINARY");
      break;
    case FetchItem::Kind::binary_size:
      begin_item("BINARY.SIZE");
      break;
    default:
      begin_item("BODY");
      break;
  }
  append_section(item.section, dialect_.utf8_strings(), out_);
  if (item.partial) fmt::format_to(std::back_inserter(out_), FMT_COMPILE("<{}>"), item.partial->offset);
}

void FetchWriter::section(const FetchItem& item, std::uint64_t size, bool literal8) {
  section_name(item);
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE(" {}{{{}}}\r\n"), literal8 ? "~" : "", size);
}

void FetchWriter::section_nil(const FetchItem& item) {
  section_name(item);
  out_ += " NIL";
}

void FetchWriter::binary_size(const FetchItem& item, std::uint64_t size) {
  section_name(item);
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE(" {}"), size);
}

void FetchWriter::section(const FetchItem& item, std::string_view bytes) {
  if (bytes.find('\0') != std::string_view::npos) {
    section(item, bytes.size(), item.kind == FetchItem::Kind::binary);
    out_ += bytes;
    return;
  }
  section_name(item);
  out_ += ' ';
  append_string(bytes, dialect_.utf8_strings(), out_);
}

void FetchWriter::end() {
  out_ += ")\r\n";
}

}  // namespace ringpost::imap
