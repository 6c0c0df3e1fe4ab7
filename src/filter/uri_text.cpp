#include "uri_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "characters.hpp"
#include "uri_canonical.hpp"

namespace ringpost::filter {

namespace {

using Set = std::array<bool, 256>;

constexpr Set set_of(std::string_view characters) {
  Set set{};
  for (const char c : characters) set[static_cast<unsigned char>(c)] = true;
  return set;
}
constexpr Set operator|(Set a, const Set& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = a[i] || b[i];
  return a;
}
constexpr Set eight_bit() {
  Set set{};
  for (std::size_t i = 0x80; i < set.size(); ++i) set[i] = true;
  return set;
}
constexpr bool has(const Set& set, char c) {
  return set[static_cast<unsigned char>(c)];
}

// ESC begins a shift of ISO-2022, and 0xA0 is a no-break space in Latin-1.
constexpr Set kSpaces = set_of(" \t\n\v\f\r\x1B\xA0");
constexpr Set kEnds = kSpaces | set_of("><\"`}]{[|");
constexpr Set kMailEnds = kEnds | set_of(",('") | eight_bit();
constexpr Set kMailUserEnds = kMailEnds | set_of("@");
constexpr Set kStarts = kSpaces | set_of("><\"'`,{[(|");
constexpr Set kBareStarts = kSpaces | set_of("!\"#$&'()*+,/:;<=>?@[\\]^`{|}~");

constexpr std::size_t kRunMax = 2048;
constexpr std::size_t kMailRunMax = 251;
constexpr std::size_t kHostRunMax = 252;

enum class Kind : unsigned char { scheme, mail, bare };

struct Found {
  Kind kind = Kind::scheme;
  std::size_t end = 0;
  std::size_t host_end = 0;  // of a bare one
};

class Finder {
 public:
  Finder(std::string_view line, const RegistrarBoundaries& registrars)
      : line_(line), registrars_(registrars) {}

  // The next one from `at` on, which is set to its begin.
  std::optional<Found> next(std::size_t& at) {
    for (; at < line_.size(); ++at) {
      if (mark_ < at || at == 0) find_mark(at);
      if (mark_ == kNowhere) return std::nullopt;
      at = std::max(at, mark_run_);
      if (!may_begin(at)) continue;
      if (auto found = with_scheme(at)) return found;
      if (auto found = mail(at)) return found;
      if (auto found = bare(at)) return found;
    }
    return std::nullopt;
  }

 private:
  // Every URI has an '@', a ":/" or a dot that goes on, with no blank or quote before it: most words have none.
  void find_mark(std::size_t from) {
    const auto is_mark = [&](std::size_t at) {
      const char c = line_[at];
      if (c == '@') return true;
      if (at + 1 == line_.size()) return false;
      return (c == '.' && !has(kEnds, line_[at + 1])) || (c == ':' && line_[at + 1] == '/');
    };
    std::size_t at = from;
    while (at < line_.size() && !is_mark(at)) ++at;
    mark_ = at < line_.size() ? at : kNowhere;
    mark_run_ = at;
    while (mark_run_ > from && !has(kEnds, line_[mark_run_ - 1])) --mark_run_;
  }

  bool may_begin(std::size_t at) const {
    const bool word_before = at > 0 && is_word(line_[at - 1]);
    if (word_before != is_word(line_[at])) return true;
    if (at > 0 && has(kStarts, line_[at - 1])) return true;
    return at > 2 && line_[at - 3] == '\x1B' && line_[at - 2] == '(';
  }

  // The end of the run of characters that are in no `ends`, remembered while the search moves on inside of it.
  std::size_t run_end(std::size_t at, const Set& ends, std::size_t& known) const {
    if (known > at) return known;
    while (at < line_.size() && !has(ends, line_[at])) ++at;
    return known = at;
  }

  // The same, not remembered, and looked for no further than `most`.
  std::size_t short_run_end(std::size_t at, const Set& ends, std::size_t most) const {
    const std::size_t stop = std::min(line_.size(), at + most + 1);
    while (at < stop && !has(ends, line_[at])) ++at;
    return at;
  }

