#include "ringpost/dns/name.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "ringpost/dns/limits.hpp"

namespace ringpost::dns {
namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::unexpected<Error> bad_name(std::string_view text, std::string_view why) {
  return fail(ErrorKind::permanent,
              fmt::format("domain name \"{}\": {}", text.substr(0, kNameBytesMax), why));
}

// Reads what follows a backslash, and moves `text` behind it. -1 if that is nothing RFC 1035 knows.
int take_escaped(std::string_view& text) {
  if (text.empty()) return -1;
  if (!is_digit(text[0])) {
    const auto octet = static_cast<unsigned char>(text[0]);
    text.remove_prefix(1);
    return octet > 0x20 && octet < 0x7f ? octet : -1;
  }
  if (text.size() < 3 || !is_digit(text[1]) || !is_digit(text[2])) return -1;
  const int value = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  text.remove_prefix(3);
  return value < 256 ? value : -1;
}

void append_escaped(std::string& out, char octet) {
  const auto value = static_cast<unsigned char>(octet);
  if (value <= 0x20 || value >= 0x7f) {
    fmt::format_to(std::back_inserter(out), "\\{:03}", value);
    return;
  }
  if (octet == '.' || octet == '\\' || octet == '"' || octet == '(' || octet == ')' || octet == ';' ||
      octet == '@' || octet == '$')
    out.push_back('\\');
  out.push_back(octet);
}

std::size_t label_size(std::string_view wire) {
  return static_cast<unsigned char>(wire[0]);
}

}  // namespace

Result<Name> Name::parse(std::string_view text) {
  if (text == ".") return Name();
  if (text.empty()) return bad_name(text, "it is empty");
  const std::string_view whole = text;
  std::string wire;
  wire.reserve(text.size() + 2);
  std::size_t label_at = 0;
  wire.push_back('\0');
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c == '.') {
      if (wire.size() - label_at == 1) return bad_name(whole, "it has an empty label");
      label_at = wire.size();
      wire.push_back('\0');
      continue;
    }
    int octet = static_cast<unsigned char>(c);
    if (c == '\\')
      octet = take_escaped(text);
    else if (octet <= 0x20 || octet >= 0x7f)
      octet = -1;
    if (octet < 0) return bad_name(whole, "it has an octet that is not printable ASCII, or a bad escape");
    wire.push_back(lower(static_cast<char>(octet)));
    if (wire.size() - label_at - 1 > kLabelBytesMax)
      return bad_name(whole, "a label is longer than 63 octets");
    wire[label_at] = static_cast<char>(wire.size() - label_at - 1);
    if (wire.size() >= kNameBytesMax) return bad_name(whole, "it is longer than 255 octets");
  }
  // A last dot has already opened the root's label.
  if (wire.size() - label_at > 1) wire.push_back('\0');
  return Name(std::move(wire));
}

Result<Name> Name::from_wire(std::span<const std::byte> bytes) {
  if (bytes.empty() || bytes.size() > kNameBytesMax)
    return fail(ErrorKind::permanent, "a domain name on the wire has 1 to 255 octets");
  std::string wire(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t at = 0;
  while (wire[at] != 0) {
    const std::size_t size = static_cast<unsigned char>(wire[at]);
    if (size > kLabelBytesMax || at + 1 + size >= wire.size())
      return fail(ErrorKind::permanent, "a label of a domain name leaves its bounds");
    std::transform(&wire[at + 1], &wire[at + 1] + size, &wire[at + 1], lower);
    at += 1 + size;
  }
  if (at + 1 != wire.size()) return fail(ErrorKind::permanent, "octets follow the end of a domain name");
  return Name(std::move(wire));
}

std::string Name::to_string() const {
  if (is_root()) return ".";
  std::string text;
  text.reserve(wire_.size());
  for (std::string_view rest = wire_; label_size(rest) != 0; rest.remove_prefix(1 + label_size(rest))) {
    if (!text.empty()) text.push_back('.');
    for (const char octet : rest.substr(1, label_size(rest))) append_escaped(text, octet);
  }
  return text;
}

std::size_t Name::label_count() const {
  std::size_t count = 0;
  for (std::string_view rest = wire_; label_size(rest) != 0; rest.remove_prefix(1 + label_size(rest)))
    ++count;
  return count;
}

std::string_view Name::first_label() const {
  return std::string_view(wire_).substr(1, label_size(wire_));
}

Name Name::parent() const {
  return is_root() ? Name() : Name(wire_.substr(1 + label_size(wire_)));
}

bool Name::is_within(const Name& zone) const {
  std::string_view rest = wire_;
  while (rest.size() > zone.wire_.size()) rest.remove_prefix(1 + label_size(rest));
  return rest == zone.wire_;
}

Result<Name> Name::under(const Name& zone) const {
  if (wire_.size() - 1 + zone.wire_.size() > kNameBytesMax)
    return bad_name(to_string() + "." + zone.to_string(), "it is longer than 255 octets");
  return Name(wire_.substr(0, wire_.size() - 1) + zone.wire_);
}

Name reverse_labels(const IpAddress& address) {
  std::string text;
  const auto octets = address.octets();
  for (std::size_t i = octets.size(); i-- > 0;) {
    if (address.is_ipv4())
      fmt::format_to(std::back_inserter(text), "{}.", octets[i]);
    else
      fmt::format_to(std::back_inserter(text), "{:x}.{:x}.", octets[i] & 15, octets[i] >> 4);
  }
  return text.empty() ? Name() : *Name::parse(text);
}

Name reverse_name(const IpAddress& address) {
  return *reverse_labels(address).under(*Name::parse(address.is_ipv4() ? "in-addr.arpa" : "ip6.arpa"));
}

}  // namespace ringpost::dns
