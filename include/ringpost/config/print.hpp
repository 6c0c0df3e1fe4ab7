// What a schema says in print: the reference page, the effective values, and a commented sample.
//
// Layer: pure. All three are made from the option tables and nothing else, in the order of registration.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/config/load.hpp"
#include "ringpost/config/schema.hpp"

namespace ringpost::config {

// The configuration reference in Markdown: the same text for the same schema, byte by byte.
std::string reference(const Schema& schema);

// The effective value of every key with the place that set it. The text reads back as the same configuration.
std::string show(const Schema& schema, const Loaded& loaded);
std::string show_json(const Schema& schema, const Loaded& loaded);

// The keys of which a reload takes no notice (needs_restart) and whose values are not those that the program runs with.
std::vector<std::string> waiting_for_restart(const Schema& running, const Schema& fresh);

// A key that the sample sets: {"listener.mx", "address", "[\"0.0.0.0:25\"]"}. Table and key must be in the schema.
struct SampleValue {
  std::string table;
  std::string key;
  std::string toml;
};
// A working file in which every other key stands as a comment with its default. `heading` may have several lines.
std::string sample(const Schema& schema, std::string_view heading, const std::vector<SampleValue>& values);

}  // namespace ringpost::config
