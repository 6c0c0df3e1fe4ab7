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

std::string text_of(const std::shared_ptr<const std::string>& text) {
  return text == nullptr ? std::string{} : *text;
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
                     LocalRunner& runner, SharedBody& body, bool owned_lists)
    : core_(core),
      rules_(rules),
      directory_(directory),
      runner_(runner),
      body_(body),
      owned_lists_(owned_lists) {}

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
      problems.clear();
      add_problem({}, DeliveryOutcome::deferred(
                          451, {4, 3, 5},
                          "the alias has more than " + std::to_string(kLocalTargetsMax) + " targets"));
      co_return;
    }
    Item next = std::move(waiting_.front());
    waiting_.pop_front();
    co_await take(std::move(next));
  }
}

Task<void> Expansion::take(Item item) {
  if (item.chain != nullptr && item.chain->depth > kAliasDepthMax) {
    add_problem(item, DeliveryOutcome::failed(554, {5, 4, 6}, "aliases are nested too deeply"));
    co_return;
  }
  switch (item.target.kind) {
    case mail::AliasTargetKind::local: {
      std::string name = mail::unquote_local_part(item.target.text);
      std::string domain = item.domain;
      if (item.owner != nullptr && !item.target.final_local && !leads_back(item, name, domain))
        co_return add_forward(item, mail::quote_local_part(name) + "@" + domain);
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

// An address here goes on here when nothing is gained by a message of its own: it is the only one of what is no list, or it
// leads back to whom we come from ("anna: anna@here, bob@there" keeps a copy).
Task<void> Expansion::take_address(Item item) {
  const auto [local_part, domain] = mail::split_address(item.target.text);
  std::string name = mail::unquote_local_part(local_part);
  std::string at(domain);
  if (rules_.is_local(at) && ((item.only && item.owner == nullptr) || leads_back(item, name, at)))
    co_return co_await take_name(std::move(item), std::move(name), std::move(at));
  add_forward(item, item.target.text);
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
  if (!loop && !item.target.final_local && take_catch_all(item, domain)) co_return;
  if (postmaster)
    add({.user = {.name = "postmaster"},
         .direct = item.chain == nullptr,
         .domain = std::move(domain),
         .owner = text_of(item.owner)});
  else if (loop)
    add_problem(item,
                DeliveryOutcome::failed(554, {5, 4, 6}, local_part + ": the alias leads back to itself"));
  else
    add_problem(item, DeliveryOutcome::failed(550, {5, 1, 1}, local_part + ": user unknown"));
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

// The alias "@domain" is for all names that are nothing else; one that leads back to itself is none.
bool Expansion::take_catch_all(const Item& item, const std::string& domain) {
  const auto* texts = directory_.catch_all(domain);
  const std::string link = "@" + lower(domain);
  if (texts == nullptr || contains(item.chain, link)) return false;
  std::vector<mail::AliasTarget> found;
  for (const std::string& text : *texts)
    for (mail::AliasTarget& target : mail::parse_alias_targets(text).targets)
      found.push_back(std::move(target));
  expanded = true;
  if (seen_.insert("alias:" + link).second)
    push({.domain = domain, .owner = item.owner}, item, link, std::move(found));
  return true;
}

bool Expansion::take_alias(const Item& item, const std::string& name, const std::string& domain) {
  std::vector<mail::AliasTarget> found = alias_targets(name, domain);
  if (found.empty()) return false;
  expanded = true;
  // By another way already: its targets are there.
  if (!seen_.insert("alias:" + name).second) return true;
  auto owner = owner_of(name, domain);
  if (owner == nullptr) owner = item.owner;
  push({.domain = domain, .owner = std::move(owner)}, item, name, std::move(found));
  return true;
}

// Of a list that has none of its own, that of the list which named it.
std::shared_ptr<const std::string> Expansion::owner_of(std::string_view name,
                                                       const std::string& domain) const {
  std::string owner = "owner-" + std::string(name);
  if (!owned_lists_ || alias_targets(owner, domain).empty()) return nullptr;
  return std::make_shared<const std::string>(mail::quote_local_part(owner) + "@" + domain);
}

bool Expansion::reads_forward(const accounts::User& user) const {
  if (!rules_.settings.mailboxes.forward_files || !user.uid || !user.home.starts_with('/')) return false;
  return *user.uid == runner_.uid() || runner_.has_helper();
}

DeliveryOrder Expansion::reading_order(DeliveryOrder::Kind kind, const accounts::User& user) const {
  return {.kind = kind,
          .from_forward = true,
          .uid = *user.uid,
          .gid = user.gid.value_or(runner_.gid()),
          .user = user.name,
          .home = user.home};
}

Task<void> Expansion::take_account(Item item, const accounts::User& user, std::string domain,
                                   std::string extension) {
  LocalTarget mailbox{.user = user,
                      .direct = item.chain == nullptr,
                      .domain = domain,
                      .extension = std::move(extension),
                      .owner = text_of(item.owner)};
  const std::string link = forward_link(user);
  if (item.target.final_local || contains(item.chain, link) || !reads_forward(user))
    co_return add(std::move(mailbox));
  DeliveryOutcome read = co_await runner_.run(reading_order(DeliveryOrder::Kind::read_forward, user), body_);
  if (read.kind == DeliveryOutcome::Kind::deferred) co_return add_problem(item, std::move(read));
  // One that cannot be trusted or read is as good as none: the mailbox is always right.
  mail::ParsedTargets parsed = mail::parse_forward(read.text);
  if (read.kind != DeliveryOutcome::Kind::done || !parsed.errors.empty() || parsed.targets.empty())
    co_return add(std::move(mailbox));
  expanded = true;
  if (!seen_.insert("forward:" + link).second) co_return;
  push({.domain = domain, .user = std::make_shared<const accounts::User>(user), .owner = item.owner}, item,
       link, std::move(parsed.targets));
}

// The list of an alias is read by the server, that of a .forward as its user; the same rules of trust hold as for the
// .forward.
Task<DeliveryOutcome> Expansion::read_include(const Item& item) {
  if (item.user != nullptr) {
    DeliveryOrder order = reading_order(DeliveryOrder::Kind::read_include, *item.user);
    order.target = item.target.text;
    DeliveryOutcome outcome = co_await runner_.run(std::move(order), body_);
    // Its user can mend it: until then the mail waits.
    if (outcome.kind != DeliveryOutcome::Kind::failed) co_return outcome;
    co_return DeliveryOutcome::deferred(451, {4, 3, 5}, std::move(outcome.reply.text));
  }
  auto text = co_await shard::offload(core_, [path = item.target.text] { return read_list(path); });
  if (!text) co_return DeliveryOutcome::deferred(451, {4, 3, 5}, text.error().text);
  DeliveryOutcome outcome = DeliveryOutcome::done();
  outcome.text = *std::move(text);
  co_return outcome;
}

Task<void> Expansion::take_include(Item item) {
  if (item.included || ++included_files_ > kIncludeFilesMax)
    co_return add_problem(
        item, DeliveryOutcome::failed(554, {5, 3, 5},
                                      ":include: may not stand in an included list, and not more than " +
                                          std::to_string(kIncludeFilesMax) + " times"));
  DeliveryOutcome read = co_await read_include(item);
  if (read.kind != DeliveryOutcome::Kind::done) co_return add_problem(item, std::move(read));
  mail::ParsedTargets parsed = mail::parse_forward(read.text);
  for (const mail::AliasError& error : parsed.errors)
    add_problem(item, DeliveryOutcome::failed(
                          550, {5, 1, 3},
                          item.target.text + " line " + std::to_string(error.line) + ": " + error.text));
  push({.domain = item.domain, .included = true, .user = item.user, .owner = item.owner}, item,
       ":" + item.target.text, std::move(parsed.targets));
}

void Expansion::take_place(const Item& item) {
  const bool command = item.target.kind == mail::AliasTargetKind::command;
  if (item.included)
    return add_problem(item,
                       DeliveryOutcome::failed(554, {5, 3, 5}, "an :include: list may name addresses only"));
  LocalTarget target{.kind = command ? LocalTarget::Kind::command : LocalTarget::Kind::file,
                     .text = item.target.text,
                     .domain = item.domain,
                     .owner = text_of(item.owner)};
  if (item.user != nullptr) {
    target.user = *item.user;
    target.from_forward = true;
  }
  add(std::move(target));
}

// What `from` stands for, in items that are otherwise like `like`.
void Expansion::push(Item like, const Item& from, std::string link, std::vector<mail::AliasTarget> found) {
  like.chain =
      std::make_shared<const Link>(Link{std::move(link), from.chain, from.chain ? from.chain->depth + 1 : 1});
  like.only = found.size() == 1;
  for (mail::AliasTarget& target : found) {
    waiting_.push_back(like);
    waiting_.back().target = std::move(target);
  }
}

bool Expansion::contains(const Chain& chain, std::string_view name) {
  for (const Link* link = chain.get(); link != nullptr; link = link->above.get())
    if (link->name == name) return true;
  return false;
}

void Expansion::add(LocalTarget target) {
  if (seen_.insert(target.key()).second) targets.push_back(std::move(target));
}

void Expansion::add_forward(const Item& item, std::string address) {
  expanded = true;
  if (seen_.insert("address:" + address).second) forward.push_back({std::move(address), text_of(item.owner)});
}

void Expansion::add_problem(const Item& item, DeliveryOutcome outcome) {
  problems.push_back({std::move(outcome), text_of(item.owner)});
}

}  // namespace ringpost::deliver
