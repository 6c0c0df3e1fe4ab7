#include "mail_addresses.hpp"

#include <algorithm>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

constexpr CharacterSet kAtomMarks("!#$%&'*+/=?^_`{|}~-");

constexpr std::size_t kLocalSizeMax = 64;
constexpr std::size_t kLabelsMax = 5;  // with the top-level domain

bool in_atom(char c) {
  return is_alnum(c) || kAtomMarks.has(c);
}

// Where the local part before the '@' at `sign` begins; `sign` when there is none.
std::size_t local_begin(std::string_view text, std::size_t sign, std::size_t from) {
  std::size_t at = sign;
  while (at > from && sign - at <= kLocalSizeMax) {
    const char c = text[at - 1];
    const bool dot = c == '.' && at < sign && text[at] != '.' && at - 1 > from && in_atom(text[at - 2]);
    if (!in_atom(c) && !dot) break;
    --at;
  }
  return sign - at > kLocalSizeMax ? sign : at;
}

// The size of the host at `at`; 0 when it is none.
std::size_t host_size(std::string_view text, std::size_t at, const RegistrarBoundaries& registrars) {
  std::size_t end = at;
  while (end < text.size() && (is_alnum(text[end]) || text[end] == '-' || text[end] == '.')) ++end;
  while (end > at && text[end - 1] == '.') --end;
  std::string_view host = text.substr(at, end - at);
  const std::size_t dot = host.rfind('.');
  if (dot == kNowhere || !registrars.is_valid_tld(host.substr(dot + 1))) return 0;
  if (static_cast<std::size_t>(std::ranges::count(host, '.')) + 1 > kLabelsMax) return 0;
  for (std::string_view rest = host; !rest.empty();) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty() || label.size() > 61 || label.front() == '-' || label.back() == '-') return 0;
    rest.remove_prefix(std::min(label.size() + 1, rest.size()));
  }
  return host.size();
}

std::string without_urls(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const std::size_t bracket = rest.starts_with('<') ? 1 : 0;
    const bool url =
        starts_nocase(rest.substr(bracket), "http://") || starts_nocase(rest.substr(bracket), "https://");
    std::size_t size = 0;
    while (url && size < rest.size() && !is_space(rest[size])) ++size;
    const std::string_view run = rest.substr(0, std::min<std::size_t>(size, 520));
    if (url && (contains(run, "@") || contains(run, "%40"))) {
      out += ' ';
      at += run.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

// "Subject:" and its like follow; not a telephone number.
bool header_follows(std::string_view rest) {
  std::size_t blanks = 0;
  while (blanks < rest.size() && blanks < 10 && is_space(rest[blanks])) ++blanks;
  if (blanks == 0) return false;
  rest.remove_prefix(blanks);
  for (const std::string_view word : {"fax", "facsi", "tel", "phone", "email", "e-mail", "mail", "-mail"})
    if (starts_nocase(rest, word)) return false;
  std::size_t letters = 0;
  while (letters < rest.size() && is_letter(rest[letters])) ++letters;
  return letters >= 2 && letters <= 11 && letters < rest.size() && rest[letters] == ':';
}

}  // namespace

MailAddressPlace find_mail_address(std::string_view text, std::size_t from,
                                   const RegistrarBoundaries& registrars) {
  for (std::size_t sign = text.find('@', from); sign != kNowhere; sign = text.find('@', sign + 1)) {
    const std::size_t begin = local_begin(text, sign, from);
    const std::size_t size = begin == sign ? 0 : host_size(text, sign + 1, registrars);
    if (size > 0) return {begin, sign + 1 + size - begin};
  }
  return {};
}

std::string without_quoted_addresses(std::string_view line, const RegistrarBoundaries& registrars) {
  const std::string text = without_urls(line);
  std::string out;
  std::size_t at = 0;
  for (MailAddressPlace place = find_mail_address(text, 0, registrars); place.size > 0;
       place = find_mail_address(text, at, registrars)) {
    const std::size_t end = place.begin + place.size;
    const std::string_view rest = std::string_view(text).substr(end);
    const bool linked = place.begin >= 7 && std::string_view(text).substr(place.begin - 7, 7) == "mailto:";
    const bool bracket = rest.starts_with('>');
    if (linked || (!bracket && !header_follows(rest))) {
      out += std::string_view(text).substr(at, end - at);
      at = end;
      continue;
    }
    out += std::string_view(text).substr(at, place.begin - at);
    if (out.ends_with('<')) out.pop_back();
    out += ' ';
    at = bracket ? end + 1 : text.find(':', end) + 1;
  }
  return out + text.substr(at);
}

}  // namespace ringpost::filter
