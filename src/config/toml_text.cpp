#include "toml_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "ringpost/config/limits.hpp"

#include "key_depth.hpp"
#include "text_lines.hpp"

// The parser of the library asserts what some malformed texts break ("[&", "a = [}"): fatal with assertions,
// undefined without, where they become assumptions. So here each is an exception, caught in parse() below.
namespace ringpost::config {
struct ParserAssertion {};
[[noreturn, gnu::cold]] static void parser_assertion_failed() {
  throw ParserAssertion{};
}
}  // namespace ringpost::config

// Errors as values, and the bound of our own recursion over what it makes.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES 16
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT(expression) \
  (static_cast<bool>(expression) ? static_cast<void>(0) : ::ringpost::config::parser_assertion_failed())
#define TOML_ASSERT_ASSUME(expression) TOML_ASSERT(expression)
#include <toml++/toml.h>

namespace ringpost::config {

namespace {

static_assert(TOML_MAX_NESTED_VALUES == kValueDepthMax);

OptionSource source_at(const toml::source_region& region, std::uint32_t file) {
  return {file, region.begin.line};
}

template <class Date>
std::string date_text(const Date& date) {
  std::ostringstream out;
  out << date;
  return std::move(out).str();
}

OptionValue converted(const toml::node& node, std::uint32_t file);

OptionValue::Table converted_table(const toml::table& table, std::uint32_t file) {
  OptionValue::Table entries;
  for (const auto& [key, node] : table) {
    OptionValue value = converted(node, file);
    // A value may begin below its key; the line to show is that of the key.
    if (key.source().begin.line != 0 && !node.is_table()) value.source = source_at(key.source(), file);
    entries.push_back({std::string(key.str()), std::move(value)});
  }
  return entries;
}

OptionValue::List converted_list(const toml::array& array, std::uint32_t file) {
  OptionValue::List items;
  for (const toml::node& node : array) items.push_back(converted(node, file));
  return items;
}

OptionValue converted(const toml::node& node, std::uint32_t file) {
  OptionValue result{.source = source_at(node.source(), file)};
  node.visit([&](const auto& typed) {
    using Node = std::remove_cvref_t<decltype(typed)>;
    if constexpr (toml::is_table<Node>)
      result.value = converted_table(typed, file);
    else if constexpr (toml::is_array<Node>)
      result.value = converted_list(typed, file);
    else if constexpr (toml::is_date<Node> || toml::is_time<Node> || toml::is_date_time<Node>)
      result.value = OptionValue::Date{date_text(typed.get())};
    else
      result.value = typed.get();
  });
  return result;
}

// The document, or why it is none.
struct Parsed {
  std::optional<toml::table> table{};
  std::size_t line = 0;  // of the error; 0: an assertion, its line is not known
  std::string error{};

  explicit operator bool() const { return table.has_value(); }
};

Parsed parse(std::string_view text) {
  try {
    toml::parse_result result = toml::parse(text);
    if (result) return {.table = std::move(result).table()};
    return {.line = std::max<std::size_t>(result.error().source().begin.line, 1),
            .error = std::string(result.error().description())};
  } catch (const ParserAssertion&) {
    return {.error = "unexpected character"};
  }
}

bool parses(std::string_view text) {
  return static_cast<bool>(parse(text));
}

bool starts_table(std::string_view line) {
  return trimmed(line).starts_with('[');
}

// The value that `path` (a document with one leaf) names in `root`, as deep as it goes.
const toml::node* same_place(const toml::table& root, const toml::table& path) {
  const toml::node* at = nullptr;
  const toml::table* in = &root;
  for (const toml::table* step = &path; step != nullptr && step->size() == 1;) {
    const auto& [key, next] = *step->begin();
    const toml::node* found = in == nullptr ? nullptr : in->get(key.str());
    if (found == nullptr) return at;
    at = found;
    in = found->as_table();
    step = next.as_table();
  }
  return at;
}

// Reads one text over and over, each time with one more broken statement blanked out.
class Reading {
 public:
  Reading(std::string_view text, std::uint32_t file, TomlText& result)
      : lines_(text), file_(file), result_(result) {}

  void run() {
    for (std::size_t round = 0; round <= kSyntaxErrorsMax; ++round) {
      Parsed parsed = parse(lines_.text());
      if (parsed) {
        result_.root.value = converted_table(*parsed.table, file_);
        return;
      }
      if (parsed.line == 0) parsed.line = line_of_assertion();
      if (!set_aside(parsed)) break;
    }
    // Nothing of it can be used; what was reported comes first anyway.
    result_.complete = false;
  }

 private:
  // Reports the error and blanks its statement out; false when there is no way past it.
  bool set_aside(const Parsed& failed) {
    const std::size_t line = std::min(failed.line, lines_.count());
    const std::string_view text = failed.error;
    if (text.find("cannot redefine") != std::string_view::npos ||
        text.find("existing inline") != std::string_view::npos)
      return set_duplicate_aside(line);
    result_.complete = false;
    const std::size_t first = culprit(line);
    report(first, text);
    const std::size_t last = first < line ? line - 1 : statement_end(first);
    return blank(first, starts_table(lines_.line(first)) ? table_end(first) : last);
  }

  // The parser reads forward only, so every text that goes on to this line at least fails in the same way.
  std::size_t line_of_assertion() const {
    std::size_t good = 0;
    std::size_t bad = lines_.count();
    while (bad - good > 1) {
      const std::size_t middle = good + (bad - good) / 2;
      const Parsed parsed = parse(lines_.between(1, middle));
      (parsed || parsed.line != 0 ? good : bad) = middle;
    }
    return bad;
  }

