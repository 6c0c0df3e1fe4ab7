#include "ringpost/mail/address.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>

#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

std::string_view to_string(AddressFault fault) {
  switch (fault) {
    case AddressFault::syntax:
      return "this is not an address";
    case AddressFault::path_too_long:
      return "the address is too long";
    case AddressFault::local_part_too_long:
      return "the local part is too long";
    case AddressFault::domain_too_long:
      return "the domain is too long";
    case AddressFault::bad_domain:
      return "this is not a domain";
    case AddressFault::bare_local_part:
      return "the address has no domain";
    case AddressFault::needs_smtputf8:
      return "the address needs SMTPUTF8";
    case AddressFault::bad_utf8:
      return "the address is not UTF-8";
  }
  return "this is not an address";
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

namespace {

using Fault = std::unexpected<AddressFault>;

// Bytes of the quoted string at the front of `text`, with its quotes; 0 when there is none (RFC 5321 section 4.1.2).
std::size_t quoted_string_size(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
    if (i < text.size() && is_control(text[i])) return 0;
  }
  return 0;
}

// Empty atoms ("a..b") are taken: some providers have given out such addresses. Canonically they are quoted.
std::size_t dot_string_size(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && (is_atext(text[size]) || text[size] == '.')) ++size;
  return size;
}

bool is_dot_atom(std::string_view plain) {
  if (plain.empty() || plain.front() == '.' || plain.back() == '.' || plain.contains("..")) return false;
  return std::ranges::all_of(plain, [](char c) { return is_atext(c) || c == '.'; });
}

bool is_valid_label(std::string_view label, bool smtputf8) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  if (label.size() > kLabelSizeMax && is_ascii(label)) return false;
  return std::ranges::all_of(label, [&](char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || (smtputf8 && is_eight_bit(c));
  });
}

// "1.2.3.4" without brackets is no name: its last label would be a top-level domain of digits.
bool ends_in_number(std::string_view domain) {
  const std::size_t dot = domain.rfind('.');
  return dot != std::string_view::npos && std::ranges::all_of(domain.substr(dot + 1), is_digit);
}

template <int family, std::size_t Size>
bool is_ip(std::string_view text) {
  std::array<char, 64> terminated{};
  std::array<std::byte, Size> parsed;
  // For inet_pton a zero byte is the end, for us the literal goes on.
  if (text.size() >= terminated.size() || text.contains('\0')) return false;
  std::ranges::copy(text, terminated.begin());
  return inet_pton(family, terminated.data(), parsed.data()) == 1;
}

constexpr std::string_view kIpv6Tag = "IPv6:";

// What stands between the brackets.
DomainKind literal_kind(std::string_view inner) {
  if (is_ip<AF_INET, 4>(inner)) return DomainKind::ipv4_literal;
  if (equal_ignoring_case(inner.substr(0, kIpv6Tag.size()), kIpv6Tag))
    return is_ip<AF_INET6, 16>(inner.substr(kIpv6Tag.size())) ? DomainKind::ipv6_literal : DomainKind::none;
  const std::size_t colon = inner.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon + 1 == inner.size()) return DomainKind::none;
  if (!std::ranges::all_of(inner.substr(0, colon),
                           [](char c) { return is_letter(c) || is_digit(c) || c == '-'; }))
    return DomainKind::none;
  const bool printable = std::ranges::all_of(
      inner, [](char c) { return c > 32 && c < 127 && c != '[' && c != '\\' && c != ']'; });
  return printable ? DomainKind::other_literal : DomainKind::none;
}

// The domain at the front of `text`, as far as its characters go.
std::string_view domain_text(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 1);
  }
  std::size_t size = 0;
  while (size < text.size() && (is_letter(text[size]) || is_digit(text[size]) || is_eight_bit(text[size]) ||
                                text[size] == '-' || text[size] == '_' || text[size] == '.'))
    ++size;
  return text.substr(0, size);
}

std::expected<DomainKind, AddressFault> classify_domain(std::string_view domain) {
  if (domain.starts_with('[')) {
    const DomainKind kind = literal_kind(domain.substr(1, domain.size() - 2));
    if (kind == DomainKind::none) return Fault(AddressFault::bad_domain);
    return kind;
  }
  if (domain.size() > kDomainSizeMax) return Fault(AddressFault::domain_too_long);
  if (!is_valid_domain(domain, true)) return Fault(AddressFault::bad_domain);
  return DomainKind::name;
}

// "@a,@b:" at the front of `text`: its size, or 0.
std::size_t source_route_size(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t hop = 0; hop < kSourceRouteHopsMax; ++hop) {
    if (at >= text.size() || text[at] != '@') return 0;
    const std::size_t size = domain_text(text.substr(at + 1)).size();
    at += 1 + size;
    if (size == 0 || at >= text.size()) return 0;
    if (text[at] == ':') return at + 1;
    if (text[at++] != ',') return 0;
  }
  return 0;
}

std::expected<void, AddressFault> check_utf8(std::string_view text, bool smtputf8, ParsedPath& path) {
  path.utf8 = !is_ascii(text);
  if (!path.utf8) return {};
  if (!smtputf8) return Fault(AddressFault::needs_smtputf8);
  if (!is_utf8(text)) return Fault(AddressFault::bad_utf8);
  return {};
}