  std::optional<Found> with_scheme(std::size_t at) {
    const std::string_view rest = line_.substr(at);
    std::size_t prefix = 0;
    for (const std::string_view scheme : {"http://", "https://", "ftp://", "ftp."})
      if (starts_nocase(rest, scheme)) prefix = scheme.size();
    if (prefix == 0 && starts_nocase(rest, "www")) {
      std::size_t dot = 3;
      while (dot < rest.size() && dot < 5 && is_digit(rest[dot])) ++dot;
      if (dot < rest.size() && rest[dot] == '.') prefix = dot + 1;
    }
    if (prefix == 0) return std::nullopt;
    const std::size_t end = run_end(at, kEnds, run_end_);
    if (end <= at + prefix || end - at - prefix > kRunMax) return std::nullopt;
    return Found{Kind::scheme, end, 0};
  }

  std::optional<Found> mail(std::size_t at) {
    if (starts_nocase(line_.substr(at), "mailto:")) {
      const std::size_t end = short_run_end(at + 7, kMailEnds, kRunMax);
      if (end > at + 7 && end - at - 7 <= kRunMax) return Found{Kind::mail, end, 0};
    }
    if (has(kMailUserEnds, line_[at])) return std::nullopt;
    const std::size_t sign = run_end(at, kMailUserEnds, user_end_);
    if (sign >= line_.size() || line_[sign] != '@' || sign - at > kMailRunMax) return std::nullopt;
    const std::size_t end = short_run_end(sign + 1, kMailEnds, kMailRunMax);
    if (end == sign + 1 || end - sign - 1 > kMailRunMax) return std::nullopt;
    return Found{Kind::mail, end, 0};
  }

  static bool in_host(char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; }

  std::optional<Found> bare(std::size_t at) {
    if ((at > 0 && !has(kBareStarts, line_[at - 1])) || !is_alnum(line_[at])) return std::nullopt;
    std::size_t end = at;
    while (end < line_.size() && in_host(line_[end]) && end - at <= kHostRunMax) ++end;
    // The last dot with a top-level domain behind it.
    for (std::size_t dot = end; dot-- > at + 1;) {
      if (line_[dot] != '.') continue;
      std::size_t label_end = dot + 1;
      while (label_end < line_.size() && (is_alnum(line_[label_end]) || line_[label_end] == '-')) ++label_end;
      const bool goes_on =
          label_end + 1 < line_.size() && line_[label_end] == '.' && is_alnum(line_[label_end + 1]);
      if (goes_on || !registrars_.is_valid_tld(line_.substr(dot + 1, label_end - dot - 1))) continue;
      if (const auto found = bare_tail(label_end)) return found;
    }
    return std::nullopt;
  }

  // A dot, a port and a path may follow the host.
  std::optional<Found> bare_tail(std::size_t host_end) {
    const auto ends_here = [&](std::size_t at) { return at == line_.size() || has(kEnds, line_[at]); };
    std::size_t at = host_end;
    if (at < line_.size() && line_[at] == '.') ++at;
    if (at < line_.size() && line_[at] == ':') {
      std::size_t port = at + 1;
      while (port < line_.size() && is_digit(line_[port]) && port - at <= 5) ++port;
      if (port > at + 1) at = port;
    }
    if (at < line_.size() && line_[at] == '/') {
      const std::size_t end = short_run_end(at + 1, kEnds, kRunMax);
      if (end > at + 1 && end - at - 1 <= kRunMax) return Found{Kind::bare, end, host_end};
    }
    if (!ends_here(at)) return std::nullopt;
    return Found{Kind::bare, at, host_end};
  }