  bool set_duplicate_aside(std::size_t line) {
    const Parsed before = parse(lines_.before(line));
    const auto path = path_of(line);
    const toml::node* first = before && path ? same_place(*before.table, *path) : nullptr;
    const bool table = starts_table(lines_.line(line));
    const std::string what = table ? "this table stands here a second time" : "is set a second time";
    result_.errors.push_back(
        {static_cast<std::uint32_t>(line), path ? dotted(*path) : "",
         first == nullptr ? what
                          : fmt::format("{}; the first is in line {}", what, first->source().begin.line),
         table ? "put all its keys below one header" : "keep one of the two"});
    return blank(line, table ? table_end(line) : statement_end(line));
  }

  // A line that is right by itself fails only because an earlier value was not closed.
  std::size_t culprit(std::size_t line) const {
    const std::string_view alone = trimmed(lines_.line(line));
    if (!alone.empty() && !parses(alone)) return line;
    const std::size_t lowest = line > kStatementLinesMax ? line - kStatementLinesMax : 1;
    for (std::size_t first = line - 1; first >= lowest && first >= 1; --first) {
      const std::string_view text = lines_.line(first);
      if (text.find('=') != std::string_view::npos && !parses(text) &&
          !parses(lines_.between(first, line - 1)))
        return first;
    }
    return line;
  }

  // The last line of the value that begins here, when it does end.
  std::size_t statement_end(std::size_t first) const {
    const std::size_t highest = std::min(lines_.count(), first + kStatementLinesMax);
    for (std::size_t last = first; last <= highest; ++last) {
      if (last > first && starts_table(lines_.line(last))) break;
      if (parses(lines_.between(first, last))) return last;
    }
    return first;
  }

  // The line before the next header: keys of a broken table must not fall to the one before it.
  std::size_t table_end(std::size_t first) const {
    std::size_t last = first;
    while (last < lines_.count() && !starts_table(lines_.line(last + 1))) ++last;
    return last;
  }

  bool blank(std::size_t first, std::size_t last) {
    if (trimmed(lines_.between(first, last)).empty()) return false;
    lines_.blank(first, last);
    return true;
  }

  // The header above the line and the line's key, as a document of one leaf.
  std::optional<toml::table> path_of(std::size_t line) const {
    const std::string_view text = lines_.line(line);
    std::string document;
    if (starts_table(text)) {
      document = trimmed(text);
    } else {
      std::size_t header = line - 1;
      while (header >= 1 && !(starts_table(lines_.line(header)) && parses(lines_.line(header)))) --header;
      if (header >= 1) document = trimmed(lines_.line(header));
      document += "\n" + std::string(text.substr(0, text.find('='))) + " = 0";
    }
    return parse(document).table;
  }

  static std::string dotted(const toml::table& path) {
    std::string key;
    for (const toml::table* step = &path; step != nullptr && step->size() == 1;) {
      const auto& [name, next] = *step->begin();
      key = joined_key(key, name.str());
      step = next.as_table();
    }
    return key;
  }

  void report(std::size_t line, std::string_view description) {
    const auto path = path_of(line);
    const std::size_t colon = description.find(": ");
    if (description.starts_with("Error while") && colon != std::string_view::npos)
      description.remove_prefix(colon + 2);
    result_.errors.push_back({static_cast<std::uint32_t>(line), path ? dotted(*path) : "",
                              "is not TOML: " + std::string(description), mend(lines_.line(line))});
  }

  std::string mend(std::string_view line) const {
    const std::string_view text = trimmed(line);
    if (text.starts_with('[')) return "write a header as [name] or [name.part]";
    const std::size_t equals = text.find('=');
    const std::string_view key = trimmed(text.substr(0, equals));
    if (equals == std::string_view::npos) {
      const std::size_t cut = text.find_first_of(": \t");
      if (cut == std::string_view::npos || cut == 0) return "write key = value";
      return fmt::format("write {} = {}", text.substr(0, cut), json_quoted(trimmed(text.substr(cut + 1))));
    }
    std::string_view value = trimmed(text.substr(equals + 1));
    if (value.starts_with('[')) return "close the list with ] and separate its items with commas";
    if (value.starts_with('{')) return "close the table with } in the same line";
    if (value.starts_with('"') || value.starts_with('\''))
      return "end the text with the quote that it begins with";
    value = trimmed(value.substr(0, value.find('#')));
    if (value.empty()) return fmt::format("write a value: {} = \"...\"", key);
    const std::string quoted = fmt::format("{} = {}", key, json_quoted(value));
    return parses(quoted) ? "put the value in quotes: " + quoted : "write key = value";
  }

  TextLines lines_;
  std::uint32_t file_;
  TomlText& result_;
};

}  // namespace

TomlText read_toml(std::string_view text, std::uint32_t file) {
  TomlText result;
  result.root.source = {file, 0};
  if (text.size() > kFileSizeMax.count) {
    result.errors.push_back({0, "", fmt::format("is larger than {}", to_string(kFileSizeMax)),
                             "split it, and name the parts in include = [...]"});
    result.complete = false;
  } else if (const auto line = line_of_deep_key(text, kKeyDepthMax); line != 0) {
    result.errors.push_back(
        {line, "", fmt::format("a key has more than {} parts", kKeyDepthMax), "shorten it"});
    result.complete = false;
  } else {
    Reading(text, file, result).run();
  }
  return result;
}

}  // namespace ringpost::config
