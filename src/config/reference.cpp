#include <algorithm>

#include <fmt/format.h>

#include "ringpost/config/print.hpp"

namespace ringpost::config {

namespace {

constexpr int kDepthMax = 4;  // a table may hold named tables of its own kind

std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

std::string default_text(const OptionField& field, const void* defaults) {
  if (field.is_required) return "required";
  const OptionValue value = field.codec->write(field.member_of(defaults));
  return value.unset() ? "unset" : "`" + cell(to_toml(value)) + "`";
}

std::string sentence(const OptionField& field) {
  std::string text(field.help);
  if (!field.allowed.empty()) text += " Allowed: " + field.allowed + ".";
  if (field.restart) text += " A change needs a restart.";
  if (!field.postfix_name.empty()) text += fmt::format(" Postfix: `{}`.", field.postfix_name);
  return cell(text);
}

void rows(const OptionTable& table, const void* defaults, const std::string& prefix, int depth,
          std::string& page) {
  for (const OptionField& field : table.fields()) {
    const std::string key = prefix + std::string(field.name);
    if (field.codec->table == nullptr) {
      page += fmt::format("| `{}` | {} | {} | {} |\n", key, cell(field.type), default_text(field, defaults),
                          sentence(field));
    } else if (field.codec->named || depth == kDepthMax) {
      page += fmt::format("| `{}.NAME` | {} | | {} |\n", key, depth == kDepthMax ? "table" : "named tables",
                          sentence(field));
      if (depth < kDepthMax && &field.codec->table() != &table)
        rows(field.codec->table(), field.codec->table().defaults(), key + ".NAME.", depth + 1, page);
    } else {
      // The default is that of the outer struct, which may differ from the inner one's own.
      rows(field.codec->table(), field.member_of(defaults), key + ".", depth + 1, page);
    }
  }
}

}  // namespace

std::string reference(const Schema& schema) {
  std::string page =
      "# Configuration reference\n\n"
      "This page is made from the option tables in the source by `ringpost config reference`.\n"
      "The file is TOML. Sizes are written as `\"64MiB\"`, durations as `\"30s\"`, rates as `\"600/min\"`; a "
      "relative\n"
      "path belongs to the folder of the file it stands in. `include = [\"conf.d/*.toml\"]` at the top "
      "merges more\n"
      "files; a key that is set twice is an error. In `[table.NAME]` the name is yours: errors, logs and "
      "metrics cite "
      "it.\n";
  for (const Schema::Part& part : schema.parts()) {
    page += fmt::format("\n## [{}{}]\n\n{}\n\n| key | type | default | what it does |\n|---|---|---|---|\n",
                        part.name, part.named() ? ".NAME" : "", part.table->help());
    rows(*part.table, part.table->defaults(), "", 0, page);
  }
  return page;
}

}  // namespace ringpost::config
