#include "ringpost/base/option_value.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace ringpost {

namespace {

constexpr std::size_t kWordSizeMax = 64;       // edit distance is quadratic; no option name is longer
constexpr std::size_t kDescribedSizeMax = 60;  // of a wrong text, in a message

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

bool is_bare(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string number_text(double number, bool json) {
  if (!std::isfinite(number)) return json ? "null" : fmt::format("{}", number);
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// The two notations differ in how a table and an unset value look, not in texts, numbers and lists.
std::string printed(const OptionValue& value, bool json);

std::string printed_list(const OptionValue::List& list, bool json) {
  std::string text = "[";
  for (const auto& item : list) text += (text.size() > 1 ? ", " : "") + printed(item, json);
  return text + "]";
}

std::string printed_table(const OptionValue::Table& table, bool json) {
  if (table.empty()) return "{}";
  std::string text = json ? "{" : "{ ";
  const std::size_t open = text.size();
  for (const auto& [key, inner] : table)
    text += (text.size() > open ? ", " : "") + (json ? json_quoted(key) + ": " : key_part(key) + " = ") +
            printed(inner, json);
  return text + (json ? "}" : " }");
}

std::string printed(const OptionValue& value, bool json) {
  return std::visit(
      Overloaded{[&](std::monostate) -> std::string { return json ? "null" : "\"unset\""; },
                 [](bool flag) -> std::string { return flag ? "true" : "false"; },
                 [](std::int64_t number) { return fmt::format("{}", number); },
                 [&](double number) { return number_text(number, json); },
                 [](const std::string& text) { return json_quoted(text); },
                 [&](const OptionValue::Date& date) { return json ? json_quoted(date.text) : date.text; },
                 [&](const OptionValue::List& list) { return printed_list(list, json); },
                 [&](const OptionValue::Table& table) { return printed_table(table, json); }},
      value.value);
}

std::string lower(std::string_view word) {
  std::string text(word.substr(0, kWordSizeMax));
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// Insertions, deletions, changes and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

const OptionValue* OptionValue::find(std::string_view key) const {
  const auto* table = as<Table>();
  if (table == nullptr) return nullptr;
  const auto at =
      std::find_if(table->begin(), table->end(), [&](const OptionEntry& entry) { return entry.key == key; });
  return at == table->end() ? nullptr : &at->value;
}

std::string to_toml(const OptionValue& value) {
  return printed(value, false);
}
std::string to_json(const OptionValue& value) {
  return printed(value, true);
}

// JSON and the basic strings of TOML share these escapes; TOML wants DEL escaped too, JSON does not mind.
std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          quoted += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
          quoted += c;
    }
  }
  return quoted + "\"";
}

std::string described(const OptionValue& value) {
  return std::visit(Overloaded{[](std::monostate) -> std::string { return "unset"; },
                               [](bool flag) -> std::string { return flag ? "true" : "false"; },
                               [](std::int64_t number) { return fmt::format("the integer {}", number); },
                               [](double number) { return "the number " + number_text(number, false); },
                               [](const std::string& text) {
                                 return "the text " +
                                        (text.size() <= kDescribedSizeMax
                                             ? json_quoted(text)
                                             : "of " + std::to_string(text.size()) + " characters");
                               },
                               [](const OptionValue::Date&) -> std::string { return "a date or time"; },
                               [](const OptionValue::List&) -> std::string { return "a list"; },
                               [](const OptionValue::Table&) -> std::string { return "a table"; }},
                    value.value);
}

std::string key_part(std::string_view name) {
  return is_bare(name) ? std::string(name) : json_quoted(name);
}

std::string joined_key(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? key_part(name) : std::string(prefix) + "." + key_part(name);
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, std::min(word.size(), kWordSizeMax) / 3) + 1;
  const std::string wanted = lower(word);
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

void OptionReader::add(OptionProblem problem) {
  if (!problem.warning) ++error_count_;
  problems_.push_back(std::move(problem));
}

bool OptionReader::wrong(OptionSource source, std::string message, std::string mend) {
  add({false, source, key_, std::move(message), std::move(mend)});
  return false;
}

bool OptionReader::wrong_text(OptionSource source, std::string_view text) {
  const std::size_t cut = text.find("; ");
  if (cut == std::string_view::npos) return wrong(source, std::string(text), "correct the value");
  return wrong(source, std::string(text.substr(0, cut)), std::string(text.substr(cut + 2)));
}

bool OptionReader::wrong_type(const OptionValue& value, std::string_view type, std::string_view example) {
  return wrong(value.source, fmt::format("is {}, and the type is {}", described(value), type),
               fmt::format("write it as {}", example));
}

OptionReader::Inside::Inside(OptionReader& reader, std::string_view name)
    : reader_(reader), size_before_(reader.key_.size()) {
  if (!reader_.key_.empty()) reader_.key_ += '.';
  reader_.key_ += key_part(name);
}
OptionReader::Inside::~Inside() {
  reader_.key_.resize(size_before_);
}

std::string OptionReader::completed(std::string_view path, OptionSource source) const {
  const bool known = source.line != 0 && source.file < settings_.directories.size();
  if (!known || path.empty() || path.front() == '/' || settings_.directories[source.file].empty())
    return std::string(path);
  const std::string& directory = settings_.directories[source.file];
  return directory + (directory.ends_with('/') ? "" : "/") + std::string(path);
}

}  // namespace ringpost
