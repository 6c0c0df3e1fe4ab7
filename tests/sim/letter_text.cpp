#include "letter_text.hpp"

#include <algorithm>
#include <charconv>

#include "ringpost/mail/address.hpp"

namespace ringpost::simulator {

// "a: b" at the beginning of a line, any case; "" when there is none.
std::string_view field(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("\r\n", at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        mail::equal_ignoring_case(line.substr(0, name.size()), name)) {
      std::string_view value = line.substr(name.size() + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      return value;
    }
    at = end + 2;
  }
  return {};
}

std::optional<unsigned> number_in(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  return number;
}

// The field that our server puts in front: the first one, with its folded lines.
std::string_view received_field(std::string_view text) {
  if (!text.starts_with("Received:")) return {};
  std::size_t end = text.find("\r\n");
  while (end != std::string_view::npos && end + 2 < text.size() &&
         (text[end + 2] == '\t' || text[end + 2] == ' '))
    end = text.find("\r\n", end + 2);
  return end == std::string_view::npos ? text : text.substr(0, end + 2);
}

MessageId id_in(std::string_view received) {
  const std::size_t at = received.find(" id ");
  const std::size_t folded = received.find("\tid ");
  const std::size_t where = std::min(at, folded);
  if (where == std::string_view::npos) return {};
  return parse_message_id(received.substr(where + 4, 13)).value_or(MessageId{});
}

}  // namespace ringpost::simulator
