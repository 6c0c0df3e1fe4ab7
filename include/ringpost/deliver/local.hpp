// Delivery to this host: aliases, .forward, and the mailbox, file, command or LMTP server where mail for a user ends.
//
// Layer:  services. Owner: one for each core. Everything that blocks runs in the offload pool, or in the helper process
//         when it must run as a user of the system.
// Rule:   `delivered` is said only when the bytes are on stable storage (fsync of file and folder), or when the command
//         or server has taken them. What an alias or .forward sends elsewhere comes back in `forward`; the caller makes a
//         new durable message of it before it records this recipient as done.
// Lists:  what a name stands for whose alias `owner-NAME` is there too goes out from owner-NAME, and failures are reported
//         to it (RFC 5321 section 3.9.2); the mail of a list becomes a new message, with all its names as recipients. The
//         null sender stays: a report is never reported on.
// Names:  an extension ("anna+news") is looked up whole first, then without it; for each: aliases file, aliases of the
//         database, accounts. `postmaster` without any of these goes to the mailbox of that name, so it is never lost.
// Limits: deliver/local_limits.hpp.
// RFCs:   5321 sections 3.9 (aliases and lists) and 4.4 (Return-Path), aliases(5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/base/ids.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/deliver/finished_targets.hpp"
#include "ringpost/deliver/options.hpp"
#include "ringpost/mail/aliases.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/policy/options.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/store/store.hpp"

namespace ringpost::deliver {

class
    HelperClient;  // the process that acts as a user of the system; absent when the server has no such right

// One recipient of one message. Views and the body live until the delivery has returned.
struct LocalRequest {
  MessageId id;
  std::uint32_t recipient_index = 0;    // in the envelope
  std::string_view recipient;           // canonical, of a local domain
  std::string_view reverse_path;        // canonical, "" for a report
  std::string_view original_recipient;  // what the sender wrote (ORCPT, without "rfc822;"); "" when unknown
  // As spool::Body::pieces() gives them, with CRLF line ends. Read on other threads: immutable until we return.
  std::span<const std::span<const std::byte>> body;
  // Targets of earlier attempts that had succeeded when another had not: not done twice. Grows here; `forward` goes in
  // by mark_forwarded, once it is durable, and `stored` by mark_stored.
  FinishedTargets* finished = nullptr;
  bool junk = false;  // a Maildir files it under Junk
};

// Whether `mailboxes.location` names a place; the error says what is wrong and the mend.
Result<void> check_location(std::string_view text);

// Where mail goes on to.
struct Forward {
  std::string address;  // canonical
  // The envelope sender of the mail that goes there: who minds the list that named it. "": as it came.
  std::string owner;
  bool operator==(const Forward&) const = default;
};

struct LocalResult {
  enum class Kind : std::uint8_t {
    delivered,  // done here
    forwarded,  // nothing failed, and `forward` must be sent on
    deferred,   // try again later: `reply` is 4xy
    failed,     // never: `reply` is 5xy
    // Not ours to do: the caller delivers to `lmtp_recipient` at `lmtp_server` as it does over SMTP. A `reply` (5xy) says
    // that another target has failed for good: once LMTP is done, the recipient ends with it.
    lmtp,
  };
  Kind kind = Kind::failed;
  mail::Reply reply;
  std::string target;  // for the log: "maildir:/home/anna/Maildir", "alias"
  // Set with every kind: one target that fails does not keep the mail from the others.
  std::vector<Forward> forward;
  std::string lmtp_server;     // "127.0.0.1:24"
  std::string lmtp_recipient;  // canonical
  std::string lmtp_sender;     // of a list; "": as it came
  // Users into whose mailboxes of the store it went, now or before: see Local::confirm.
  std::vector<std::string> stored;
  bool only_stored = false;  // and nowhere else
  std::string owner;  // who is to hear of a failure in the place of the sender: of the list where it happened
};
// After the new message is durable: a later attempt does not send it on again. `whole`: known by all its addresses together,
// so it goes out again when the alias has changed meanwhile (kForwardsNamedMax).
void mark_forwarded(std::span<const Forward> message, FinishedTargets& finished, bool whole = false);
bool is_forwarded_whole(std::span<const Forward> message, const FinishedTargets& finished);
// A later attempt does not ask the stores of these users, which may then be told to forget.
void mark_stored(std::span<const std::string> users, FinishedTargets& finished);
bool is_stored(const std::string& user, const FinishedTargets& finished);

struct LocalSettings {
  std::string hostname;
  policy::DomainsOptions domains;
  MailboxesOptions mailboxes;
  std::string aliases_text;  // of domains.aliases, as read at start or reload
};

class Local {
 public:
  // The newest snapshot of the accounts; called on this core.
  using Users = std::function<std::shared_ptr<const accounts::Directory>()>;

  // Errors name the line of the aliases file, or what is wrong with the location. `helper` may be null; it, `accounts`
  // and `core` outlive this.
  static Result<std::unique_ptr<Local>> make(shard::Core& core, accounts::Accounts& accounts,
                                             HelperClient* helper, LocalSettings settings);
  static Result<std::unique_ptr<Local>> make(shard::Core& core, Users users, HelperClient* helper,
                                             LocalSettings settings);
  ~Local();  // no delivery is under way
  // Where mail goes with the location `store`; it outlives this. Without one such mail is deferred.
  void use_store(store::Store* store);
  Task<LocalResult> deliver(LocalRequest request);
  // The queue has it durably that the recipient is done, or that these users are (mark_stored): the store need not remember who
  // it had the mail from. Never sooner: what is confirmed and comes again is stored again.
  void confirm(MessageId id, std::uint32_t recipient_index, std::span<const std::string> stored);
  // Ends the commands that run; what is being written into a mailbox is finished. Deliveries then come back deferred.
  void abort();
  // For the reload: deliveries that have begun keep what they have.
  Result<void> set_settings(LocalSettings settings);

  // Which local parts an alias answers for, and with what: the policy asks before it accepts a recipient. Safe from any core.
  static Result<mail::AliasTable> alias_table(std::string_view aliases_text);

  struct State;
  shard::Core& core();
  friend FramePool& frame_pool(Local& local) { return local.core().frames(); }

 private:
  explicit Local(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::deliver
