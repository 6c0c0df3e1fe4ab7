#include "ringpost/base/ids.hpp"

namespace ringpost {

namespace {
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kTextSize = 13;  // ceil(64 / 5)
}  // namespace

std::string to_string(MessageId id) {
  std::string text(kTextSize, '0');
  std::uint64_t rest = id.value;
  for (std::size_t i = kTextSize; i-- > 0; rest >>= 5U) text[i] = kAlphabet[rest & 31U];
  return text;
}

std::optional<MessageId> parse_message_id(std::string_view text) {
  if (text.size() != kTextSize) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kTextSize; ++i) {
    char c = text[i];
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    const auto digit = kAlphabet.find(c);
    if (digit == std::string_view::npos || (i == 0 && digit > 15)) return std::nullopt;
    value = (value << 5U) | digit;
  }
  return MessageId{value};
}

}  // namespace ringpost