// The mailbox at the front of `text`; what follows it is not looked at.
std::expected<ParsedPath, AddressFault> parse_front(std::string_view text, PathRules rules) {
  ParsedPath path;
  path.quoted = text.starts_with('"');
  std::size_t size = path.quoted ? quoted_string_size(text) : dot_string_size(text);
  if (size == 0) return Fault(AddressFault::syntax);
  path.local_part = text.substr(0, size);
  if (size < text.size() && text[size] == '@') {
    path.domain = domain_text(text.substr(size + 1));
    size += 1 + path.domain.size();
    if (path.domain.ends_with('.')) path.domain.remove_suffix(1);
    if (path.domain.empty()) return Fault(AddressFault::syntax);
    path.domain_kind = RP_TRY(classify_domain(path.domain));
  } else if (!rules.allow_bare_local_part &&
             !(rules.allow_bare_postmaster && equal_ignoring_case(path.local_part, "postmaster"))) {
    return Fault(AddressFault::bare_local_part);
  }
  path.size = size;
  RP_CHECK(check_utf8(text.substr(0, size), rules.smtputf8, path));
  if (path.local_part.size() > kLocalPartSizeMax) return Fault(AddressFault::local_part_too_long);
  if (size + 2 > kPathSizeMax) return Fault(AddressFault::path_too_long);
  return path;
}

}  // namespace

std::expected<ParsedPath, AddressFault> parse_path(std::string_view text, PathRules rules) {
  if (!text.starts_with('<')) return Fault(AddressFault::syntax);
  if (text.starts_with("<>")) {
    if (!rules.allow_null) return Fault(AddressFault::syntax);
    return ParsedPath{.size = 2, .null_path = true};
  }
  const std::size_t route = source_route_size(text.substr(1));
  ParsedPath path = RP_TRY(parse_front(text.substr(1 + route), rules));
  path.source_route = route != 0;
  path.size += 1 + route;
  // "user@example.com x>" and "user@exa mple.com>" stop early, and end here.
  if (path.size >= text.size() || text[path.size] != '>') return Fault(AddressFault::syntax);
  ++path.size;
  return path;
}

std::expected<ParsedPath, AddressFault> parse_mailbox(std::string_view text, PathRules rules) {
  if (text.empty() && rules.allow_null) return ParsedPath{.null_path = true};
  const ParsedPath path = RP_TRY(parse_front(text, rules));
  if (path.size != text.size()) return Fault(AddressFault::syntax);
  return path;
}

bool is_valid_domain(std::string_view domain, bool smtputf8) {
  if (domain.empty() || domain.size() > kDomainSizeMax || ends_in_number(domain)) return false;
  while (true) {
    const std::size_t dot = domain.find('.');
    if (!is_valid_label(domain.substr(0, dot), smtputf8)) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

std::string unquote_local_part(std::string_view local_part) {
  if (local_part.size() < 2 || local_part.front() != '"' || local_part.back() != '"')
    return std::string(local_part);
  std::string plain;
  for (std::size_t i = 1; i + 1 < local_part.size(); ++i) {
    if (local_part[i] == '\\' && i + 2 < local_part.size()) ++i;
    plain += local_part[i];
  }
  return plain;
}

namespace {

void append_quoted(std::string_view plain, std::string& out) {
  if (is_dot_atom(plain)) {
    out += plain;
    return;
  }
  out += '"';
  for (const char c : plain) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

std::string quote_local_part(std::string_view plain) {
  std::string out;
  append_quoted(plain, out);
  return out;
}

std::expected<void, AddressFault> append_canonical(const ParsedPath& path, std::string& out) {
  if (path.null_path) return {};
  const std::size_t before = out.size();
  append_quoted(path.quoted ? unquote_local_part(path.local_part) : path.local_part, out);
  if (path.domain_kind == DomainKind::none) return {};
  out += '@';
  auto appended = append_canonical_domain(path.domain, out);
  if (!appended) out.resize(before);
  return appended;
}

std::expected<std::string, AddressFault> canonical_address(std::string_view mailbox, PathRules rules) {
  const ParsedPath path = RP_TRY(parse_mailbox(mailbox, rules));
  std::string out;
  RP_CHECK(append_canonical(path, out));
  return out;
}

AddressParts split_address(std::string_view canonical) {
  // A quoted local part may have an '@'; a domain has none.
  const std::size_t at = canonical.rfind('@');
  if (at == std::string_view::npos || canonical.ends_with('"')) return {canonical, {}};
  return {canonical.substr(0, at), canonical.substr(at + 1)};
}

LocalPartExtension split_extension(std::string_view local_part, std::string_view delimiters) {
  if (delimiters.empty() || local_part.starts_with('"')) return {local_part, {}, 0};
  const std::size_t at = local_part.find_first_of(delimiters, 1);
  if (at == std::string_view::npos) return {local_part, {}, 0};
  return {local_part.substr(0, at), local_part.substr(at + 1), local_part[at]};
}

// In a bare local part '@' cannot stand; in quotes it does only to route, or to hide that.
bool looks_like_relay_route(std::string_view local_part) {
  return local_part.find_first_of("%!@") != std::string_view::npos;
}

}  // namespace ringpost::mail
