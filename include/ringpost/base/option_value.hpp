// A configuration value before it has its type, and the reader that collects what is wrong with it and who set it.
//
// Layer: base. `config` makes OptionValues from TOML; commands may make them from flags; option tables take them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ringpost {

// Where a value was written. Line 0: in no file, a default.
struct OptionSource {
  std::uint32_t file = 0;  // index into the files of whoever reads
  std::uint32_t line = 0;
  auto operator<=>(const OptionSource&) const = default;
};

struct OptionEntry;

struct OptionValue {
  struct Date {
    std::string text;  // TOML has dates; no option takes one
    bool operator==(const Date&) const = default;
  };
  using List = std::vector<OptionValue>;
  using Table = std::vector<OptionEntry>;  // in the order of writing; keys are unique

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Date, List, Table> value;
  OptionSource source{};

  template <class T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  bool unset() const { return std::holds_alternative<std::monostate>(value); }
  const OptionValue* find(std::string_view key) const;  // nullptr unless a table with that key
};

struct OptionEntry {
  std::string key;
  OptionValue value;
};

// TOML on one line: strings are quoted, tables inline, an unset value is "unset".
std::string to_toml(const OptionValue& value);
std::string to_json(const OptionValue& value);
std::string json_quoted(std::string_view text);
// "integer 25", "text "yes"", "list": for messages.
std::string described(const OptionValue& value);
// `name` as a part of a dotted key: quoted unless it is bare.
std::string key_part(std::string_view name);
std::string joined_key(std::string_view prefix, std::string_view name);

// The name of `known` that `word` was probably meant to be (edit distance at most a third of its length), or "".
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

struct OptionProblem {
  bool warning = false;
  OptionSource source;
  std::string key;      // the full dotted key, "" for the file as a whole
  std::string message;  // what is wrong
  std::string mend;     // what to write instead
};

// Goes along with the reading of one configuration: the key it is at, the problems so far, who set what.
class OptionReader {
 public:
  struct Settings {
    std::vector<std::string>
        directories{};     // directories[i] completes relative paths of file i; "" leaves them
    bool complete = true;  // false: parts are missing (syntax errors), so do not ask for required keys
    // Where an unknown key lives in truth ("[server] hostname"), or "".
    std::function<std::string(std::string_view key)> elsewhere{};
  };
  OptionReader() = default;
  explicit OptionReader(Settings settings) : settings_(std::move(settings)) {}

  // Always false, so that a reading function can `return reader.wrong(...)`.
  bool wrong(OptionSource source, std::string message, std::string mend);
  // The error text of a base parser, "what is wrong; how to write it", split at its first "; ".
  bool wrong_text(OptionSource source, std::string_view text);
  bool wrong_type(const OptionValue& value, std::string_view type, std::string_view example);
  void add(OptionProblem problem);

  // While it lives, the reader is at `name` below the present key.
  class Inside {
   public:
    Inside(OptionReader& reader, std::string_view name);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    OptionReader& reader_;
    std::size_t size_before_;
  };

  const std::string& key() const { return key_; }
  const Settings& settings() const { return settings_; }
  std::string completed(std::string_view path, OptionSource source) const;
  void note_source(OptionSource source) { sources_[key_] = source; }

  std::vector<OptionProblem> take_problems() { return std::exchange(problems_, {}); }
  std::size_t error_count() const { return error_count_; }
  // Who set which key.
  using Sources = std::map<std::string, OptionSource, std::less<>>;
  const Sources& sources() const { return sources_; }

 private:
  Settings settings_;
  std::string key_;
  std::vector<OptionProblem> problems_;
  std::size_t error_count_ = 0;
  Sources sources_;
};

}  // namespace ringpost
