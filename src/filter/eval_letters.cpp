// The letters of a text: how many are capitals, and whether its charset is a foreign one.
#include <algorithm>

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"
#include "mime_shape.hpp"

namespace ringpost::filter {

namespace {

std::string_view charset_of_line(std::string_view type) {
  const std::size_t at = find_nocase(type, "charset=");
  if (at == kNowhere) return {};
  std::string_view value = type.substr(at + 8);
  if (value.starts_with('"') || value.starts_with('\'')) {
    const char quote = value.front();
    value.remove_prefix(1);
    return value.substr(0, value.find(quote));
  }
  std::size_t size = 0;
  while (size < value.size() && !is_space(value[size])) ++size;
  return value.substr(0, size);
}

bool looks_like_capitals(const EvalCall& call) {
  if (is_taken_for_capitals(charset_of_line(text_of(call, "Content-Type")))) return true;
  return std::ranges::any_of(mime_shape(call).charsets,
                             [](const std::string& one) { return is_taken_for_capitals(one); });
}

struct UppercaseShare {
  bool made = false;
  double per_cent = 0;
};

// 60 to 76 characters of base64, twice.
bool is_encoded_line(std::string_view line) {
  for (int i = 0; i < 2; ++i) {
    std::size_t size = 0;
    while (size < line.size() && (is_alnum(line[size]) || contains("+/=", line.substr(size, 1)))) ++size;
    if (size < 60 || size > 76 || size >= line.size() || line[size] != ' ') return false;
    line.remove_prefix(size + 1);
  }
  return true;
}

double uppercase_share(const EvalCall& call) {
  auto& share = call.scratch.of<UppercaseShare>();
  if (share.made) return share.per_cent;
  share.made = true;
  if (looks_like_capitals(call)) return 0;
  std::size_t size = 0;
  std::size_t low = 0;
  std::size_t high = 0;
  for (const std::string& line : call.message.body()) {
    const std::string_view text = trim(line);
    if (std::ranges::none_of(text, is_space) || is_encoded_line(line)) continue;
    size += line.size();
    // A letter is upper or lower by one bit; without a branch this goes many bytes at a time.
    unsigned lower_here = 0, upper_here = 0;
    for (const char c : line) {
      lower_here += static_cast<unsigned>(is_lower(c)) | static_cast<unsigned>(is_digit(c));
      upper_here += static_cast<unsigned>(is_upper(c));
    }
    low += lower_here;
    high += upper_here;
  }
  if (size >= 200 && low + high > 0)
    share.per_cent = static_cast<double>(high) / static_cast<double>(high + low) * 100;
  return share.per_cent;
}

EvalAnswer check_for_uppercase(const EvalCall& call, Arguments arguments) {
  const double share = uppercase_share(call);
  return EvalAnswer::of(share > number(arguments, 0, 0) && share <= number(arguments, 1, 0));
}

Result<EvalFunction> check_for_faraway_charset(const EvalSetup& setup) {
  return [locales = Locales(setup.settings)](const EvalCall& call) {
    const std::string_view charset = charset_of_line(text_of(call, "Content-Type"));
    if (locales.all() || charset.empty() || locales.welcomes(charset)) return EvalAnswer::of(false);
    std::size_t size = 0;
    std::size_t high = 0;
    for (const std::string& line : call.message.body()) {
      size += line.size();
      high += static_cast<std::size_t>(std::ranges::count_if(line, is_eight_bit));
    }
    return EvalAnswer::of(high > 3 && size - high <= high);
  };
}

}  // namespace

void add_letter_evals(EvalRegistry& registry) {
  registry.add("check_for_uppercase", {2, 2}, check_for_uppercase);
  registry.add("check_for_faraway_charset", check_for_faraway_charset);
}

}  // namespace ringpost::filter
