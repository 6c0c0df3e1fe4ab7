// MIME: encodings, charsets, what parts there are and how they relate.
#include <unordered_map>

#include "ringpost/filter/html_facts.hpp"
#include "ringpost/filter/parts.hpp"

#include "body_text.hpp"
#include "characters.hpp"
#include "content_type.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

// What one pass over all parts finds.
struct MimeShape {
  bool made = false;
  std::size_t base64_count = 0;
  std::size_t qp_count = 0;
  std::size_t html_count = 0;
  std::size_t text_count = 0;
  std::size_t attachment_count = 0;
  bool base64_text = false;
  bool bad_iso_charset = false;
  bool alternative = false;
  bool qp_long_line = false;
  bool missing_boundary = false;
  bool part_limit_exceeded = false;
  std::size_t illegal_ascii_lines = 0;
  double multipart_ratio = 1;
  double qp_ratio = 0;
  double unicode_ratio = 0;
  std::size_t base64_line_max = 0;
  std::vector<std::string> charsets;  // lower case
};

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
  const bool ascii = kind.type == "text/plain" && kind.charset.value_or("us-ascii") == "us-ascii";
  const bool plain = kind.type == "text/plain" &&
                     (kind.encoding.empty() || kind.encoding == "7bit" || kind.encoding == "8bit");
  const bool base64 = kind.encoding == "base64" && kind.type != "application/ics";
  for (std::string_view rest = part.encoded(); !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (qp && !line.starts_with("SPAM: ")) {
      shape.qp_long_line |= line.size() > 79;
      totals.qp_bytes += line.size();
      totals.qp_codes += needless_codes(line);
    }
    if (ascii && has_illegal_ascii(line)) ++shape.illegal_ascii_lines;
    if (plain) {
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

bool is_text_html(const EvalCall& call) {
  return starts_nocase(text_of(call, "Content-Type"), "text/html");
}

using Property = bool (*)(const MimeShape& shape);
constexpr std::pair<std::string_view, Property> kProperties[] = {
    {"mime_base64_count", [](const MimeShape& shape) { return shape.base64_count > 0; }},
    {"mime_base64_encoded_text", [](const MimeShape& shape) { return shape.base64_text; }},
    {"mime_body_html_count", [](const MimeShape& shape) { return shape.html_count > 0; }},
    {"mime_body_text_count", [](const MimeShape& shape) { return shape.text_count > 0; }},
    {"mime_attachment", [](const MimeShape& shape) { return shape.attachment_count > 0; }},
    {"mime_bad_iso_charset", [](const MimeShape& shape) { return shape.bad_iso_charset; }},
    {"mime_missing_boundary", [](const MimeShape& shape) { return shape.missing_boundary; }},
    {"mime_multipart_alternative", [](const MimeShape& shape) { return shape.alternative; }},
    {"mime_multipart_ratio", [](const MimeShape& shape) { return shape.multipart_ratio != 0; }},
    {"mime_qp_count", [](const MimeShape& shape) { return shape.qp_count > 0; }},
    {"mime_qp_long_line", [](const MimeShape& shape) { return shape.qp_long_line; }},
    {"mime_qp_ratio", [](const MimeShape& shape) { return shape.qp_ratio != 0; }},
    {"mime_ascii_text_illegal", [](const MimeShape& shape) { return shape.illegal_ascii_lines > 0; }},
    {"mime_text_unicode_ratio", [](const MimeShape& shape) { return shape.unicode_ratio > 0; }},
    {"mimepart_limit_exceeded", [](const MimeShape& shape) { return shape.part_limit_exceeded; }},
};

Result<EvalFunction> check_for_mime(const EvalSetup& setup) {
  if (setup.arguments.size() != 1) return fail(ErrorKind::permanent, "takes the name of a property");
  for (const auto& [name, property] : kProperties)
    if (name == setup.arguments[0])
      return [property](const EvalCall& call) { return EvalAnswer::of(property(mime_shape(call))); };
  return [asked = setup.arguments[0] == "mime_faraway_charset",
          locales = Locales(setup.settings)](const EvalCall& call) {
    if (!asked || locales.all()) return EvalAnswer::of(false);
    return EvalAnswer::of(!std::ranges::all_of(
        mime_shape(call).charsets, [&](const std::string& one) { return locales.welcomes(one); }));
  };
}

EvalAnswer check_for_mime_html(const EvalCall& call, Arguments) {
  return EvalAnswer::of(is_text_html(call) || mime_shape(call).html_count > 0);
}

EvalAnswer check_for_mime_html_only(const EvalCall& call, Arguments) {
  const MimeShape& shape = mime_shape(call);
  return EvalAnswer::of(is_text_html(call) || (shape.html_count > 0 && shape.text_count == 0));
}

EvalAnswer check_mime_multipart_ratio(const EvalCall& call, Arguments arguments) {
  const double ratio = mime_shape(call).multipart_ratio;
  return EvalAnswer::of(ratio >= number(arguments, 0, 0) && ratio < number(arguments, 1, 0));
}

EvalAnswer check_for_ascii_text_illegal(const EvalCall& call, Arguments) {
  return EvalAnswer::of(mime_shape(call).illegal_ascii_lines > 0);
}

EvalAnswer check_abundant_unicode_ratio(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(mime_shape(call).unicode_ratio >= number(arguments, 0, 1));
}

EvalAnswer check_qp_ratio(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(mime_shape(call).qp_ratio >= number(arguments, 0, 0));
}

EvalAnswer check_base64_length(const EvalCall& call, Arguments arguments) {
  const auto longest = static_cast<double>(mime_shape(call).base64_line_max);
  if (is_given(arguments, 1) && longest > number(arguments, 1, 0)) return EvalAnswer::of(false);
  return EvalAnswer::of(longest >= number(arguments, 0, 0));
}

EvalAnswer check_msg_parse_flags(const EvalCall& call, Arguments arguments) {
  const ParseFlags flags = call.message.flags();
  const std::string_view name = arguments[0];
  if (name == "missing_head_body_separator") return EvalAnswer::of(flags.missing_header_body_separator);
  if (name == "truncated_header") return EvalAnswer::of(flags.truncated_header);
  if (name == "missing_mime_headers") return EvalAnswer::of(flags.missing_mime_headers);
  if (name == "missing_mime_head_body_separator")
    return EvalAnswer::of(flags.missing_mime_header_body_separator);
  if (name == "mime_epilogue_exists") return EvalAnswer::of(flags.mime_epilogue);
  return EvalAnswer::of(name == "mimepart_limit_exceeded" && flags.part_limit_reached);
}

// A part of an alternative that is neither text nor holds texts.
EvalAnswer check_ma_non_text(const EvalCall& call, Arguments) {
  const auto& parts = call.message.parts().parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].type != "multipart/alternative") continue;
    for (std::size_t inside = i + 1; inside < parts[i].end; ++inside) {
      const MimePart& part = parts[inside];
      if (part.depth != parts[i].depth + 1 || !part.leaf || part.type.empty()) continue;
      if (part.type != "application/rtf" && !part.type.starts_with("text/")) return EvalAnswer::of(true);
    }
  }
  return EvalAnswer::of(false);
}

