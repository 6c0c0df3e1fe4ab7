// Delivery to this host: aliases, .forward, and the mailbox, file, command or LMTP server where mail for a user ends.
//
// Layer:  services. Owner: one for each core. Everything that blocks runs in the offload pool, or in the helper process
//         when it must run as a user of the system.
// Rule:   `delivered` is said only when the bytes are on stable storage (fsync of file and folder), or when the command
//         or server has taken them. What an alias or .forward sends elsewhere comes back in `forward`; the caller makes a
//         new durable message of it before it records this recipient as done.
// RFCs:   5321 sections 3.9 (aliases and lists) and 4.4 (Return-Path), aliases(5).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/base/ids.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/deliver/options.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/policy/options.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::deliver {

class
    HelperClient;  // the process that acts as a user of the system; absent when the server has no such right

// One recipient of one message. Views and the body live until the delivery has returned.
struct LocalRequest {
  MessageId id;
  std::string_view recipient;     // canonical, of a local domain
  std::string_view reverse_path;  // canonical, "" for a report
  const spool::Body* body = nullptr;
  // Targets of an earlier attempt that had succeeded when another failed: not done twice.
  std::vector<std::string>* finished = nullptr;
};

struct LocalResult {
  enum class Kind : std::uint8_t {
    delivered,  // done here
    forwarded,  // nothing failed, and `forward` must be sent on
    deferred,   // try again later: `reply` is 4xy
    failed,     // never: `reply` is 5xy
    lmtp,       // not ours to do: the caller delivers it to `lmtp_server` as it does over SMTP
  };
  Kind kind = Kind::failed;
  mail::Reply reply;
  std::string target;                // for the log: "maildir:/home/anna/Maildir", "alias"
  std::vector<std::string> forward;  // canonical addresses
  std::string lmtp_server;           // "127.0.0.1:24"
};

struct LocalSettings {
  std::string hostname;
  policy::DomainsOptions domains;
  MailboxesOptions mailboxes;
  std::string aliases_text;  // of domains.aliases, as read at start or reload
};

class Local {
 public:
  // Errors name the line of the aliases file. `helper` may be null.
  static Result<std::unique_ptr<Local>> make(shard::Core& core, accounts::Accounts& accounts,
                                             HelperClient* helper, LocalSettings settings);
  ~Local();
  Task<LocalResult> deliver(LocalRequest request);

  // Which local parts an alias answers for: the policy asks before it accepts a recipient. Safe from any core.
  static Result<std::vector<std::string>> alias_names(std::string_view aliases_text);

  struct State;
  shard::Core& core();
  friend FramePool& frame_pool(Local& local) { return local.core().frames(); }

 private:
  explicit Local(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::deliver
