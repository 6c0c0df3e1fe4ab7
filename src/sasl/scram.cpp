#include "scram.hpp"

#include <algorithm>

#include "ringpost/sasl/limits.hpp"

namespace ringpost::sasl {

crypto::Sha256Digest exclusive_or(const crypto::Sha256Digest& a, const crypto::Sha256Digest& b) {
  crypto::Sha256Digest result;
  std::ranges::transform(a, b, result.begin(), [](std::byte x, std::byte y) { return x ^ y; });
  return result;
}

std::optional<std::string_view> take_attribute(char name, std::string_view& text) {
  if (text.size() < 2 || text[0] != name || text[1] != '=') return std::nullopt;
  const std::size_t comma = text.find(',');
  const std::string_view value = text.substr(2, comma == std::string_view::npos ? comma : comma - 2);
  text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  return value;
}

std::string encode_name(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ',')
      text += "=2C";
    else if (c == '=')
      text += "=3D";
    else
      text += c;
  }
  return text;
}

std::optional<std::string> decode_name(std::string_view text) {
  std::string name;
  while (!text.empty()) {
    if (text.front() != '=') {
      name += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::string_view code = text.substr(0, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name += code == "=2C" ? ',' : '=';
    text.remove_prefix(3);
  }
  return name;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && text.size() <= kNonceBytesMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

}  // namespace ringpost::sasl
