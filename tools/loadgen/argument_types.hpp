// How options of the command line become values; the same for words and for the tables of a TOML file.
//
// Layer: tool; CLI11 only here and in the *arguments.cpp.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "ringpost/base/option_value.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

#include "common_options.hpp"

namespace ringpost::loadgen {

// Gives the option to `parse`, whose error becomes the one of the command line.
template <class T, class Parse>
CLI::Option* option(CLI::App& app, const std::string& names, T& into, Parse parse, const std::string& help) {
  return app.add_option_function<std::string>(
      names,
      [&into, parse, names](const std::string& text) {
        auto value = parse(text);
        if (!value) throw CLI::ValidationError(names, value.error().text);
        into = std::move(*value);
      },
      help);
}

// A whole number without sign, within bounds.
struct CountRange {
  std::uint64_t least = 0;
  std::uint64_t most = 1'000'000'000'000'000;  // more than can be counted in a run
};
Result<std::uint64_t> parse_count(const std::string& text, CountRange range);
// Its default is shown in the help.
template <class T>
CLI::Option* count_option(CLI::App& app, const std::string& names, T& into, const std::string& help,
                          CountRange range = {}) {
  return option(
             app, names, into,
             [range](const std::string& text) -> Result<T> {
               return static_cast<T>(RP_TRY(parse_count(text, range)));
             },
             help)
      ->type_name("COUNT")
      ->default_str(std::to_string(into));
}

// From 0 to 1.
Result<double> parse_share(const std::string& text);
// A time that is not 0: where 0 would mean something else.
Result<Duration> parse_some_time(const std::string& text);

template <class T>
using Choices = std::vector<std::pair<std::string_view, T>>;
template <class T>
CLI::Option* choice(CLI::App& app, const std::string& names, T& into, const Choices<T>& choices,
                    const std::string& help) {
  std::string known;
  for (const auto& [word, value] : choices) known.append(known.empty() ? "" : "|").append(word);
  const auto parse = [choices, known](const std::string& text) -> Result<T> {
    for (const auto& [word, value] : choices)
      if (word == text) return value;
    return fail(ErrorKind::permanent, "write one of " + known);
  };
  return option(app, names, into, parse, help)->type_name(known);
}

inline Result<std::vector<std::string>> words(const std::string& text) {
  return CLI::detail::split(text, ',');
}

template <class T, class Parse>
Result<std::vector<T>> list_of(const std::string& text, Parse parse) {
  std::vector<T> list;
  for (const std::string& word : RP_TRY(words(text))) list.push_back(RP_TRY(parse(word)));
  return list;
}

inline const Choices<TlsUse> kTls{
    {"none", TlsUse::none}, {"starttls", TlsUse::starttls}, {"implicit", TlsUse::implicit}};

Result<std::optional<Login>> parse_login(const std::string& text);
void add_common(CLI::App& app, CommonOptions& options);
// "HOST:PORT"; the host is looked up later.
std::string target_complaint(const std::string& text);
// The tables of a table in the order in which they were written; everything else in it is an error.
Result<std::vector<OptionEntry>> tables_of(const OptionValue& table, const std::string& file);
// A table's keys are the options' names, with "_" for "-"; a list gives its option once for each item. What `app` says
// against them is the error, with the line of the key.
Result<void> parse_table(CLI::App& app, const OptionValue& table, const std::string& file);

}  // namespace ringpost::loadgen
