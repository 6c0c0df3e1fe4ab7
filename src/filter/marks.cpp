#include "ringpost/filter/marks.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "ringpost/mail/header.hpp"

namespace ringpost::filter {

namespace {

constexpr std::size_t kLineWidth = 79;
constexpr std::size_t kEncodedRunMax =
    15;  // bytes of one encoded word: 3 characters each, within RFC 2047's 75

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// One run without blanks as encoded words (RFC 2047), cut between characters.
void append_encoded(std::string_view run, std::string& out) {
  const auto continues = [&](std::size_t at) {
    return at < run.size() && (static_cast<unsigned char>(run[at]) & 0xC0U) == 0x80U;
  };
  for (std::size_t at = 0; at < run.size();) {
    std::size_t end = std::min(at + kEncodedRunMax, run.size());
    for (int back = 0; back < 3 && continues(end); ++back) --end;
    out += at == 0 ? "=?UTF-8?Q?" : " =?UTF-8?Q?";
    for (; at < end; ++at) {
      const auto byte = static_cast<unsigned char>(run[at]);
      const bool plain =
          (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
      out += plain ? std::string(1, run[at]) : fmt::format("={:02X}", byte);
    }
    out += "?=";
  }
}

// What may stand in a header: runs with bytes beyond ASCII encoded, control characters as blanks.
std::string header_safe(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    const std::string_view run = text.substr(0, end);
    if (!is_ascii(run))
      append_encoded(run, out);
    else
      for (const char c : run) out += c < ' ' || c == 0x7f ? ' ' : c;
    if (end < text.size()) out += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string without_final_blanks(std::string text) {
  text.erase(text.find_last_not_of(" \t\n") + 1);
  return text;
}

// Each line of the value a line of the field.
std::string folded_lines(std::string_view value) {
  std::string out;
  for (bool first = true; !value.empty(); first = false) {
    const std::size_t end = std::min(value.find('\n'), value.size());
    const std::string_view line = mail::trim(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    if (line.empty() && !first) continue;
    if (!first) out += "\r\n\t";
    out += line;
  }
  return out;
}

// Broken behind blanks and commas, so that lines have at most kLineWidth where that can be.
std::string folded_words(std::string_view value, std::size_t column) {
  std::string out;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find_first_of(" ,"), value.size() - 1) + 1;
    const std::string_view word = value.substr(0, end);
    if (column + word.size() > kLineWidth && !out.empty()) {
      out += "\r\n\t";
      column = 8;
    }
    out += word;
    column += word.size();
    value.remove_prefix(end);
  }
  return out;
}

std::string in_one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

bool is_forged(std::string_view name) {
  constexpr std::string_view kOurs = "X-Spam-", kPrevious = "Prev-";
  if (name.size() < kOurs.size() || !same_name(name.substr(0, kOurs.size()), kOurs)) return false;
  const std::string_view rest = name.substr(kOurs.size());
  return rest.size() < kPrevious.size() || !same_name(rest.substr(0, kPrevious.size()), kPrevious);
}

// The text of `rewrite_header FIELD TEXT`: the last line counts, and one without a text takes it back.
std::optional<std::string_view> rewriting_of(const RuleSet& rules, std::string_view field) {
  std::optional<std::string_view> text;
  for (const Settings::Line& line : rules.settings().lines("rewrite_header")) {
    const std::string_view value = line.value;
    const std::size_t end = std::min(value.find_first_of(" \t"), value.size());
    if (!same_name(value.substr(0, end), field)) continue;
    const std::string_view rest = mail::trim(value.substr(end));
    text = rest.empty() ? std::nullopt : std::optional(rest);
  }
  return text;
}

struct Maker {
  const RuleSet& rules;
  const Verdict& verdict;
  const MarkFacts& facts;
  Marks marks;

  std::string expanded(std::string_view text) const {
    return header_safe(without_final_blanks(expand_tags(text, rules, verdict, facts)));
  }
  void add_field(const AddedHeader& header) {
    const std::string value = expanded(header.value);
    const std::string name = "X-Spam-" + header.name + ": ";
    if (!rules.settings().flag("fold_headers", true)) {
      marks.fields += name + in_one_line(value) + "\r\n";
      return;
    }
    const bool lines = value.find('\n') != std::string::npos;
    marks.fields += name + (lines ? folded_lines(value) : folded_words(value, name.size())) + "\r\n";
  }
  // A tag in front of the subject; of From and To a comment there.
  std::string tag_for(std::string_view name, std::string_view text) const {
    const std::string tag = in_one_line(expanded(text));
    return same_name(name, "Subject") ? tag : "(" + tag + ")";
  }
  void rewrite(const mail::HeaderField& field, std::string_view text) {
    std::string_view old = field.value;
    old.remove_prefix(std::min(old.find_first_not_of(" \t"), old.size()));
    const std::string tag = tag_for(field.name, text);
    marks.fields += fmt::format("X-Spam-Prev-{}: {}\r\n", field.name, old);
    if (old.starts_with(tag + " ")) old.remove_prefix(tag.size() + 1);
    marks.fields += fmt::format("{}: {} {}\r\n", field.name, tag, old);
    marks.cuts.push_back({field.offset, field.size});
  }
  void look_at_header(std::string_view mail) {
    constexpr std::array<std::string_view, 3> kRewritten{"Subject", "From", "To"};
    std::array<std::optional<std::string_view>, 3> texts;
    if (verdict.spam())
      for (std::size_t n = 0; n < texts.size(); ++n) texts[n] = rewriting_of(rules, kRewritten[n]);
    bool subject_seen = false;
    mail::HeaderReader reader(mail);
    while (const auto field = reader.next()) {
      if (is_forged(field->name)) marks.cuts.push_back({field->offset, field->size});
      const auto which = std::ranges::find_if(
          kRewritten, [&](std::string_view name) { return same_name(name, field->name); });
      subject_seen = subject_seen || which == kRewritten.begin();
      if (which == kRewritten.end()) continue;
      if (const auto& text = texts[static_cast<std::size_t>(which - kRewritten.begin())])
        rewrite(*field, *text);
    }
    if (!subject_seen && texts[0])
      marks.fields +=
          fmt::format("X-Spam-Prev-Subject: (nonexistent)\r\nSubject: {}\r\n", tag_for("Subject", *texts[0]));
  }
  // A field of the mail in the header of the report; one that is rewritten shows it here.
  void copy_field(std::string_view mail, std::string_view name) {
    const auto field = mail::find_field(mail, name);
    const auto text = rewriting_of(rules, name);
    if (!field && !(text && same_name(name, "Subject"))) return;
    marks.fields += name;
    marks.fields += ':';
    if (text) marks.fields += " " + tag_for(name, *text);
    if (text && field && !field->value.starts_with(' ')) marks.fields += ' ';
    if (field) marks.fields += field->value;
    marks.fields += "\r\n";
  }
  void wrap(std::string_view mail) {
    std::vector<std::string_view> names{"From", "To", "Cc", "Subject", "Date", "Message-ID"};
    for (const std::string_view name : rules.settings().words("report_safe_copy_headers"))
      if (std::ranges::none_of(names, [&](std::string_view known) { return same_name(known, name); }))
        names.push_back(name);
    for (const std::string_view name : names) copy_field(mail, name);
    const std::string boundary = fmt::format("----------=_{:016X}.report", facts.random);
    const bool as_text = rules.report_safe() == 2;
    marks.fields +=
        fmt::format("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{}\"\r\n", boundary);
    marks.separator = marks.fields.size();
    marks.fields += fmt::format(
        "\r\nThis is a multi-part message in MIME format.\r\n\r\n"
        "--{}\r\nContent-Type: text/plain; charset={}\r\nContent-Disposition: inline\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n{}\r\n"
        "--{}\r\nContent-Type: {}; x-spam-type=original\r\n"
        "Content-Description: the mail as it came\r\nContent-Disposition: {}\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n",
        boundary, rules.settings().text("report_charset").value_or("UTF-8"), report_text(), boundary,
        as_text ? "text/plain" : "message/rfc822", as_text ? "inline" : "attachment");
    marks.tail = fmt::format("\r\n--{}--\r\n", boundary);
  }
  // With CRLF; a template that the rule files lack is replaced by what hit.
  std::string report_text() const {
    std::string text = rules.report_template();
    if (text.empty()) text = "Content analysis details:   (_SCORE_ points, _REQD_ required)\n\n_SUMMARY_";
    std::string out;
    for (const char c : expand_tags(text, rules, verdict, facts)) {
      if (c == '\r') continue;
      if (c == '\n') out += '\r';
      out += c;
    }
    return out;
  }
};

}  // namespace

Marks make_marks(const RuleSet& rules, const Verdict& verdict, std::string_view mail,
                 const MarkFacts& facts) {
  Maker maker{rules, verdict, facts, {}};
  for (const AddedHeader& header : verdict.spam() ? rules.headers_for_spam() : rules.headers_for_ham())
    maker.add_field(header);
  if (verdict.spam() && rules.report_safe() != 0)
    maker.wrap(mail);
  else
    maker.look_at_header(mail);
  return std::move(maker.marks);
}

Marks cut_forged(std::string_view mail) {
  Marks marks;
  mail::HeaderReader reader(mail);
  while (const auto field = reader.next())
    if (is_forged(field->name)) marks.cuts.push_back({field->offset, field->size});
  return marks;
}

}  // namespace ringpost::filter
