#include "local_expansion.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "ringpost/deliver/local_limits.hpp"
#include "ringpost/mail/address.hpp"

namespace ringpost::deliver {

namespace {

struct Candidate {
  std::string name;
  std::string extension;
};
// "anna+news" as it is, then "anna".
std::vector<Candidate> candidates(const std::string& local_part, const std::string& delimiters) {
  std::vector<Candidate> found{{local_part, ""}};
  const auto split = mail::split_extension(local_part, delimiters);
  if (split.delimiter != 0) found.push_back({std::string(split.user), std::string(split.extension)});
  return found;
}

std::string forward_link(const accounts::User& user) {
  return "~" + lower(user.name);
}

Result<std::string> read_list(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat found{};
  if (!file || ::fstat(file.get(), &found) != 0) return fail_system(errno, ":include:" + path);
  if (!S_ISREG(found.st_mode))
    return fail(ErrorKind::permanent, ":include:" + path + " is not a regular file");
  if (static_cast<std::uint64_t>(found.st_size) > kIncludeSizeMax)
    return fail(ErrorKind::permanent, ":include:" + path + " is too large");
  std::string text(static_cast<std::size_t>(found.st_size), '\0');
  const ssize_t count = ::pread(file.get(), text.data(), text.size(), 0);
  if (count < 0) return fail_system(errno, ":include:" + path);
  text.resize(static_cast<std::size_t>(count));
  return text;
}

}  // namespace

std::string LocalTarget::key() const {
  switch (kind) {
    case Kind::mailbox:
      return "mailbox:" + lower(user.name) + "@" + domain;
    case Kind::command:
      return "command:" + user.name + ":" + text;
    case Kind::file:
      return "file:" + user.name + ":" + text;
  }
  return text;
}

Expansion::Expansion(shard::Core& core, const LocalRules& rules, const accounts::Directory& directory,
                     LocalRunner& runner, SharedBody& body)
    : core_(core), rules_(rules), directory_(directory), runner_(runner), body_(body) {}

Task<void> Expansion::expand(std::string_view recipient) {
  const auto [local_part, domain] = mail::split_address(recipient);
  Item root;
  root.only = true;
  co_await take_name(std::move(root), mail::unquote_local_part(local_part),
                     std::string(domain.empty() ? std::string_view(rules_.settings.hostname) : domain));
  while (!waiting_.empty()) {
    if (targets.size() + forward.size() + waiting_.size() > kLocalTargetsMax) {
      targets.clear();
      forward.clear();
      problems = {DeliveryOutcome::deferred(
          451, {4, 3, 5}, "the alias has more than " + std::to_string(kLocalTargetsMax) + " targets")};
      co_return;
    }
    Item next = std::move(waiting_.front());
    waiting_.pop_front();
    co_await take(std::move(next));
  }
}

Task<void> Expansion::take(Item item) {
  if (item.chain != nullptr && item.chain->depth > kAliasDepthMax) {
    problems.push_back(DeliveryOutcome::failed(554, {5, 4, 6}, "aliases are nested too deeply"));
    co_return;
  }
  switch (item.target.kind) {
    case mail::AliasTargetKind::local: {
      std::string name = mail::unquote_local_part(item.target.text);
      std::string domain = item.domain;
      co_return co_await take_name(std::move(item), std::move(name), std::move(domain));
    }
    case mail::AliasTargetKind::address:
      co_return co_await take_address(std::move(item));
    case mail::AliasTargetKind::include_file:
      co_return co_await take_include(std::move(item));
    case mail::AliasTargetKind::command:
    case mail::AliasTargetKind::file:
      take_place(item);
  }
}

// An address here goes on here when nothing is gained by a message of its own: it is the only one, or it leads back to whom
// we come from ("anna: anna@here, bob@there" keeps a copy).
Task<void> Expansion::take_address(Item item) {
  const auto [local_part, domain] = mail::split_address(item.target.text);
  std::string name = mail::unquote_local_part(local_part);
  std::string at(domain);
  if (rules_.is_local(at) && (item.only || leads_back(item, name, at)))
    co_return co_await take_name(std::move(item), std::move(name), std::move(at));
  add_forward(item.target.text);
}

bool Expansion::leads_back(const Item& item, std::string_view local_part, std::string_view domain) const {
  for (const Candidate& candidate :
       candidates(std::string(local_part), rules_.settings.domains.recipient_delimiter)) {
    if (contains(item.chain, lower(candidate.name))) return true;
    const accounts::User* user = directory_.find(candidate.name, domain);
    if (user != nullptr && contains(item.chain, forward_link(*user))) return true;
  }
  return false;
}

Task<void> Expansion::take_name(Item item, std::string local_part, std::string domain) {
  bool postmaster = false;
  bool loop = false;
  for (Candidate& candidate : candidates(local_part, rules_.settings.domains.recipient_delimiter)) {
    const std::string name = lower(candidate.name);
    postmaster = postmaster || name == "postmaster";
    if (!item.target.final_local) {
      // A name that leads back to itself stands for the mailbox of that name.
      if (contains(item.chain, name))
        loop = true;
      else if (take_alias(item, name, domain))
        co_return;
    }
    if (const accounts::User* user = directory_.find(candidate.name, domain))
      co_return co_await take_account(std::move(item), *user, std::move(domain),
                                      std::move(candidate.extension));
  }
  if (postmaster)
    add({.user = {.name = "postmaster"}, .direct = item.chain == nullptr, .domain = std::move(domain)});
  else if (loop)
    problems.push_back(
        DeliveryOutcome::failed(554, {5, 4, 6}, local_part + ": the alias leads back to itself"));
  else
    problems.push_back(DeliveryOutcome::failed(550, {5, 1, 1}, local_part + ": user unknown"));
}

std::vector<mail::AliasTarget> Expansion::alias_targets(std::string_view name,
                                                        std::string_view domain) const {
  const auto in_file = rules_.aliases.find(name);
  if (!in_file.empty()) return {in_file.begin(), in_file.end()};
  std::vector<mail::AliasTarget> found;
  if (const auto* texts = directory_.alias(name, domain)) {
    for (const std::string& text : *texts)
      for (mail::AliasTarget& target : mail::parse_alias_targets(text).targets)
        found.push_back(std::move(target));
  }
  return found;
}

bool Expansion::take_alias(const Item& item, const std::string& name, const std::string& domain) {
  std::vector<mail::AliasTarget> found = alias_targets(name, domain);
  if (found.empty()) return false;
  expanded = true;
  // By another way already: its targets are there.
  if (!seen_.insert("alias:" + name).second) return true;
  push(item, name, std::move(found), domain, false, nullptr);
  return true;
}

bool Expansion::reads_forward(const accounts::User& user) const {
  if (!rules_.settings.mailboxes.forward_files || !user.uid || !user.home.starts_with('/')) return false;
  return *user.uid == runner_.uid() || runner_.has_helper();
}

DeliveryOrder Expansion::forward_order(const accounts::User& user) const {
  return {.kind = DeliveryOrder::Kind::read_forward,
          .uid = *user.uid,
          .gid = user.gid.value_or(runner_.gid()),
          .user = user.name,
          .home = user.home};
}

Task<void> Expansion::take_account(Item item, const accounts::User& user, std::string domain,
                                   std::string extension) {
  LocalTarget mailbox{
      .user = user, .direct = item.chain == nullptr, .domain = domain, .extension = std::move(extension)};
  const std::string link = forward_link(user);
  if (item.target.final_local || contains(item.chain, link) || !reads_forward(user))
    co_return add(std::move(mailbox));
  DeliveryOutcome read = co_await runner_.run(forward_order(user), body_);
  if (read.kind == DeliveryOutcome::Kind::deferred) {
    problems.push_back(std::move(read));
    co_return;
  }
  // One that cannot be trusted or read is as good as none: the mailbox is always right.
  mail::ParsedTargets parsed = mail::parse_forward(read.text);
  if (read.kind != DeliveryOutcome::Kind::done || !parsed.errors.empty() || parsed.targets.empty())
    co_return add(std::move(mailbox));
  expanded = true;
  if (!seen_.insert("forward:" + link).second) co_return;
  push(item, link, std::move(parsed.targets), domain, false, std::make_shared<const accounts::User>(user));
}

Task<void> Expansion::take_include(Item item) {
  if (item.included || item.owner != nullptr || ++included_files_ > kIncludeFilesMax) {
    problems.push_back(DeliveryOutcome::failed(
        554, {5, 3, 5},
        ":include: may stand in aliases only, and not more than " + std::to_string(kIncludeFilesMax)));
    co_return;
  }
  auto text = co_await shard::offload(core_, [path = item.target.text] { return read_list(path); });
  if (!text) {
    problems.push_back(DeliveryOutcome::deferred(451, {4, 3, 5}, text.error().text));
    co_return;
  }
  mail::ParsedTargets parsed = mail::parse_forward(*text);
  for (const mail::AliasError& error : parsed.errors)
    problems.push_back(DeliveryOutcome::failed(
        550, {5, 1, 3}, item.target.text + " line " + std::to_string(error.line) + ": " + error.text));
  push(item, ":" + item.target.text, std::move(parsed.targets), item.domain, true, nullptr);
}

void Expansion::take_place(const Item& item) {
  const bool command = item.target.kind == mail::AliasTargetKind::command;
  if (item.included) {
    problems.push_back(DeliveryOutcome::failed(554, {5, 3, 5}, "an :include: list may name addresses only"));
    return;
  }
  LocalTarget target{.kind = command ? LocalTarget::Kind::command : LocalTarget::Kind::file,
                     .text = item.target.text,
                     .domain = item.domain};
  if (item.owner != nullptr) {
    target.user = *item.owner;
    target.from_forward = true;
  }
  add(std::move(target));
}

void Expansion::push(const Item& from, std::string link, std::vector<mail::AliasTarget> found,
                     const std::string& domain, bool included, std::shared_ptr<const accounts::User> owner) {
  const Chain chain =
      std::make_shared<const Link>(Link{std::move(link), from.chain, from.chain ? from.chain->depth + 1 : 1});
  const bool only = found.size() == 1;
  for (mail::AliasTarget& target : found)
    waiting_.push_back({std::move(target), domain, chain, only, included, owner});
}

bool Expansion::contains(const Chain& chain, std::string_view name) {
  for (const Link* link = chain.get(); link != nullptr; link = link->above.get())
    if (link->name == name) return true;
  return false;
}

void Expansion::add(LocalTarget target) {
  if (seen_.insert(target.key()).second) targets.push_back(std::move(target));
}

void Expansion::add_forward(std::string address) {
  expanded = true;
  if (seen_.insert("address:" + address).second) forward.push_back(std::move(address));
}

}  // namespace ringpost::deliver
