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
                          on_leaf(header, key, field, field.codec->write(member));
                        });
    });
  }
}

}  // namespace

std::string show(const Schema& schema, const Loaded& loaded) {
  std::string text;
  const auto header_line = [&](const std::string& header) {
    text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", header);
  };
  each_option(
      schema, header_line,
      [&](const std::string& header, const std::string& key, const OptionField&, const OptionValue& value) {
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
      [&](const std::string& header, const std::string& key, const OptionField&, const OptionValue& value) {
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

namespace {

std::map<std::string, std::string> fixed_at_start(const Schema& schema) {
  std::map<std::string, std::string> values;
  each_option(
      schema, [](const std::string&) {},
      [&](const std::string& header, const std::string& key, const OptionField& field,
          const OptionValue& value) {
        if (field.restart) values.emplace(header + "." + key, value.unset() ? "" : to_toml(value));
      });
  return values;
}

}  // namespace

std::vector<std::string> waiting_for_restart(const Schema& running, const Schema& fresh) {
  const auto before = fixed_at_start(running);
  const auto after = fixed_at_start(fresh);
  std::vector<std::string> changed;
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    if (old == before.end() || old->second != value) changed.push_back(key);
  }
  for (const auto& [key, value] : before)
    if (!after.contains(key)) changed.push_back(key);
  return changed;
}

}  // namespace ringpost::config
