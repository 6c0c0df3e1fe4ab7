#include "mime_shape.hpp"

#include <algorithm>
#include <optional>

#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/parts.hpp"

#include "characters.hpp"
#include "content_type.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

struct PartKind {
  std::string type;
  std::string encoding;
  std::string disposition;
  std::optional<std::string> charset;  // lower case
};

PartKind kind_of(const MimePart& part) {
  PartKind kind;
  // As get_header gives it: with its newline, empty when the field is not there.
  const ContentType type = parse_content_type(
      part.has_field("content-type") ? std::string(part.field("content-type")) : std::string{});
  kind.type = type.type;
  kind.encoding = lower(part.field("content-transfer-encoding"));
  kind.disposition = lower(part.field("content-disposition"));
  if (type.charset) kind.charset = lower(*type.charset);
  return kind;
}

bool names_ascii(std::string_view charset) {
  for (const std::string_view one :
       {"us-ascii", "ansi_x3.4-1968", "iso-ir-6", "ansi_x3.4-1986", "iso_646.irv:1991", "ascii", "iso646-us",
        "us", "ibm367", "cp367", "csascii"})
    if (contains(charset, one)) return true;
  return false;
}

// "iso-something-else" that is no charset of ISO.
bool is_bad_iso(std::string_view charset) {
  const std::size_t at = charset.find("iso-");
  if (at == kNowhere || charset.find('-', at + 5) == kNowhere) return false;
  if (contains(charset, "iso-2022-jp") || contains(charset, "iso-2022-kr")) return false;
  const std::size_t latin = charset.find("iso-8859-");
  return latin == kNowhere || latin + 9 >= charset.size() || !is_digit(charset[latin + 9]);
}

void note_kind(const PartKind& kind, MimeShape& shape) {
  const std::string charset = kind.charset.value_or("");
  if (kind.type == "text/html")
    ++shape.html_count;
  else if (kind.type.starts_with("text"))
    ++shape.text_count;
  const bool base64 = contains(kind.encoding, "base64");
  if (base64)
    ++shape.base64_count;
  else if (contains(kind.encoding, "quoted-printable"))
    ++shape.qp_count;
  if (contains(kind.disposition, "attachment")) ++shape.attachment_count;
  const bool detached = kind.disposition.starts_with("attachment") || kind.disposition.starts_with("inline");
  if (kind.type.starts_with("text") && base64 && (charset.empty() || names_ascii(charset)) && !detached)
    shape.base64_text = true;
  shape.bad_iso_charset |= is_bad_iso(charset);
  if (std::ranges::any_of(charset, is_letter)) shape.charsets.push_back(charset);
  shape.alternative |= kind.type == "multipart/alternative";
}

// Characters that need no code, written as one: "=41". Those at the end of a line are meant well.
std::ptrdiff_t needless_codes(std::string_view line) {
  std::ptrdiff_t count = 0;
  for (std::size_t at = line.find('='); at != kNowhere; at = line.find('=', at + 1)) {
    if (line.size() - at < 3) break;
    const char high = line[at + 1];
    const char low = line[at + 2];
    const bool upper_hex = is_digit(low) || (low >= 'A' && low <= 'F');
    const bool tab = high == '0' && low == '9';
    const bool sign = high == '3' && upper_hex && low != 'D';
    const bool letter = contains("2456", {&high, 1}) && upper_hex;
    const bool late_letter = high == '7' && upper_hex && low != 'F';
    count += tab || sign || letter || late_letter ? 1 : 0;
  }
  if (count == 0) return 0;
  std::string_view rest = trim_back(line);
  while (rest.ends_with("=20") || rest.ends_with("=09")) {
    rest.remove_suffix(3);
    --count;
  }
  return count;
}

std::size_t unicode_references(std::string_view line) {
  std::size_t count = 0;
  for (std::size_t at = line.find("&#x"); at != kNowhere; at = line.find("&#x", at + 1)) {
    const std::string_view code = line.substr(at + 3, 5);
    const bool four =
        code.size() == 5 && code.back() == ';' &&
        std::ranges::all_of(code.substr(0, 4), [](char c) { return is_digit(c) || (c >= 'A' && c <= 'F'); });
    count += four ? 1U : 0U;
  }
  return count;
}