  std::string_view line_;
  const RegistrarBoundaries& registrars_;
  std::size_t mark_ = 0;      // the next one; behind the last: kNowhere
  std::size_t mark_run_ = 0;  // where the run with it begins
  std::size_t run_end_ = 0;
  std::size_t user_end_ = 0;
};

// ')' ends it when there is no '(' before, and punctuation at the end is of the sentence.
std::string_view without_punctuation(std::string_view uri) {
  const std::size_t close = uri.substr(0, uri.find('(')).rfind(')');
  if (close != kNowhere) uri = uri.substr(0, close);
  while (!uri.empty() && contains("-~!@#^&*()_+=:;'?,.", uri.substr(uri.size() - 1))) uri.remove_suffix(1);
  return uri;
}

bool is_scheme_alone(std::string_view uri) {
  std::size_t at = 0;
  while (at < uri.size() && is_word(uri[at])) ++at;
  return at > 0 && at < uri.size() && uri[at] == ':' && uri.size() - at <= 3 &&
         uri.find_first_not_of('/', at + 1) == kNowhere;
}

bool begins_with_www(std::string_view uri) {
  if (!starts_nocase(uri, "www")) return false;
  std::size_t at = 3;
  while (at < uri.size() && at < 5 && is_digit(uri[at])) ++at;
  return at < uri.size() && uri[at] == '.';
}

// "skype:", "email:" and colons before an address are no part of it.
std::string_view without_label(std::string_view address) {
  for (const std::string_view label : {"skype", "email", "e-mail", "mail"})
    if (starts_nocase(address, label) && address.size() > label.size() && address[label.size()] == ':') {
      address.remove_prefix(label.size());
      break;
    }
  while (address.starts_with(':')) address.remove_prefix(1);
  return address;
}

// Gives it the scheme that it lacks; false when it is none after all.
bool add_scheme(TextUri& found) {
  const std::string& uri = found.uri;
  for (const std::string_view scheme : {"http:", "https:", "ftp:", "mailto:"})
    if (starts_nocase(uri, scheme)) return true;
  found.schemeless = true;
  const std::size_t sign = uri.find('@');
  const std::size_t slash = uri.find('/');
  if (starts_nocase(uri, "ftp.")) {
    found.uri = "ftp://" + uri;
  } else if (begins_with_www(uri) ||
             (slash != std::string::npos && uri.find('@', slash + 2) != std::string::npos)) {
    found.uri = "http://" + uri;
  } else if (sign != std::string::npos) {
    if (sign + 2 >= uri.size() || uri.find('.', sign + 2) == std::string::npos || contains(uri, "&nbsp;"))
      return false;
    found.uri = "mailto:" + std::string(without_label(uri));
  } else {
    if (!contains(uri, ".")) return false;
    found.uri = "http://" + uri;
    found.unlinked = true;
  }
  return true;
}

bool is_deliverable(std::string& uri, const RegistrarBoundaries& registrars) {
  if (has_percent_code(uri)) uri = normalize_percent_codes(uri);
  const std::size_t sign = uri.find('@');
  if (sign == std::string::npos) return false;
  std::string_view host = std::string_view(uri).substr(sign + 1);
  host = host.substr(0, host.find_first_of("?&>"));
  while (host.ends_with("%20")) host.remove_suffix(3);
  return registrars.is_valid_domain(canonical_host(host));
}

}  // namespace

void find_text_uris(std::string_view line, const RegistrarBoundaries& registrars, std::vector<TextUri>& out) {
  Finder finder(line, registrars);
  for (std::size_t at = 0;;) {
    const auto found = finder.next(at);
    if (!found) return;
    const std::string_view raw = without_punctuation(line.substr(at, found->end - at));
    const std::string_view host = line.substr(at, found->host_end - at);
    at = found->end;
    if (found->kind == Kind::mail && !contains(raw, "@")) continue;
    if (found->kind == Kind::bare && !is_valid_fqdn(host)) continue;
    if (starts_nocase(raw, "cid:") || starts_nocase(raw, "mid:") || is_scheme_alone(raw)) continue;
    TextUri uri{std::string(raw), std::string(raw)};
    if (!add_scheme(uri)) continue;
    if (starts_nocase(uri.uri, "mailto:") && !is_deliverable(uri.uri, registrars)) continue;
    out.push_back(std::move(uri));
  }
}

}  // namespace ringpost::filter
