// The body's shape: its size, blank lines, columns of letters, tables of stock figures.
#include <map>
#include <set>

#include "ringpost/filter/parts.hpp"

#include "body_text.hpp"
#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

EvalAnswer check_body_length(const EvalCall& call, Arguments arguments) {
  return EvalAnswer::of(static_cast<double>(call.message.body_block().size()) <= number(arguments, 0, 0));
}

// In per cent; less than none when there are fewer lines than asked for.
double blank_line_share(const EvalCall& call, double lines_least) {
  std::size_t blank = 0;
  std::size_t lines = 0;
  for (const std::string& chunk : call.message.rawbody()) {
    std::string_view rest = chunk;
    // What follows the last line end of a chunk counts as a line too.
    do {
      blank += is_blank_line(take_line(rest)) ? 1U : 0U;
      ++lines;
    } while (!rest.empty());
    if (chunk.ends_with('\n')) {
      ++lines;
      ++blank;
    }
  }
  if (static_cast<double>(lines) < lines_least || lines == 0) return -1;
  return 100 * static_cast<double>(blank) / static_cast<double>(lines);
}

EvalAnswer check_blank_line_ratio(const EvalCall& call, Arguments arguments) {
  const double share = blank_line_share(call, std::max(number(arguments, 2, 1), 1.0));
  const double least = number(arguments, 0, 0);
  const double most = number(arguments, 1, 0);
  return EvalAnswer::of(share <= most && (least == 0 || share > least));
}

// The largest share of spaces in a paragraph.
EvalAnswer tvd_vertical_words(const EvalCall& call, Arguments arguments) {
  const double most = number(arguments, 1, 0) >= 100 ? 101 : number(arguments, 1, 0);
  double found = -1;
  for (const std::string& line : call.message.body()) {
    if (line.size() <= 5) continue;
    const auto spaces = static_cast<std::size_t>(std::ranges::count(line, ' '));
    const std::size_t others = line.size() - spaces;
    found =
        std::max(found, spaces > others || others == 0 ? 100.0 : static_cast<double>(100 * spaces / others));
  }
  return EvalAnswer::of(found >= number(arguments, 0, 0) && found < most);
}

// Words before a colon that tell of a stock, by their letters.
EvalAnswer check_stock_info(const EvalCall& call, Arguments arguments) {
  static const Re label(R"(/^\s*([^:\s][^:\n]{2,29})\s*:\s*\S/m)");
  static const Re stock(
      "/(^trad(?:e|ing)date|company(?:name)?|s\\w?(?:t\\w?o\\w?c\\w?k|y\\w?m(?:\\w?b\\w?o\\w?l)?)|t(?:arget|"
      "icker)|(?:opening|current)p(?:rice)?|"
      "p(?:rojected|osition)|expectations|weeks?high|marketperformance|(?:year|week|month|day|price)(?:"
      "target|estimates?)|sector|"
      "r(?:ecommendation|ating))$/");
  const auto& parts = call.message.parts().parts;
  const auto text = std::ranges::find_if(
      parts, [](const MimePart& part) { return part.type == "text/plain" && part.leaf; });
  const double least = number(arguments, 0, 0);
  if (text == parts.end()) return EvalAnswer::of(least == 0);
  const auto rendered = render_part(*text);
  if (!rendered) return EvalAnswer::of(least == 0);
  std::set<std::string> found;
  label.each(rendered->all.text, call, [&](std::string_view match) {
    std::string letters;
    for (const char c : match)
      if (is_letter(c)) letters += to_lower(c);
    if (auto kind = stock.group(letters, call)) found.insert(*std::move(kind));
    return true;
  });
  return EvalAnswer::of(static_cast<double>(found.size()) >= least);
}

struct Signature {
  bool made = false;
  bool has_text = false;
  double body = 0;
  double signature = 0;
};

// The text part, and what stands behind its last "-- " line.
const Signature& signature_of(const EvalCall& call) {
  auto& found = call.scratch.of<Signature>();
  if (found.made) return found;
  found.made = true;
  const auto& parts = call.message.parts().parts;
  const auto part = std::ranges::find_if(
      parts, [](const MimePart& one) { return one.type.starts_with("text/plain") && one.leaf; });
  if (part == parts.end()) return found;
  const std::string& text = part->decoded();
  found.has_text = true;
  found.body = static_cast<double>(text.size());
  for (std::string_view rest = text; !rest.empty();) {
    const auto begin = static_cast<std::size_t>(rest.data() - text.data());
    const std::string_view line = trim_back(take_line(rest));
    const std::size_t end = begin + line.size();
    if (line != "--" || text.size() - end <= 4) continue;
    found.body = static_cast<double>(begin);
    found.signature = static_cast<double>(text.size() - end);
  }
  return found;
}

EvalAnswer in_range(bool known, double value, Arguments arguments, double most) {
  return EvalAnswer::of(known && value >= number(arguments, 0, 0) && value <= number(arguments, 1, most));
}

constexpr double kNoSignatureRatio = 1e6;

EvalAnswer plaintext_body_length(const EvalCall& call, Arguments arguments) {
  return in_range(signature_of(call).has_text, signature_of(call).body, arguments, signature_of(call).body);
}
EvalAnswer plaintext_sig_length(const EvalCall& call, Arguments arguments) {
  return in_range(signature_of(call).has_text, signature_of(call).signature, arguments,
                  signature_of(call).signature);
}
EvalAnswer plaintext_body_sig_ratio(const EvalCall& call, Arguments arguments) {
  const Signature& found = signature_of(call);
  const double ratio = found.signature > 0 ? found.body / found.signature : kNoSignatureRatio;
  return in_range(found.has_text, ratio, arguments, kNoSignatureRatio);
}

}  // namespace

void add_body_evals(EvalRegistry& registry) {
  registry.add("check_body_length", {1, 1}, check_body_length);
  registry.add("check_blank_line_ratio", {2, 3}, check_blank_line_ratio);
  registry.add("tvd_vertical_words", {2, 2}, tvd_vertical_words);
  registry.add("check_stock_info", {1, 1}, check_stock_info);
  registry.add("plaintext_body_length", {1, 2}, plaintext_body_length);
  registry.add("plaintext_sig_length", {1, 2}, plaintext_sig_length);
  registry.add("plaintext_body_sig_ratio", {1, 2}, plaintext_body_sig_ratio);
}

}  // namespace ringpost::filter
