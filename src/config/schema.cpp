#include "ringpost/config/schema.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

namespace ringpost::config {

namespace {

constexpr int kDepthMax = 4;  // a table may hold named tables of its own kind

// "hostname" or "host.NAME.name" of the key in this table that is called so here or in Postfix.
std::string key_in(const OptionTable& table, std::string_view name, int depth) {
  for (const OptionField& field : table.fields())
    if (field.name == name || (!field.postfix_name.empty() && field.postfix_name == name))
      return std::string(field.name);
  if (depth == kDepthMax) return {};
  for (const OptionField& field : table.fields()) {
    if (field.codec->table == nullptr) continue;
    const std::string inner = key_in(field.codec->table(), name, depth + 1);
    if (!inner.empty()) return std::string(field.name) + (field.codec->named ? ".NAME." : ".") + inner;
  }
  return {};
}

}  // namespace

Schema& Schema::add(std::string name, const OptionCodec& codec, void* target) {
  RP_ASSERT(find(name) == nullptr && name != "include");
  parts_.push_back({std::move(name), &codec.table(), &codec, target});
  return *this;
}

const Schema::Part* Schema::find(std::string_view name) const {
  const auto at =
      std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.name == name; });
  return at == parts_.end() ? nullptr : &*at;
}

std::string Schema::key_named(std::string_view name) const {
  for (const Part& part : parts_)
    if (const std::string key = key_in(*part.table, name, 0); !key.empty())
      return part.name + (part.named() ? ".NAME." : ".") + key;
  return {};
}

}  // namespace ringpost::config
