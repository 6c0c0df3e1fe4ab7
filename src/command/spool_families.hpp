// The parts of `ringpost spool`, and what they share.
#pragma once

#include <optional>
#include <string>

#include "ringpost/spool/inspect.hpp"

#include "families.hpp"

namespace ringpost::command {

void add_spool_tools(CLI::App& spool, Registry& registry);
void add_spool_export(CLI::App& spool, Registry& registry);

// Which spool. With a directory no configuration is read: who rescues mail may have none.
struct SpoolWish {
  std::string directory;
};
void add_directory(CLI::App& leaf, SpoolWish& wish);
// Nothing: it was complained about.
std::optional<std::string> directory_of(const Context& context, const SpoolWish& wish);

// How a command ends that has done what it was told: a damaged spool is a finding of each.
int end_by_health(const Context& context, const spool::Inspection& found);

// --id was none.
int complain_of_id(const Context& context);

}  // namespace ringpost::command
