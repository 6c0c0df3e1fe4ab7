// What one recipient becomes: aliases of aliases, included lists and .forward files, down to mailboxes, commands, files
// and addresses elsewhere.
//
// Layer: services, private. Owner: one delivery, on its core. Files are read in the offload pool or by the helper.
// Ends:  every name is expanded once, so loops end; depth and number of targets are bounded.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/mail/aliases.hpp"

#include "local_rules.hpp"
#include "local_runner.hpp"

namespace ringpost::deliver {

struct LocalTarget {
  enum class Kind : std::uint8_t { mailbox, command, file };
  Kind kind = Kind::mailbox;
  std::string text;     // of a command or file
  accounts::User user;  // mailbox: whose; else whose .forward named it, or empty (an alias did)
  bool from_forward = false;
  bool direct = false;  // the recipient itself, not what an alias made of it
  std::string domain;   // mailbox: at which it is addressed
  std::string extension;
  std::string owner;  // of the list that named it, else ""
  // Names the target over attempts: LocalRequest::finished.
  std::string key() const;
};

class Expansion {
 public:
  // `owned_lists`: whether owner-NAME has a meaning, for mail that is no report.
  Expansion(shard::Core& core, const LocalRules& rules, const accounts::Directory& directory,
            LocalRunner& runner, SharedBody& body, bool owned_lists);

  Task<void> expand(std::string_view recipient);

  struct Problem {
    DeliveryOutcome outcome;  // deferred or failed
    std::string owner;        // of the list where it is
  };
  std::vector<LocalTarget> targets;
  std::vector<Forward> forward;
  std::vector<Problem> problems;  // what leads nowhere
  bool expanded = false;          // an alias or .forward had a part in it

  friend FramePool& frame_pool(Expansion& expansion) { return expansion.core_.frames(); }

 private:
  // The way by which a name was reached, to see loops.
  struct Link {
    std::string name;
    std::shared_ptr<const Link> above;
    std::size_t depth = 1;
  };
  using Chain = std::shared_ptr<const Link>;
  struct Item {
    mail::AliasTarget target;
    std::string domain;  // of a bare name
    Chain chain;
    bool only = false;                           // the one target of what named it
    bool included = false;                       // from an :include: list, which may name addresses only
    std::shared_ptr<const accounts::User> user;  // whose .forward it stood in
    std::shared_ptr<const std::string> owner;    // of the innermost list that has one
  };

  Task<void> take(Item item);
  Task<void> take_name(Item item, std::string local_part, std::string domain);
  Task<void> take_address(Item item);
  Task<void> take_account(Item item, const accounts::User& user, std::string domain, std::string extension);
  Task<void> take_include(Item item);
  void take_place(const Item& item);
  bool take_catch_all(const Item& item, const std::string& domain);
  bool take_alias(const Item& item, const std::string& name, const std::string& domain);
  bool leads_back(const Item& item, std::string_view local_part, std::string_view domain) const;
  std::vector<mail::AliasTarget> alias_targets(std::string_view name, std::string_view domain) const;
  void push(Item like, const Item& from, std::string link, std::vector<mail::AliasTarget> targets);
  void add(LocalTarget target);
  void add_forward(const Item& item, std::string address);
  void add_problem(const Item& item, DeliveryOutcome outcome);
  std::shared_ptr<const std::string> owner_of(std::string_view name, const std::string& domain) const;
  Task<DeliveryOutcome> read_include(const Item& item);
  DeliveryOrder reading_order(DeliveryOrder::Kind kind, const accounts::User& user) const;
  bool reads_forward(const accounts::User& user) const;
  static bool contains(const Chain& chain, std::string_view name);

  shard::Core& core_;
  const LocalRules& rules_;
  const accounts::Directory& directory_;
  LocalRunner& runner_;
  SharedBody& body_;
  const bool owned_lists_;
  std::deque<Item> waiting_;
  std::unordered_set<std::string> seen_;  // expanded names, and keys of targets
  std::size_t included_files_ = 0;
};

}  // namespace ringpost::deliver
