#include "received_words.hpp"

#include <algorithm>
#include <cstring>

#include "characters.hpp"
#include "shape.hpp"

namespace ringpost::filter {

BytePairs::BytePairs(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    const std::size_t bit = place(text[at - 1], text[at]);
    bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
}

bool BytePairs::may_hold(std::string_view word) const {
  for (std::size_t at = 1; at < word.size(); ++at) {
    const std::size_t bit = place(word[at - 1], word[at]);
    if ((bits_[bit / 64] >> (bit % 64) & 1U) == 0) return false;
  }
  return true;
}

bool stands_in(std::string_view text, std::string_view word) {
  return word.empty() || memmem(text.data(), text.size(), word.data(), word.size()) != nullptr;
}

std::string_view run_of(std::string_view text, bool (*in)(char)) {
  std::size_t size = 0;
  while (size < text.size() && in(text[size])) ++size;
  return text.substr(0, size);
}

bool not_blank(char c) {
  return c != ' ';
}

std::string received_in_one_line(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (const char c : trim(value))
    if (!is_space(c))
      out += c;
    else if (out.empty() || out.back() != ' ')
      out += ' ';
  while (out.ends_with(';')) {
    out.pop_back();
    if (out.ends_with(' ')) out.pop_back();
  }
  return out;
}

namespace {

constexpr CharacterSet kHeloMarks("-.^+_&:=?!@%*$\\/");

bool is_month(std::string_view word) {
  return word.size() == 3 && contains("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", word);
}
bool is_weekday(std::string_view word) {
  return word.size() == 4 && word.back() == ',' && contains("Mon Tue Wed Thu Fri Sat Sun", word.substr(0, 3));
}
bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, is_digit);
}
bool is_time(std::string_view word) {
  return contains(word, ":") && std::ranges::all_of(word, [](char c) { return is_digit(c) || c == ':'; });
}

bool in_helo(char c) {
  return is_alnum(c) || kHeloMarks.has(c);
}

// What follows the first `label` that begins a word.
std::string_view behind(std::string_view line, std::string_view label) {
  for (std::size_t at = line.find(label); at != kNowhere; at = line.find(label, at + 1))
    if (at == 0 || !is_word(line[at - 1]) || !is_word(label.front())) return line.substr(at + label.size());
  return {};
}

bool is_auth_protocol(std::string_view word) {
  for (const std::string_view one : {"ESMTPA", "ESMTPSA", "LMTPA", "LMTPSA", "UTF8SMTPA", "UTF8SMTPSA",
                                     "UTF8LMTPA", "UTF8LMTPSA", "ASMTP", "HTTP", "HTTPS", "HTTPU"})
    if (equal_nocase(word, one)) return true;
  return false;
}

std::string auth_protocol(std::string_view line, std::string_view label, std::string_view ends) {
  for (std::size_t at = find_nocase(line, label); at != kNowhere; at = find_nocase(line, label, at + 1)) {
    const std::string_view rest = line.substr(at + label.size());
    const std::string_view word = run_of(rest, is_alnum);
    const bool ended = word.size() == rest.size() || contains(ends, rest.substr(word.size(), 1));
    if (ended && is_auth_protocol(word)) return std::string(word);
  }
  return {};
}

}  // namespace

void drop_received_date(std::string& line) {
  std::string_view rest = line;
  const auto take_last = [&] {
    const std::size_t space = rest.find_last_of(" ;");
    const std::string_view word = rest.substr(space == kNowhere ? 0 : space + 1);
    rest = rest.substr(0, space == kNowhere ? 0 : space);
    return word;
  };
  take_last();  // the zone
  if (!is_time(take_last()) || !is_number(take_last()) || !is_month(take_last()) || !is_number(take_last()))
    return;
  std::string_view before = rest;
  if (is_weekday(take_last())) before = rest;
  while (!before.empty() && (is_space(before.back()) || before.back() == ';')) before.remove_suffix(1);
  line.resize(before.size());
}

std::string received_helo(std::string_view line) {
  for (const std::string_view label : {"helo=", "HELO ", "EHLO "})
    if (const std::string_view helo = run_of(behind(line, label), in_helo); !helo.empty())
      return std::string(helo);
  return {};
}

std::string received_id(std::string_view line) {
  for (std::size_t at = line.find(" id "); at != kNowhere; at = line.find(" id ", at + 1)) {
    std::string_view rest = line.substr(at + 4);
    if (rest.starts_with('<')) rest.remove_prefix(1);
    const std::string_view id =
        run_of(rest, [](char c) { return !is_space(c) && c != '<' && c != '>' && c != ';'; });
    if (id.size() >= 3) return std::string(id);
  }
  return {};
}

