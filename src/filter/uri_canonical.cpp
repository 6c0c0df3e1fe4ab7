#include "uri_canonical.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"

namespace ringpost::filter {

bool has_percent_code(std::string_view uri) {
  for (std::size_t at = uri.find('%'); at != kNowhere; at = uri.find('%', at + 1))
    if (uri.size() - at > 2 && hex_value(uri[at + 1]) >= 0 && hex_value(uri[at + 2]) >= 0) return true;
  return false;
}

static constexpr CharacterSet kCoded("\"%<>");
std::string normalize_percent_codes(std::string_view uri) {
  std::string out;
  for (std::size_t at = 0; at < uri.size(); ++at) {
    const char c = uri[at];
    const bool code =
        c == '%' && uri.size() - at > 2 && hex_value(uri[at + 1]) >= 0 && hex_value(uri[at + 2]) >= 0;
    if (code) {
      const int value = hex_value(uri[at + 1]) * 16 + hex_value(uri[at + 2]);
      if (value > 0x20 && value < 0x7F)
        out += static_cast<char>(value);
      else
        out += uri.substr(at, 3);
      at += 2;
    } else if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7F ||
               kCoded.has(c)) {
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

namespace {

// "&#119;" and "&#x77;" that stand in an URI, and the full stops of other scripts.
std::string without_references(std::string_view uri) {
  std::string out;
  for (std::size_t at = 0; at < uri.size();) {
    const std::size_t semicolon =
        uri[at] == '&' && at + 1 < uri.size() && uri[at + 1] == '#' ? uri.find(';', at) : kNowhere;
    if (semicolon == kNowhere || semicolon - at > 16) {
      out += uri[at++];
      continue;
    }
    std::string_view digits = uri.substr(at + 2, semicolon - at - 2);
    const bool hexadecimal = !digits.empty() && to_lower(digits.front()) == 'x';
    if (hexadecimal) digits.remove_prefix(1);
    unsigned value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    const bool read = error == std::errc{} && end == digits.data() + digits.size();
    constexpr std::array<unsigned, 4> kFullStops{0x2E, 0x3002, 0xFF0E, 0xFF61};
    if (read && value > 32 && value < 127) {
      out += static_cast<char>(value);
    } else if (read && std::ranges::find(kFullStops, value) != kFullStops.end()) {
      out += '.';
    } else {
      out += uri.substr(at, semicolon + 1 - at);
    }
    at = semicolon + 1;
  }
  return out;
}

bool has_scheme(std::string_view uri) {
  std::size_t at = 0;
  while (at < uri.size() && (is_word(uri[at]) || uri[at] == '-')) ++at;
  return at > 0 && at < uri.size() && uri[at] == ':';
}

std::size_t web_scheme_size(std::string_view uri) {
  return starts_nocase(uri, "http:") ? 5 : starts_nocase(uri, "https:") ? 6 : 0;
}

// "http:/x", "HTTP://///x": two slashes; a path before '?' and '#'.
std::string with_two_slashes(std::string_view uri) {
  const std::size_t scheme = web_scheme_size(uri);
  if (scheme == 0) return std::string(uri);
  std::size_t rest = scheme;
  while (rest < uri.size() && rest < scheme + 2 && uri[rest] == '/') ++rest;
  return std::string(uri.substr(0, scheme)) + "//" + std::string(uri.substr(rest));
}

std::string with_path(std::string uri) {
  const std::size_t scheme = web_scheme_size(uri);
  if (scheme == 0 || !std::string_view(uri).substr(scheme).starts_with("//")) return uri;
  const std::size_t end = uri.find_first_of("/?#", scheme + 2);
  if (end != std::string::npos && end > scheme + 2 && uri[end] != '/') uri.insert(end, 1, '/');
  return uri;
}

struct WebUri {
  std::string scheme;  // "http://"
  bool with_user = false;
  std::string host;
  std::string port;  // digits
  std::string rest;  // from the colon of the port on
};

std::optional<WebUri> split_web_uri(std::string_view uri) {
  const std::size_t scheme = web_scheme_size(uri);
  if (scheme == 0 || !uri.substr(scheme).starts_with("//")) return std::nullopt;
  WebUri parts;
  parts.scheme = uri.substr(0, scheme + 2);
  std::string_view rest = uri.substr(scheme + 2);
  const std::size_t sign = rest.find_first_of("@/?#");
  if (sign != kNowhere && rest[sign] == '@') {
    parts.with_user = true;
    rest.remove_prefix(sign + 1);
  }
  const std::size_t end = std::min(rest.find_first_of("/?#:"), rest.size());
  if (end == 0 || contains(rest, "\n")) return std::nullopt;
  parts.host = rest.substr(0, end);
  parts.rest = rest.substr(end);
  std::size_t digits = 1;
  while (parts.rest.starts_with(':') && digits < parts.rest.size() && is_digit(parts.rest[digits])) ++digits;
  parts.port = parts.rest.substr(std::min<std::size_t>(1, parts.rest.size()),
                                 parts.rest.starts_with(':') ? digits - 1 : 0);
  return parts;
}

class Variants {
 public:
  Variants(const ViewSettings& settings, patterns::Scratch& scratch)
      : settings_(settings), scratch_(scratch) {}

  std::vector<std::string> of(std::string_view uri) {
    pending_.emplace_back(uri);
    // read() may add to the list: it works on a copy.
    for (std::size_t i = 0; i < pending_.size(); ++i) pending_[i] = read(pending_[i]);
    std::vector<std::string> all;
    for (auto* list : {&pending_, &variants_})
      for (std::string& one : *list)
        if (std::ranges::find(all, one) == all.end()) all.push_back(std::move(one));
    return all;
  }

 private:
  void add(std::string uri) { variants_.push_back(std::move(uri)); }

  // Adds the variants of one, and gives it back without blanks around it. What is none stays in the list, as rules want it.
  std::string read(std::string_view pending) {
    std::string uri(pending);
    std::erase(uri, '\n');
    uri = trim(uri);
    std::erase(uri, '\r');
    if (uri.size() <= 1 || contains("#?&", uri.substr(0, 1)) || (uri.front() == '/' && uri[1] != '/'))
      return uri;
    const std::size_t sign = uri.find('@');
    if (starts_nocase(uri, "mailto:") || (sign != std::string::npos && sign < uri.find(':')))
      read_address(uri);
    else
      read_location(uri);
    return uri;
  }

  void read_location(const std::string& uri) {
    std::string plain = uri;
    std::ranges::replace(plain, '\\', '/');
    plain = with_two_slashes(plain);
    if (has_percent_code(plain)) plain = normalize_percent_codes(plain);
    if (!has_scheme(plain)) plain.insert(0, plain.starts_with("ftp.") ? "ftp://" : "http://");
    plain = without_references(with_path(std::move(plain)));
    if (plain != uri) add(plain);
    if (auto web = split_web_uri(plain)) read_web(*std::move(web));
  }

  void read_address(std::string_view uri) {
    const std::size_t sign = uri.find('@');
    if (sign == kNowhere || sign == 0) return;
    const std::size_t question = uri.find('?', sign);
    if (question != kNowhere && question > sign + 1) add(std::string(uri.substr(0, question)));
    const std::size_t parameter = uri.find_first_of("?&", sign);
    if (parameter != kNowhere && uri[parameter] == '&' && parameter > sign + 1)
      add(std::string(uri.substr(0, parameter)));
    if (contains(uri, "%20")) read_padded_address(uri);
    // "Name <address>"
    const std::size_t open = uri.substr(0, uri.find_first_of("?&")).rfind('<');
    const std::size_t inside = open == kNowhere ? kNowhere : uri.find('@', open);
    const std::size_t close = inside == kNowhere ? kNowhere : uri.find('>', open);
    if (close != kNowhere && inside > open + 1 && close > inside + 1)
      add("mailto:" + std::string(uri.substr(open + 1, close - open - 1)));
  }

  void read_padded_address(std::string_view uri) {
    if (starts_nocase(uri, "mailto:")) uri.remove_prefix(7);
    while (uri.starts_with("%20")) uri.remove_prefix(3);
    const std::size_t sign = uri.find('@');
    if (sign == kNowhere || sign == 0) return;
    const std::size_t end = std::min(uri.find_first_of("?&%", sign), uri.size());
    if (end > sign + 1) add("mailto:" + std::string(uri.substr(0, end)));
  }

  void read_web(WebUri web) {
    const bool http = equal_nocase(web.scheme, "http://");
    std::string without_port;
    if (!web.port.empty()) {
      without_port = web.rest;
      if (web.port == (http ? "80" : "443")) {
        without_port.erase(0, web.port.size() + 1);
        add(web.scheme + web.host + without_port);
      }
    }
    const std::string canonical = canonical_host(web.host);
    if (canonical != lower(web.host)) {
      add(web.scheme + canonical + web.rest);
      if (!without_port.empty()) add(web.scheme + canonical + without_port);
      web.host = canonical;
    }
    const auto blanks = std::erase_if(web.host, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
    if (blanks > 0) add(web.scheme + web.host + web.rest);
    follow(web);
    read_host(web, http && !web.with_user && (web.port.empty() || web.port == "80"), canonical);
  }

  // What a redirector carries.
  void follow(const WebUri& web) {
    const std::string whole = web.scheme + web.host + web.rest;
    std::array<patterns::Span, 2> spans;
    for (const auto& redirector : settings_.redirectors) {
      spans.fill({SIZE_MAX, SIZE_MAX});
      if (redirector->search(whole, 0, scratch_, spans) != patterns::Match::yes || spans[1].start == SIZE_MAX)
        continue;
      const std::string_view target =
          std::string_view(whole).substr(spans[1].start, spans[1].end - spans[1].start);
      if (!contains(target, ".")) continue;
      queue(target);
      return;
    }
    for (std::size_t at = find_nocase(web.rest, "http"); at != kNowhere;
         at = find_nocase(web.rest, "http", at + 1)) {
      const std::string_view rest = std::string_view(web.rest).substr(at);
      const std::size_t scheme = web_scheme_size(rest);
      if (scheme == 0) continue;
      const std::string_view target = rest.substr(0, rest.find_first_of("&#"));
      if (target.size() == scheme) continue;
      if (contains(target, ".")) queue(target);
      return;
    }
  }

  void queue(std::string_view uri) {
    if (pending_.size() <= kUriRedirectionsMax) pending_.emplace_back(uri);
  }

  void read_host(WebUri web, bool bare, const std::string& canonical) {
    std::string host = web.host;
    while (!host.empty() && !is_alnum(host.back())) host.pop_back();
    if (host != web.host) add(web.scheme + host + web.rest);
    if (auto address = plain_ipv4(host)) {
      add(web.scheme + *address + web.rest);
      return;
    }
    if (!bare || canonical == "localhost") return;
    // "http://example" is what a browser would try as "www.example.com".
    std::string_view name = canonical;
    if (name.starts_with("www.")) name.remove_prefix(4);
    if (name.empty() || contains(name, ".") || settings_.registrars.is_valid_domain(canonical)) return;
    add(web.scheme + "www." + std::string(name) + ".com" + web.rest);
  }

  static std::optional<unsigned long long> number(std::string_view text) {
    const bool hexadecimal = starts_nocase(text, "0x") && text.size() > 2;
    if (hexadecimal) text.remove_prefix(text.size() > 10 ? text.size() - 8 : 2);
    unsigned long long value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  }

  // An octet as browsers read it: hexadecimal, octal or decimal.
  static std::optional<std::string> octet(std::string_view text) {
    if (text.size() > 1 && text.front() == '0' && to_lower(text[1]) != 'x') {
      unsigned value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
      if (error == std::errc{} && end == text.data() + text.size() && value < 256)
        return std::to_string(value);
      text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
    }
    const auto value = number(text);
    return value ? std::optional(std::to_string(*value)) : std::nullopt;
  }

  static std::optional<std::string> plain_ipv4(std::string_view host) {
    if (host.empty()) return std::nullopt;
    if (!contains(host, ".")) {
      const auto value = number(host);
      if (!value) return std::nullopt;
      const auto bits = static_cast<std::uint32_t>(*value);
      return fmt::format("{}.{}.{}.{}", bits >> 24U, bits >> 16U & 255U, bits >> 8U & 255U, bits & 255U);
    }
    std::string out;
    for (int i = 0; i < 4; ++i) {
      const std::size_t dot = i < 3 ? host.find('.') : host.size();
      if (dot == kNowhere) return std::nullopt;
      const auto one = octet(host.substr(0, dot));
      if (!one) return std::nullopt;
      out += (i > 0 ? "." : "") + *one;
      host.remove_prefix(std::min(dot + 1, host.size()));
    }
    return out;
  }

  const ViewSettings& settings_;
  patterns::Scratch& scratch_;
  std::vector<std::string> pending_;
  std::vector<std::string> variants_;
};

}  // namespace

std::vector<std::string> uri_variants(std::string_view uri, const ViewSettings& settings,
                                      patterns::Scratch& scratch) {
  return Variants(settings, scratch).of(uri);
}

}  // namespace ringpost::filter
