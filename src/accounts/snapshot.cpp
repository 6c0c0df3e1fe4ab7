#include "snapshot.hpp"

#include <algorithm>

namespace ringpost::accounts {

namespace {

template <class Map>
auto find_address(const Map& map, std::string_view local_part, std::string_view domain) {
  std::string name = lower_case(local_part);
  if (!domain.empty()) {
    const std::string whole = name + "@" + lower_case(domain);
    if (const auto found = map.find(whole); found != map.end()) return found;
  }
  return map.find(name);
}

}  // namespace

std::string lower_case(std::string_view name) {
  std::string result(name);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

const User* Snapshot::find(std::string_view local_part, std::string_view domain) const {
  const auto found = find_address(entries_, local_part, domain);
  return found == entries_.end() ? nullptr : &found->second.user;
}

const std::vector<std::string>* Snapshot::alias(std::string_view local_part, std::string_view domain) const {
  const auto found = find_address(aliases_, local_part, domain);
  return found == aliases_.end() ? nullptr : &found->second;
}

void Snapshot::add(User user, std::string source, std::string hash) {
  std::string name = lower_case(user.name);
  entries_.try_emplace(std::move(name), Entry{std::move(user), std::move(source), std::move(hash)});
}

void Snapshot::add_alias(std::string_view address, std::vector<std::string> targets) {
  aliases_[lower_case(address)] = std::move(targets);
}

std::string_view Snapshot::hash(std::string_view login) const {
  const auto found = entries_.find(lower_case(login));
  return found == entries_.end() ? std::string_view() : std::string_view(found->second.hash);
}

}  // namespace ringpost::accounts
