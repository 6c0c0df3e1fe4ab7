// Mailboxes by their names, whoever's and wherever they are, with what their reader may do: the one way of all commands that name
// one.
//
// Layer:  services. Owner: an ImapConversation. What is done with a mailbox runs on the core of its owner, while who asked waits: it
//         touches what that one has in his frame, and nothing else of his core.
// Hides:  who has no right `l` hears the same of a mailbox that is there and of one that is not, and of an owner who shares nothing
//         with him and one who is none.
// RFCs:   4314 section 6.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ringpost/store/store.hpp"

#include "answer.hpp"
#include "mailbox_path.hpp"
#include "reader_rights.hpp"

namespace ringpost::access {

class Reach {
 public:
  // `reader`: his canonical name, as it is at each call. `others`: also the mailboxes of others.
  Reach(store::Store& store, const std::string& reader, bool others)
      : store_(store), reader_(reader), others_(others) {}

  bool others() const { return others_; }
  const std::string& reader() const { return reader_; }
  store::Store& store() const { return store_; }

  // What a name means now. One of the reader's own that he has made before goes first.
  Task<MailboxPath> path_to(std::string name);
  // False for what need not be asked for on another core.
  bool may_be_there(const MailboxPath& path) const;

  using AtMailbox =
      std::function<Task<Answer>(store::UserMail& mail, const store::Mailbox& mailbox, store::Rights rights)>;
  // Runs `work` when there is such a mailbox and the reader has all the rights. Else the answer is NO; `missing` is its code where
  // there is none.
  Task<Answer> at(MailboxPath path, store::Rights needed, AtMailbox work,
                  std::string_view missing = imap::codes::kNonExistent);
  using AtMail = std::function<Task<Answer>(store::UserMail& mail)>;
  // The same, where `work` looks for itself. There is nobody such: `missing`.
  Task<Answer> at_owner(MailboxPath path, AtMail work, Answer missing = Answer::no_mailbox());
  // With the reader's own mail.
  Task<Answer> at_own(AtMail work);

  friend FramePool& frame_pool(Reach& reach) { return frame_pool(reach.store_); }

 private:
  store::Store& store_;
  const std::string& reader_;
  bool others_;
};

}  // namespace ringpost::access
