#include "namespaces.hpp"

#include <algorithm>

#include "words.hpp"

namespace ringpost::migrate {

namespace {

// "((prefix separator ...) ...)", or NIL.
void add_prefixes(const ImapValue& namespaces, std::vector<std::string>& prefixes) {
  for (const ImapValue& one : namespaces.items)
    if (!one.items.empty()) prefixes.push_back(one.items[0].text);
}

// Of the longest that `name` begins with; -1: with none.
std::ptrdiff_t longest(const std::vector<std::string>& prefixes, std::string_view name) {
  std::ptrdiff_t size = -1;
  for (const std::string& prefix : prefixes)
    if (name.starts_with(prefix)) size = std::max(size, static_cast<std::ptrdiff_t>(prefix.size()));
  return size;
}

}  // namespace

Namespaces::Namespaces(const ImapReply& reply) {
  for (std::size_t i = 0; i < reply.values.size(); ++i)
    add_prefixes(reply.values[i], i == 0 ? own_ : others_);
}

bool Namespaces::owns(std::string_view name) const {
  return same_word(name, "INBOX") || longest(own_, name) >= longest(others_, name);
}

}  // namespace ringpost::migrate
