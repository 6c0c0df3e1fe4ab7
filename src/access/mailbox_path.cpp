#include "mailbox_path.hpp"

#include "names.hpp"

namespace ringpost::access {

std::string MailboxPath::shown(std::string_view mailbox) const {
  if (!others) return std::string(mailbox);
  if (owner.empty()) return std::string(kOtherUsers);
  std::string whole = std::string(kOthersPrefix) + owner;
  if (!mailbox.empty()) whole.append(1, kSeparator).append(mailbox);
  return whole;
}

bool is_among_others(std::string_view name) {
  return name == kOtherUsers || name.starts_with(kOthersPrefix);
}

MailboxPath path_among_others(std::string_view name, std::string_view user) {
  MailboxPath path{.owner = {}, .name = {}, .others = true};
  if (name.size() <= kOthersPrefix.size()) return path;
  name.remove_prefix(kOthersPrefix.size());
  const std::size_t slash = name.find(kSeparator);
  path.owner = canonical_user(name.substr(0, slash));
  if (path.owner == user)
    path.owner.clear();
  else if (slash != std::string_view::npos)
    path.name = name.substr(slash + 1);
  return path;
}

bool may_match_owner(std::string_view pattern, std::string_view owner) {
  const std::string root = std::string(kOthersPrefix).append(owner).append(1, kSeparator);
  const std::string_view fixed = pattern.substr(0, pattern.find_first_of("%*"));
  return root.starts_with(fixed) || fixed.starts_with(root);
}

std::string_view parent_of(std::string_view name) {
  const std::size_t slash = name.rfind(kSeparator);
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

}  // namespace ringpost::access
