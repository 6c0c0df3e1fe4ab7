#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/config/print.hpp"

namespace ringpost::config {

namespace {

constexpr int kCommentColumn = 44;
constexpr int kDepthMax = 4;

std::string with_comment(const std::string& setting, std::string_view comment) {
  return comment.empty() ? setting + "\n" : fmt::format("{:<{}}  # {}\n", setting, kCommentColumn, comment);
}

// A commented line: the default, or for what has none, how one is written.
std::string shown(const std::string& key, const OptionField& field, const void* defaults) {
  const OptionValue value = field.codec->write(field.member_of(defaults));
  if (value.unset())
    return with_comment(fmt::format("#{} = {}", key, field.example()), "(unset) " + std::string(field.help));
  return with_comment(fmt::format("#{} = {}", key, field.is_required ? field.example() : to_toml(value)),
                      field.help);
}

class Sample {
 public:
  Sample(const Schema& schema, const std::vector<SampleValue>& values) : schema_(schema), values_(values) {}

  std::string text(std::string_view heading) {
    for (std::size_t at = 0; at < heading.size();) {
      const std::size_t end = std::min(heading.find('\n', at), heading.size());
      text_ += fmt::format("# {}\n", heading.substr(at, end - at));
      at = end + 1;
    }
    for (const Schema::Part& part : schema_.parts()) add_part(part);
    // Every value that the caller gave is in the text: a key that was renamed is our mistake.
    RP_ASSERT(written_ == values_.size());
    return std::move(text_);
  }

 private:
  void add_part(const Schema::Part& part) {
    text_ += fmt::format("\n# {}\n", part.table->help());
    if (!part.named()) return add_table(*part.table, part.name, true);
    const std::vector<std::string> headers = headers_below(part.name);
    // All keys are told once; without a table to tell them in, in one that is a comment as a whole.
    if (headers.empty()) text_ += fmt::format("#[{}.NAME]\n", part.name);
    if (headers.empty()) add_rows(*part.table, part.table->defaults(), "", "", true, 0);
    for (const std::string& header : headers) add_table(*part.table, header, header == headers.front());
  }

  std::vector<std::string> headers_below(const std::string& name) const {
    std::vector<std::string> headers;
    for (const SampleValue& value : values_)
      if (value.table.starts_with(name + ".") && std::ranges::find(headers, value.table) == headers.end())
        headers.push_back(value.table);
    return headers;
  }

  void add_table(const OptionTable& table, const std::string& header, bool all_keys) {
    text_ += fmt::format("[{}]\n", header);
    add_rows(table, table.defaults(), header, "", all_keys, 0);
  }

  void add_rows(const OptionTable& table, const void* defaults, const std::string& header,
                const std::string& prefix, bool all_keys, int depth) {
    for (const OptionField& field : table.fields()) {
      const std::string key = prefix + std::string(field.name);
      if (const SampleValue* given = find(header, key); given != nullptr) {
        text_ += with_comment(key + " = " + given->toml, field.help);
        ++written_;
      } else if (field.codec->table != nullptr && !field.codec->named && depth < kDepthMax) {
        add_rows(field.codec->table(), field.member_of(defaults), header, key + ".", all_keys, depth + 1);
      } else if (all_keys && field.codec->table != nullptr) {
        text_ += with_comment(
            fmt::format("#{}.NAME = {}", key,
                        field.codec->table().fields().empty() ? "{ }" : table_example(field.codec->table())),
            field.help);
      } else if (all_keys) {
        text_ += shown(key, field, defaults);
      }
    }
  }

  const SampleValue* find(const std::string& header, const std::string& key) const {
    const auto at = std::ranges::find_if(
        values_, [&](const SampleValue& v) { return v.table == header && v.key == key; });
    return at == values_.end() ? nullptr : &*at;
  }

  const Schema& schema_;
  const std::vector<SampleValue>& values_;
  std::string text_;
  std::size_t written_ = 0;
};

}  // namespace

std::string sample(const Schema& schema, std::string_view heading, const std::vector<SampleValue>& values) {
  return Sample(schema, values).text(heading);
}

}  // namespace ringpost::config
