// Which options of a command go together, and which exclude each other: one table for each command, held for words and TOML.
//
// Layer: tool; CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::loadgen {

struct OptionRule {
  enum class Kind : std::uint8_t {
    needs,    // `option` says nothing unless one of `others` is given
    excludes  // `option` and any of `others` contradict each other
  };
  std::string_view option;
  Kind kind;
  std::array<std::string_view, 4> others;  // those that are empty count for nothing
};

// What is wrong with the options that were given; empty: nothing. Options that `app` has not are not given.
std::string broken_rule(const CLI::App& app, std::span<const OptionRule> rules);
// Makes a parse fail that breaks one. `rules` outlives the app.
void hold_rules(CLI::App& app, std::span<const OptionRule> rules);

extern const std::span<const OptionRule> kLoadRules;  // smtp, imap, pop3
extern const std::span<const OptionRule> kTuneRules;
extern const std::span<const OptionRule> kSinkRules;  // a persona too

}  // namespace ringpost::loadgen
