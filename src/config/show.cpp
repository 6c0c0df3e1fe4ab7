#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "ringpost/config/print.hpp"

namespace ringpost::config {

namespace {

constexpr int kCommentColumn = 48;  // where the places begin, when the value leaves room

// Visits each leaf with its whole key, and each table with its header before its leaves.
template <class OnTable, class OnLeaf>
void each_option(const Schema& schema, const OnTable& on_table, const OnLeaf& on_leaf) {
  for (const Schema::Part& part : schema.parts()) {
    part.codec->each_table(part.target, [&](const std::string& name, const void* options) {
      const std::string header = part.named() ? joined_key(part.name, name) : part.name;
      on_table(header);
      part.table->visit(options, "",
                        [&](const std::string& key, const OptionField& field, const void* member) {
                          on_leaf(header, key, field.codec->write(member));
                        });
    });
  }
}

std::map<std::string, std::string> restart_values(const Schema& schema) {
  std::map<std::string, std::string> values;
  for (const Schema::Part& part : schema.parts()) {
    part.codec->each_table(part.target, [&](const std::string& name, const void* options) {
      const std::string header = part.named() ? joined_key(part.name, name) : part.name;
      part.table->visit(options, "",
                        [&](const std::string& key, const OptionField& field, const void* member) {
                          if (field.restart) values[header + "." + key] = to_toml(field.codec->write(member));
                        });
    });
  }
  return values;
}

}  // namespace

std::vector<std::string> keys_for_restart(const Schema& running, const Schema& fresh) {
  auto before = restart_values(running);
  std::vector<std::string> keys;
  for (const auto& [key, value] : restart_values(fresh)) {
    const auto known = before.find(key);
    if (known == before.end() || known->second != value) keys.push_back(key);
    if (known != before.end()) before.erase(known);
  }
  for (const auto& [key, value] : before) keys.push_back(key);
  std::ranges::sort(keys);
  return keys;
}

std::string show(const Schema& schema, const Loaded& loaded) {
  std::string text;
  const auto header_line = [&](const std::string& header) {
    text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", header);
  };
  each_option(
      schema, header_line, [&](const std::string& header, const std::string& key, const OptionValue& value) {
        // TOML has no word for "nothing", so an option without a value is a comment.
        const std::string setting =
            value.unset() ? fmt::format("# {} is unset", key) : key + " = " + to_toml(value);
        text += fmt::format("{:<{}}  # {}\n", setting, kCommentColumn, loaded.place_of(header + "." + key));
      });
  return text;
}

std::string show_json(const Schema& schema, const Loaded& loaded) {
  std::string json = "[";
  each_option(
      schema, [](const std::string&) {},
      [&](const std::string& header, const std::string& key, const OptionValue& value) {
        const std::string whole = header + "." + key;
        const auto at = loaded.sources.find(whole);
        const bool set = at != loaded.sources.end() && at->second.line != 0;
        json += fmt::format("{}\n  {{\"key\": {}, \"value\": {}, \"file\": {}, \"line\": {}}}",
                            json.size() > 1 ? "," : "", json_quoted(whole), to_json(value),
                            set ? json_quoted(loaded.files[at->second.file]) : "null",
                            set ? fmt::format("{}", at->second.line) : "null");
      });
  return json + "\n]\n";
}

}  // namespace ringpost::config