std::optional<std::string> received_envelope_from(std::string_view line) {
  constexpr CharacterSet kFirst("rReE");
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (!kFirst.has(line[at])) continue;
    std::string_view rest = line.substr(at);
    if (starts_nocase(rest, "return-path"))
      rest.remove_prefix(starts_nocase(rest, "return-path: ")  ? 13
                         : starts_nocase(rest, "return-path ") ? 12
                                                               : rest.size());
    else if (starts_nocase(rest, "envelope-sender") && rest.size() > 16)
      rest.remove_prefix(rest[15] == ' ' || rest[15] == '=' ? 16 : rest.size());
    else if (starts_nocase(rest, "envelope-from") && rest.size() > 14)
      rest.remove_prefix(rest[13] == ' ' || rest[13] == '=' ? 14 : rest.size());
    else
      continue;
    std::string_view word = run_of(rest, not_blank);
    while (!word.empty() && !is_word(word.back())) word.remove_suffix(1);
    if (!word.empty()) return std::string(word);
  }
  return std::nullopt;
}

std::string received_auth(std::string_view line, const BytePairs& pairs) {
  const bool has_by = stands_in(line, pairs, " by ");
  if (has_by)
    if (std::string protocol = auth_protocol(line, " with ", " ;"); !protocol.empty()) return protocol;
  if (const std::size_t at = line.find(" (AUTH: "); at != kNowhere && contains(line.substr(at), ") by ")) {
    const std::string_view before = line.substr(0, at);
    const std::string_view method = run_of(line.substr(at + 8), not_blank);
    for (const std::string_view one : {"LOGIN", "PLAIN", "DIGEST-MD5", "CRAM-MD5"})
      if (method == one && (before.ends_with("])") || before.ends_with(")]"))) return std::string(one);
  }
  if (const std::size_t at = line.find("authenticated"); at != kNowhere) {
    const std::size_t address = std::min({line.find("])"), line.find(")]"), line.find("] (")});
    const std::size_t open = line.rfind('(', at);
    const std::size_t close = line.find(')', at);
    if (address < open && open != kNowhere && close != kNowhere && line.find(" by", close) != kNowhere)
      return "Sendmail";
  }
  if (stands_in(line, pairs, " (authenticated as ") && stands_in(line, pairs, ") by ")) return "CriticalPath";
  if (stands_in(line, pairs, ") (Authenticated sender: ")) {
    std::size_t steps = 0;
    const std::string_view rest = line.substr(line.find(") (Authenticated sender: "));
    if (ShapeMatch postfix(rest, steps);
        postfix.matches(") (Authenticated sender: %x) by %x (Postfix) with "))
      return "Postfix";
    if (ShapeMatch other(rest, steps); other.matches(") (Authenticated sender: %x) by %x (%)) with ")) {
      const std::size_t open = rest.find(" (", rest.find(") by "));
      return "Postfix (" + std::string(run_of(rest.substr(open + 2), [](char c) { return c != ')'; })) + ")";
    }
  }
  if (stands_in(line, pairs, "CommuniGate Pro ") && stands_in(line, pairs, " (account "))
    return "Communigate";
  if (stands_in(line, pairs, " with Microsoft Exchange Server HTTP-DAV")) return "HTTP-DAV";
  if (has_by)
    if (const std::size_t at = find_nocase(line, " (via HTTP"); at != kNowhere) {
      const std::string_view word = run_of(line.substr(at + 6), [](char c) { return c != ')'; });
      if (word.size() <= 5) return std::string(word);
    }
  return {};
}

bool is_over_smtp(std::string_view line) {
  const std::size_t with = line.find(" with ");
  for (const std::string_view protocol : {" SMTP", " QMQP"})
    for (std::size_t at = with == kNowhere ? kNowhere : line.find(protocol, with); at != kNowhere;
         at = line.find(protocol, at + 1))
      if (!line.substr(at + protocol.size()).starts_with(" id ")) return true;
  return false;
}

bool protocol_follows(std::string_view line, std::string_view by) {
  const std::string_view rest = line.substr(static_cast<std::size_t>(by.data() + by.size() - line.data()));
  return rest.starts_with(" with ") || (rest.starts_with(" (") && stands_in(rest, ") with "));
}

}  // namespace ringpost::filter
