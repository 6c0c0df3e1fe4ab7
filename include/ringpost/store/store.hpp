// The mailboxes of one core, in the log that its queue is in.
//
// Layer:  durable (runtime, mail, journal). Owner: one core. A journal::Part of the spool's log, so that one frame can hold
//         a message of the queue and its place in a mailbox.
// Owner core: a user's mail is on one core, the one whose log has the newest of it; new users go by a hash. The table is
//         made at start, when all cores have read their logs, and stays.
// Promise: `deliver` resumes when the mail is durable and in the mailbox. With an origin a repeat is answered the same, and
//         nothing is stored twice, until the origin is confirmed; also when the mail was expunged meanwhile.
// Recovery: the newest whole snapshot of a user and the changes behind it, in the order of their numbers; no other file.
// Limits: store/limits.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/journal/part.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/store/ids.hpp"
#include "ringpost/store/user_mail.hpp"

namespace ringpost::store {

struct StoreSettings {
  Quota quota;  // of who has none of his own
  // What a user may have of his own, by canonical name, as it is now: asked at each change. Must not block. Unset: nobody has.
  std::function<std::optional<Quota>(std::string_view user)> quota_of;
};

// What the stores of all cores share: made before the first of them, outlives all.
class Sharing {
 public:
  explicit Sharing(unsigned cores);
  ~Sharing();
  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// One mail for one mailbox. Views and bytes are immutable and live until the call resumes.
struct Delivery {
  std::string_view user;     // canonical name
  std::string_view mailbox;  // "" or "INBOX"; one that is not there is made ("Junk")
  NewMessage message;
  Origin origin;  // none: a repeat is stored again
};
struct Delivered {
  Uid uid;  // none: the same origin had been delivered before
  unsigned core = 0;
};

class Store final : public journal::Part {
 public:
  Store(shard::Core& core, Sharing& sharing, StoreSettings settings);
  ~Store() override;                          // after close(), or after the backend has died
  void set_settings(StoreSettings settings);  // for the reload

  // ---- any core's mail, asked on this core
  // Known when every core has read its log; until then `ready` is false.
  bool ready() const;
  unsigned owner(UserId user) const;
  // On this core, or handed to the owner's.
  Task<Outcome<Delivered>> deliver(Delivery delivery);
  // The queue has it durably that `origin` was delivered: it need not be remembered. Nobody waits.
  void confirm(UserId user, Origin origin);

  // Runs `work` with the mail of `owner` on his core, this one or another; resumes when it is done. False: there is no such user, or he
  // is not to be had now, and `work` has not run. It must not ask other cores by this itself. Views live until it resumes.
  Task<bool> at_owner(std::string_view owner, std::function<Task<void>(UserMail&)> work);
  // Whose access lists name the reader, or anyone, on any core: sorted, without himself, those behind `after`, at most kOwnersAtOnce;
  // none: there are no more. It only says where to look, not what is allowed; rights that are taken away are not looked at.
  std::vector<std::string> owners_sharing_with(std::string_view reader, std::string_view after = {}) const;
  // Whether one owner is among them.
  bool shares_with(std::string_view owner, std::string_view reader) const;

  // ---- of users whose owner is this core
  // The user's mail; made (with an inbox) when there is none. Temporary while it is being brought here from another core, and
  // before ready().
  Task<Result<std::shared_ptr<UserMail>>> open(std::string_view name);
  // Everything of the user goes. Sessions see their mailboxes vanish.
  Task<Outcome<>> remove_user(std::string_view name);
  // Names, in no order. Some thousand bytes for each thousand users.
  std::vector<std::string> users() const;
  // Everything said so far is durable.
  Task<Result<void>> flush();

  // ---- journal::Part
  void join(Join join) override;
  void visit(const journal::RecordView& view) override;
  void visited(const Result<void>& read) override;
  Task<Result<void>> settle() override;
  Task<Result<void>> carry(const journal::RecordView& view) override;
  void lost(const journal::RecordView& view) override;
  void damaged(const journal::Damage& damage) override;
  void upkeep() override;
  Task<void> close() override;

  struct State;
  friend FramePool& frame_pool(Store& store) { return store.frames(); }

 private:
  FramePool& frames();
  std::shared_ptr<State> state_;
};

// What a record of the store says, in one line, for `ringpost spool dump`.
std::string describe(const journal::RecordView& view);

}  // namespace ringpost::store
