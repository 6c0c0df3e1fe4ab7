#include "snapshot.hpp"

#include <algorithm>

#include "ringpost/mail/address.hpp"

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

// "" for a name without one, or with what is none.
std::string domain_of(std::string_view name) {
  std::string domain;
  const auto at = name.rfind('@');
  if (at == std::string_view::npos || !mail::append_canonical_domain(name.substr(at + 1), domain)) return "";
  return domain;
}

}  // namespace

std::string lower_case(std::string_view name) {
  std::string result(name);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::string_view to_string(Source source) {
  switch (source) {
    case Source::sqlite:
      return "sqlite";
    case Source::passwd_file:
      return "passwd_file";
    case Source::system:
      return "system";
  }
  return "";
}

std::string_view Entry::label_of(std::size_t key) const {
  const std::size_t first = has_main_key ? 1 : 0;
  return key < first || key - first >= app_labels.size() ? std::string_view() : app_labels[key - first];
}

const User* Snapshot::find(std::string_view local_part, std::string_view domain) const {
  const auto found = find_address(entries_, local_part, domain);
  return found == entries_.end() ? nullptr : &found->second.user;
}

const std::vector<std::string>* Snapshot::alias(std::string_view local_part, std::string_view domain) const {
  const auto found = find_address(aliases_, local_part, domain);
  return found == aliases_.end() ? nullptr : &found->second;
}

const std::vector<std::string>* Snapshot::catch_all(std::string_view domain) const {
  if (domain.empty()) return nullptr;
  const auto found = aliases_.find("@" + lower_case(domain));
  return found == aliases_.end() ? nullptr : &found->second;
}

void Snapshot::add(Entry entry) {
  std::string name = lower_case(entry.user.name);
  if (const std::string domain = domain_of(name); !domain.empty()) written_.insert(domain);
  entries_.try_emplace(std::move(name), std::move(entry));
}

void Snapshot::add_alias(std::string_view address, std::vector<std::string> targets) {
  aliases_[lower_case(address)] = std::move(targets);
}

std::string Snapshot::name_of(std::string_view login) const {
  std::string name = lower_case(login);
  const std::string domain = domain_of(name);
  if (local_.contains(domain) && !written_.contains(domain)) name.erase(name.rfind('@'));
  return name;
}

const Entry* Snapshot::login(std::string_view name) const {
  const auto found = entries_.find(name_of(name));
  return found == entries_.end() ? nullptr : &found->second;
}

Entry* Snapshot::entry_of(std::string_view name) {
  const auto found = entries_.find(lower_case(name));
  return found == entries_.end() ? nullptr : &found->second;
}

}  // namespace ringpost::accounts
