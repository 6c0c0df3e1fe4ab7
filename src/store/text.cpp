#include "text.hpp"

#include <algorithm>

#include "ringpost/mail/address.hpp"
#include "ringpost/store/limits.hpp"

namespace ringpost::store {

namespace {

constexpr std::string_view kInboxName = "INBOX";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte != 0x7F && c != '*' && c != '%';
}

}  // namespace

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

namespace {

std::optional<std::string> normal(std::string_view name, std::size_t bytes_max, std::size_t depth_max) {
  if (name.empty() || name.size() > bytes_max || name.front() == '/' || name.back() == '/' ||
      name.find("//") != std::string_view::npos || !std::ranges::all_of(name, is_plain) ||
      !mail::is_utf8(name))
    return std::nullopt;
  if (static_cast<std::size_t>(std::ranges::count(name, '/')) >= depth_max) return std::nullopt;
  std::string made(name);
  const std::string_view first = name.substr(0, name.find('/'));
  if (same_letters(first, kInboxName)) made.replace(0, first.size(), kInboxName);
  return made;
}

}  // namespace

std::optional<std::string> normal_name(std::string_view name) {
  return normal(name, kMailboxNameMax, kMailboxDepthMax);
}
std::optional<std::string> normal_subscription(std::string_view name) {
  return normal(name, kSubscribedNameMax, kSubscribedDepthMax);
}

// An atom of IMAP (RFC 9051 section 9, flag-keyword) that is no system flag.
bool is_keyword_name(std::string_view name) {
  return !name.empty() && name.size() <= kKeywordNameMax && std::ranges::all_of(name, [](char c) {
    return c > 0x20 && c < 0x7F && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
  });
}

std::string_view parent_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

}  // namespace ringpost::store