struct Totals {
  std::ptrdiff_t qp_codes = 0;
  std::size_t qp_bytes = 0;
  std::size_t plain_bytes = 0;
  std::size_t references = 0;
};

// Looks at all of it, which goes many bytes at a time.
bool has_illegal_ascii(std::string_view line) {
  unsigned found = 0;
  for (const char c : line)
    found |= static_cast<unsigned>(c == '\0') | static_cast<unsigned>(c == '\r') |
             static_cast<unsigned>(is_eight_bit(c));
  return found != 0;
}

void note_lines(const MimePart& part, const PartKind& kind, MimeShape& shape, Totals& totals) {
  const bool qp = kind.encoding == "quoted-printable";
  const std::string_view whole = part.encoded();
  const bool ascii = kind.type == "text/plain" && kind.charset.value_or("us-ascii") == "us-ascii" &&
                     has_illegal_ascii(whole);
  const bool plain = kind.type == "text/plain" &&
                     (kind.encoding.empty() || kind.encoding == "7bit" || kind.encoding == "8bit");
  const bool refers = plain && contains(whole, "&#x");
  if (plain && !refers) totals.plain_bytes += whole.size();
  const bool base64 = kind.encoding == "base64" && kind.type != "application/ics";
  // Most texts have nothing that counts, which needs no lines to see.
  if (!qp && !ascii && !refers && !base64) return;
  for (std::string_view rest = whole; !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (qp && !line.starts_with("SPAM: ")) {
      shape.qp_long_line |= line.size() > 79;
      totals.qp_bytes += line.size();
      totals.qp_codes += needless_codes(line);
    }
    if (ascii && has_illegal_ascii(line)) ++shape.illegal_ascii_lines;
    if (refers) {
      const std::size_t references = unicode_references(line);
      totals.references += references;
      totals.plain_bytes += line.size() - 8 * references;
    }
    if (base64) shape.base64_line_max = std::max(shape.base64_line_max, line.size());
  }
}

// The sizes of the last HTML and of the last text part.
struct AlternativeSizes {
  std::optional<std::size_t> html;
  std::optional<std::size_t> text;

  void note(const MimePart& part, const PartKind& kind, bool in_alternative) {
    if (contains(kind.disposition, "attachment")) return;
    const std::size_t size = in_alternative ? part.encoded().size() : 0;
    if (kind.type == "text/html") html = size;
    if (kind.type == "text/plain") text = size;
  }
};

}  // namespace

const MimeShape& mime_shape(const EvalCall& call) {
  auto& shape = call.scratch.of<MimeShape>();
  if (shape.made) return shape;
  shape.made = true;
  Totals totals;
  AlternativeSizes sizes;
  const MessageParts& parts = call.message.parts();
  for (const MimePart& part : parts.parts) {
    const PartKind kind = kind_of(part);
    note_kind(kind, shape);
    if (!part.leaf) continue;
    sizes.note(part, kind, shape.alternative);
    note_lines(part, kind, shape, totals);
  }
  if (totals.qp_bytes > 0) {
    shape.qp_ratio = static_cast<double>(totals.qp_codes) / static_cast<double>(totals.qp_bytes);
    shape.qp_count = totals.qp_codes > 0 ? static_cast<std::size_t>(totals.qp_codes) : 0;
  }
  if (totals.plain_bytes > 0)
    shape.unicode_ratio = static_cast<double>(totals.references) / static_cast<double>(totals.plain_bytes);
  if (shape.alternative && sizes.html.value_or(0) > 0 && sizes.text)
    shape.multipart_ratio = static_cast<double>(*sizes.text) / static_cast<double>(*sizes.html);
  shape.missing_boundary = parts.unbalanced_boundary;
  shape.part_limit_exceeded = parts.part_limit_reached;
  return shape;
}

}  // namespace ringpost::filter
