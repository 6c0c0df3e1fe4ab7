#include "ringpost/filter/registrar.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"

namespace ringpost::filter {

void RegistrarBoundaries::add(Level level, std::string_view name) {
  Set& set = level == Level::one ? tlds_ : level == Level::two ? two_ : three_;
  std::string canonical = canonical_host(name);
  while (canonical.starts_with('.')) canonical.erase(0, 1);
  if (!canonical.empty()) set.insert(std::move(canonical));
}

bool RegistrarBoundaries::is_valid_tld(std::string_view label) const {
  return tlds_.contains(lower(label));
}

bool RegistrarBoundaries::is_valid_domain(std::string_view host) const {
  const std::size_t dot = host.rfind('.');
  return dot != kNowhere && dot + 1 < host.size() && std::ranges::none_of(host, is_space) &&
         is_valid_tld(host.substr(dot + 1));
}

namespace {

// States of the locality domains under .us (RFC 1480).
constexpr auto kStates = std::to_array<std::string_view>(
    {"ak", "al", "ar", "az", "ca", "co", "ct", "dc", "de", "fl", "ga", "gu", "hi", "ia",
     "id", "il", "in", "ks", "ky", "la", "ma", "md", "me", "mi", "mn", "mo", "ms", "mt",
     "nc", "nd", "ne", "nh", "nj", "nm", "nv", "ny", "oh", "ok", "or", "pa", "pr", "ri",
     "sc", "sd", "tn", "tx", "ut", "va", "vi", "vt", "wa", "wi", "wv", "wy"});
static_assert(std::ranges::is_sorted(kStates));

std::string_view label(std::string_view domain, std::size_t index) {
  for (; index > 0; --index) domain.remove_prefix(domain.find('.') + 1);
  return domain.substr(0, domain.find('.'));
}

// "city.state.us" and its like are registries.
bool is_us_registry(std::string_view domain, std::size_t labels) {
  if (!domain.ends_with(".us") || !std::ranges::binary_search(kStates, label(domain, labels - 2)))
    return false;
  if (labels == 3) return true;
  const std::string_view first = label(domain, 0);
  return (first == "pvt" && label(domain, 1) == "k12") || first == "ci" || first == "co";
}

}  // namespace

std::string RegistrarBoundaries::trim_domain(std::string_view host) const {
  std::string name;
  for (const char c : host)
    if (c != '.' || (!name.empty() && name.back() != '.')) name += to_lower(c);
  if (name.ends_with('.')) name.pop_back();
  std::string_view domain = name;
  std::string_view last_cut = domain;
  for (std::size_t labels = 1 + static_cast<std::size_t>(std::ranges::count(domain, '.')); labels > 1;
       --labels) {
    const bool us = domain.ends_with(".us");
    if (labels == 2 && two_.contains(domain)) break;
    if (labels == 3 && (us ? is_us_registry(domain, 3) : three_.contains(domain))) break;
    if (labels == 4 && is_us_registry(domain, 4)) break;
    last_cut = domain;
    domain.remove_prefix(domain.find('.') + 1);
  }
  return std::string(last_cut);
}

namespace {

// Most hosts are none, which their last byte says.
bool is_ip_address(std::string_view text) {
  if (text.empty() || (!is_digit(text.back()) && !contains(text, ":"))) return false;
  return parse_address(text).has_value();
}

// A percent sign and the code of a character that a host's name could hold.
bool has_encoded_character(std::string_view host) {
  for (std::size_t at = host.find('%'); at != kNowhere; at = host.find('%', at + 1)) {
    if (host.size() - at < 3) return false;
    const int high = hex_value(host[at + 1]);
    const int low = hex_value(host[at + 2]);
    if (high >= 2 && high <= 7 && low >= 0 && !(high == 2 && low == 0) && !(high == 7 && low == 15))
      return true;
  }
  return false;
}

std::string_view host_of_mailto(std::string_view uri) {
  uri = uri.substr(0, uri.find('?'));
  const std::size_t at = uri.find('@');
  return at == kNowhere || uri.find('@', at + 1) != kNowhere ? std::string_view{} : uri.substr(at + 1);
}

std::string_view host_of_other(std::string_view uri) {
  std::size_t scheme = 0;
  while (scheme < uri.size() && is_lower(uri[scheme])) ++scheme;
  if (scheme > 0 && scheme < uri.size() && uri[scheme] == ':') {
    uri.remove_prefix(scheme + 1);
    for (int i = 0; i < 2 && uri.starts_with('/'); ++i) uri.remove_prefix(1);
  }
  uri = uri.substr(0, uri.find_first_of("/?#"));
  if (const std::size_t at = uri.rfind('@'); at != kNowhere) uri.remove_prefix(at + 1);
  std::size_t port = uri.size();
  while (port > 0 && is_digit(uri[port - 1])) --port;
  return port > 0 && uri[port - 1] == ':' ? uri.substr(0, port - 1) : uri;
}

}  // namespace

RegistrarBoundaries::HostAndDomain RegistrarBoundaries::host_of_uri(std::string_view text) const {
  const std::string uri = lower(text);
  if (uri.starts_with("javascript:") || uri.starts_with("cid:") || uri.starts_with("file:")) return {};
  const std::string_view found =
      uri.starts_with("mailto:") ? host_of_mailto(std::string_view(uri).substr(7)) : host_of_other(uri);
  if (found.empty() || has_encoded_character(found)) return {};
  std::string host = canonical_host(found);
  if (is_ip_address(host)) return {host, host};
  if (!is_valid_fqdn(host) || !is_valid_domain(host)) return {};
  std::string domain = trim_domain(host);
  return {std::move(host), std::move(domain)};
}

std::string canonical_host(std::string_view host) {
  if (!mail::has_eight_bit(host)) return lower(host);
  std::string out;
  if (mail::is_utf8(host) && mail::append_canonical_domain(host, out)) return out;
  return lower(host);
}

namespace {

bool is_valid_label(std::string_view label) {
  const auto is_edge = [](char c) { return is_word(c); };
  return !label.empty() && label.size() <= 63 && is_edge(label.front()) && is_edge(label.back()) &&
         std::ranges::all_of(label, [](char c) { return is_word(c) || c == '-'; });
}

}  // namespace

bool is_valid_fqdn(std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  // An underscore is no part of what can be registered.
  const std::size_t last = host.rfind('.');
  if (last == kNowhere) return false;
  const std::size_t before = last == 0 ? kNowhere : host.rfind('.', last - 1);
  if (contains(host.substr(before == kNowhere ? 0 : before), "_")) return false;
  for (;;) {
    const std::size_t dot = host.find('.');
    if (!is_valid_label(host.substr(0, dot))) return false;
    if (dot == kNowhere) return true;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace ringpost::filter