// --- how much of an alternative's HTML is not in its text ---

// The words are in the rendered texts.
using WordCounts = std::unordered_map<std::string_view, std::size_t>;

void count_words(const WideText& text, WordCounts& counts) {
  const auto blank = [&](std::size_t at) {
    return text.wide ? blank_size_at(text.text, at) : is_space(text.text[at]) ? 1U : 0U;
  };
  const std::string_view all = text.text;
  for (std::size_t at = 0; at < all.size();) {
    while (at < all.size() && blank(at) > 0) at += blank(at);
    const std::size_t begin = at;
    bool word = false;
    while (at < all.size() && blank(at) == 0) {
      word |= is_word(all[at]) || is_eight_bit(all[at]);
      ++at;
    }
    if (word) ++counts[all.substr(begin, at - begin)];
  }
}

struct AlternativeDifference {
  bool made = false;
  double per_cent = 0;  // of the words of the HTML that its text lacks, in the worst alternative
  std::size_t html_words = 0;
  std::size_t text_words = 0;
};

void compare_alternative(const MessageView& message, std::size_t index, AlternativeDifference& difference) {
  const std::vector<MimePart>& parts = message.parts().parts;
  WordCounts html;
  WordCounts text;
  for (std::size_t inside = index + 1; inside < parts[index].end; ++inside) {
    const std::string_view type = parts[inside].type;
    const RenderedPart* rendered = type.starts_with("text") ? message.rendered(inside) : nullptr;
    if (rendered == nullptr) continue;
    if (!rendered->html) {
      count_words(rendered->all, text);
      continue;
    }
    count_words(rendered->all, html);
    // An image stands for words. No word can have this name.
    if (html.empty() && rendered->html->inside.contains("img")) html["\n"] = 1;
  }
  if (html.empty()) return;
  difference.html_words = html.size();
  difference.text_words = text.size();
  std::size_t missing = 0;
  for (const auto& [word, count] : html) {
    const auto found = text.find(word);
    missing += found == text.end() || count > found->second ? 1U : 0U;
  }
  difference.per_cent =
      std::max(difference.per_cent, static_cast<double>(missing) / static_cast<double>(html.size()) * 100);
}

const AlternativeDifference& alternative_difference(const EvalCall& call) {
  auto& difference = call.scratch.of<AlternativeDifference>();
  if (difference.made) return difference;
  difference.made = true;
  const auto& parts = call.message.parts().parts;
  // An invitation is no text to compare.
  if (parts.size() == 3 && parts[0].type == "multipart/alternative" && parts[1].type == "text/html" &&
      parts[2].type == "text/calendar")
    return difference;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i].type == "multipart/alternative") compare_alternative(call.message, i, difference);
  return difference;
}

EvalAnswer multipart_alternative_difference(const EvalCall& call, Arguments arguments) {
  const double found = alternative_difference(call).per_cent;
  const double least = number(arguments, 0, 0);
  return EvalAnswer::of((least == 0 || found > least) &&
                        (!is_given(arguments, 1) || found <= number(arguments, 1, 0)));
}

