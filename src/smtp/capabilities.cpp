#include "capabilities.hpp"

#include <charconv>

#include "ringpost/mail/address.hpp"

namespace ringpost::smtp {
namespace {

struct Flag {
  std::string_view keyword;
  bool Capabilities::* member;
};
constexpr Flag kFlags[] = {
    {"PIPELINING", &Capabilities::pipelining},
    {"SIZE", &Capabilities::size},
    {"8BITMIME", &Capabilities::eightbitmime},
    {"SMTPUTF8", &Capabilities::smtputf8},
    {"CHUNKING", &Capabilities::chunking},
    {"BINARYMIME", &Capabilities::binarymime},
    {"DSN", &Capabilities::dsn},
    {"STARTTLS", &Capabilities::starttls},
    {"AUTH", &Capabilities::auth},
    {"ENHANCEDSTATUSCODES", &Capabilities::enhanced_status_codes},
};

std::string_view next_word(std::string_view& text, char delimiter) {
  const std::size_t end = text.find(delimiter);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

void read_size(std::string_view arguments, Capabilities& capabilities) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(arguments.data(), arguments.data() + arguments.size(), size);
  if (error == std::errc{}) capabilities.size_max = size;
}

void read_mechanisms(std::string_view arguments, Capabilities& capabilities) {
  while (!arguments.empty()) {
    const auto mechanism = sasl::find_mechanism(next_word(arguments, ' '));
    if (mechanism) capabilities.mechanisms.add(*mechanism);
  }
}

void read_line(std::string_view line, Capabilities& capabilities) {
  // "AUTH=LOGIN PLAIN" is how servers of the nineties wrote it, and some do still.
  if (line.size() > 5 && mail::equal_ignoring_case(line.substr(0, 5), "AUTH=")) {
    capabilities.auth = true;
    return read_mechanisms(line.substr(5), capabilities);
  }
  const std::string_view keyword = next_word(line, ' ');
  for (const Flag& flag : kFlags) {
    if (mail::equal_ignoring_case(keyword, flag.keyword)) capabilities.*flag.member = true;
  }
  if (mail::equal_ignoring_case(keyword, "SIZE")) read_size(line, capabilities);
  if (mail::equal_ignoring_case(keyword, "AUTH")) read_mechanisms(line, capabilities);
}

}  // namespace

Capabilities parse_capabilities(std::string_view text) {
  Capabilities capabilities;
  capabilities.esmtp = true;
  next_word(text, '\n');
  while (!text.empty()) read_line(next_word(text, '\n'), capabilities);
  return capabilities;
}

}  // namespace ringpost::smtp
