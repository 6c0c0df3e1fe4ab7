#include "mail_archive.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kTarBlock = 512;

std::string_view line_of(std::string_view text) {
  const std::size_t end = text.find('\n');
  return text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
}

bool is_blank(std::string_view line) {
  return line == "\n" || line == "\r\n";
}

bool is_quoted_from(std::string_view line) {
  const std::size_t quotes = line.find_first_not_of('>');
  return quotes != 0 && quotes != std::string_view::npos && line.substr(quotes).starts_with("From ");
}

std::optional<std::uint64_t> octal(std::string_view field) {
  const std::size_t first = field.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  field.remove_prefix(first);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number, 8);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

}  // namespace

bool is_tar(std::string_view text) {
  return text.size() >= kTarBlock && text.substr(257, 5) == "ustar";
}

Result<void> for_each_of_tar(std::string_view text, const TakeMail& take) {
  while (text.size() >= kTarBlock && text[0] != '\0') {
    const std::string_view header = text.substr(0, kTarBlock);
    const auto size = octal(header.substr(124, 12));
    text.remove_prefix(kTarBlock);
    if (!size || *size > text.size())
      return fail(ErrorKind::permanent,
                  "the tar archive is broken at " +
                      std::string(header.substr(0, std::min<std::size_t>(header.find('\0'), 100))));
    const char type = header[156];
    if ((type == '0' || type == '\0') && *size > 0) RP_CHECK(take(text.substr(0, *size)));
    text.remove_prefix(std::min<std::uint64_t>((*size + kTarBlock - 1) / kTarBlock * kTarBlock, text.size()));
  }
  return {};
}

Result<void> for_each_of_mbox(std::string_view text, const TakeMail& take) {
  while (!text.empty()) {
    text.remove_prefix(line_of(text).size());  // "From "
    std::string mail;
    bool after_blank = false;
    while (!text.empty() && !(after_blank && text.starts_with("From "))) {
      const std::string_view line = line_of(text);
      after_blank = is_blank(line);
      mail += is_quoted_from(line) ? line.substr(1) : line;
      text.remove_prefix(line.size());
    }
    // The blank line before the next "From " belongs to the mbox.
    if (after_blank) mail.resize(mail.size() - (mail.ends_with("\r\n") ? 2 : 1));
    RP_CHECK(take(mail));
  }
  return {};
}

}  // namespace ringpost::loadgen
