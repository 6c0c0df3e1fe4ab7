// What the files of the `filter` family share.
#pragma once

#include "families.hpp"
#include "filter_rules.hpp"

namespace ringpost::command {

struct FilterLeaf {
  std::string name, help, example;
};
// A command with --rules, --cache, --score-set and --local.
CLI::App* add_filter_leaf(Registry& registry, CLI::App& parent, const FilterLeaf& leaf,
                          std::function<int(Context&, const FilterArguments&)> run);

void add_filter_show_commands(CLI::App& family, Registry& registry);  // list, show
void add_filter_lint_command(CLI::App& family, Registry& registry);
void add_filter_learn_commands(CLI::App& family, Registry& registry);  // learn ham, learn spam
void add_filter_quarantine_commands(CLI::App& parent, Registry& registry);

}  // namespace ringpost::command