EvalAnswer multipart_alternative_difference_count(const EvalCall& call, Arguments arguments) {
  const AlternativeDifference& found = alternative_difference(call);
  const auto html = static_cast<double>(found.html_words);
  if (html <= number(arguments, 1, 0)) return EvalAnswer::of(false);
  return EvalAnswer::of(static_cast<double>(found.text_words) / html > number(arguments, 0, 0));
}

// --- charsets of text that look like capital letters ---

std::string_view charset_of_line(std::string_view type) {
  const std::size_t at = find_nocase(type, "charset=");
  if (at == kNowhere) return {};
  std::string_view value = type.substr(at + 8);
  if (value.starts_with('"') || value.starts_with('\'')) {
    const char quote = value.front();
    value.remove_prefix(1);
    return value.substr(0, value.find(quote));
  }
  std::size_t size = 0;
  while (size < value.size() && !is_space(value[size])) ++size;
  return value.substr(0, size);
}

bool looks_like_capitals(const EvalCall& call) {
  if (is_taken_for_capitals(charset_of_line(text_of(call, "Content-Type")))) return true;
  return std::ranges::any_of(mime_shape(call).charsets,
                             [](const std::string& one) { return is_taken_for_capitals(one); });
}

struct UppercaseShare {
  bool made = false;
  double per_cent = 0;
};

// 60 to 76 characters of base64, twice.
bool is_encoded_line(std::string_view line) {
  for (int i = 0; i < 2; ++i) {
    std::size_t size = 0;
    while (size < line.size() && (is_alnum(line[size]) || contains("+/=", line.substr(size, 1)))) ++size;
    if (size < 60 || size > 76 || size >= line.size() || line[size] != ' ') return false;
    line.remove_prefix(size + 1);
  }
  return true;
}

double uppercase_share(const EvalCall& call) {
  auto& share = call.scratch.of<UppercaseShare>();
  if (share.made) return share.per_cent;
  share.made = true;
  if (looks_like_capitals(call)) return 0;
  std::size_t size = 0;
  std::size_t low = 0;
  std::size_t high = 0;
  for (const std::string& line : call.message.body()) {
    const std::string_view text = trim(line);
    if (std::ranges::none_of(text, is_space) || is_encoded_line(line)) continue;
    size += line.size();
    // A letter is upper or lower by one bit; without a branch this goes many bytes at a time.
    unsigned lower_here = 0, upper_here = 0;
    for (const char c : line) {
      lower_here += static_cast<unsigned>(is_lower(c)) | static_cast<unsigned>(is_digit(c));
      upper_here += static_cast<unsigned>(is_upper(c));
    }
    low += lower_here;
    high += upper_here;
  }
  if (size >= 200 && low + high > 0)
    share.per_cent = static_cast<double>(high) / static_cast<double>(high + low) * 100;
  return share.per_cent;
}

EvalAnswer check_for_uppercase(const EvalCall& call, Arguments arguments) {
  const double share = uppercase_share(call);
  return EvalAnswer::of(share > number(arguments, 0, 0) && share <= number(arguments, 1, 0));
}

Result<EvalFunction> check_for_faraway_charset(const EvalSetup& setup) {
  return [locales = Locales(setup.settings)](const EvalCall& call) {
    const std::string_view charset = charset_of_line(text_of(call, "Content-Type"));
    if (locales.all() || charset.empty() || locales.welcomes(charset)) return EvalAnswer::of(false);
    std::size_t size = 0;
    std::size_t high = 0;
    for (const std::string& line : call.message.body()) {
      size += line.size();
      high += static_cast<std::size_t>(std::ranges::count_if(line, is_eight_bit));
    }
    return EvalAnswer::of(high > 3 && size - high <= high);
  };
}

}  // namespace

void add_mime_evals(EvalRegistry& registry) {
  registry.add("check_for_mime", check_for_mime);
  registry.add("check_for_mime_html", {0, 0}, check_for_mime_html);
  registry.add("check_for_mime_html_only", {0, 0}, check_for_mime_html_only);
  registry.add("check_mime_multipart_ratio", {2, 2}, check_mime_multipart_ratio);
  registry.add("check_for_ascii_text_illegal", {0, 0}, check_for_ascii_text_illegal);
  registry.add("check_abundant_unicode_ratio", {1, 1}, check_abundant_unicode_ratio);
  registry.add("check_qp_ratio", {1, 1}, check_qp_ratio);
  registry.add("check_base64_length", {1, 2}, check_base64_length);
  registry.add("check_msg_parse_flags", {1, 1}, check_msg_parse_flags);
  registry.add("check_ma_non_text", {0, 0}, check_ma_non_text);
  registry.add("check_for_uppercase", {2, 2}, check_for_uppercase);
  registry.add("check_for_faraway_charset", check_for_faraway_charset);
  registry.add("multipart_alternative_difference", {2, 2}, multipart_alternative_difference);
  registry.add("multipart_alternative_difference_count", {2, 2}, multipart_alternative_difference_count);
}

}  // namespace ringpost::filter
