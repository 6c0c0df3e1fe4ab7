// One mailbox from a source to our server, or from our server to a target.
//
// Layer:  program; blocking.
// Again:  an import brings what is not there: a message that the mailbox has already (the same Message-ID, size and date) is known
//         and stays as it is. So a run that was cut short is simply done again.
#pragma once

#include "ringpost/migrate/imap.hpp"
#include "ringpost/migrate/mail.hpp"

namespace ringpost::migrate {

struct Moved {
  std::uint64_t found = 0;   // in the source
  std::uint64_t moved = 0;   // durable in the target
  std::uint64_t known = 0;   // was there
  std::uint64_t failed = 0;  // noted, left out
  std::uint64_t bytes = 0;
  bool uids_kept = false;  // all that moved have the UIDs of the source
};
// Of so many messages so many are done.
using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct ImportOrder {
  MailboxFacts from;
  std::string to;        // the name here
  bool dry_run = false;  // looks only
};
// What was done until an error is in `so_far`.
Result<void> import_mailbox(Source& source, ImapServer& server, ImportOrder order, const Progress& progress,
                            const Note& note, Moved& so_far);
Result<void> export_mailbox(Source& source, Target& target, MailboxFacts mailbox, const Progress& progress,
                            const Note& note, Moved& so_far);

}  // namespace ringpost::migrate
