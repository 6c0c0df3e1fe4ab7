// The selected mailbox of one IMAP session: what its client counts, and what it has not been told yet.
//
// Layer:  services. Owner: an ImapConversation, on the owner core of the mailbox.
// RFCs:   9051 sections 5.2 and 7.5, 5182 (SEARCHRES), 7162.
#pragma once

#include <optional>

#include "ringpost/imap/response_writer.hpp"
#include "ringpost/store/view.hpp"

#include "names.hpp"

namespace ringpost::access {

class Selection {
 public:
  Selection(store::UserMail& user, const store::Mailbox& mailbox, bool only_reads, store::Listener& listener);

  // Null when it has been deleted by somebody.
  const store::Mailbox* mailbox() const { return view_.mailbox(); }
  store::View& view() { return view_; }
  const store::View& view() const { return view_; }

  // What a command means by its set, as UIDs; messages that are gone may be among them. Nothing: a sequence number that
  // this client does not have.
  std::optional<store::UidSet> resolve(const imap::SequenceSet& set, bool uids) const;
  // The first message of `set` with this UID or a higher one, that the client knows of; null: none. Valid until the next
  // suspension.
  const store::Message* next(const store::UidSet& set, store::Uid from) const;
  template <class Visit>
  void for_each(const store::UidSet& set, Visit visit) const;
  // Of the messages of `set` that are there, a page.
  store::UidSet page(const store::UidSet& set, const imap::Page& page) const;

  // Tells the news, in the order that clients expect. `known`: of these the client hears, or wants to hear nothing (.SILENT).
  struct Telling {
    bool expunges = false;  // they may be told now
    bool flags = true;      // of messages that others have changed
    bool uids = false;      // with those
  };
  void tell(imap::ResponseWriter respond, const imap::Dialect& dialect, Telling telling,
            const store::UidSet& known = {});
  // Nothing: this client does not count it.
  std::optional<imap::MessageName> name_of(store::Uid uid) const;
  // FLAGS, and where the client wants them UID and MODSEQ.
  void tell_flags(imap::ResponseWriter respond, const imap::Dialect& dialect, const store::Message& message,
                  bool with_uid) const;
  store::ModSeq told_modseq() const { return view_.told_modseq(); }
  std::string flag_names() const;
  imap::SystemFlags flags_of(const store::Message& message, const imap::Dialect& dialect) const;
  // Messages that were in no session before this one.
  std::uint32_t recent() const;

  const bool read_only;
  store::UidSet saved;  // SEARCHRES

 private:
  std::uint32_t highest_uid() const;

  store::View view_;
  store::Uid recent_from_;
};

template <class Visit>
void Selection::for_each(const store::UidSet& set, Visit visit) const {
  const store::Mailbox& box = *mailbox();
  const auto messages = box.messages();
  for (const store::UidRange& range : set.ranges())
    for (std::size_t i = box.lower_bound(range.first); i < messages.size(); ++i) {
      if (messages[i].uid > range.last || messages[i].uid >= view_.end()) break;
      visit(messages[i]);
    }
}

}  // namespace ringpost::access
