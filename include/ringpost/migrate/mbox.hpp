// An mbox, or a folder of them, read and written.
//
// Layer:  program; blocking. Reading goes over a file twice: where its messages are, then their bytes.
// Form:   "From sender date" behind an empty line begins a message; ">From " loses a ">" on the way in and gets it on the way out
//         (mboxrd). Flags, keywords and UIDs are in Status, X-Status, X-Keywords, X-UID and X-IMAP(base), which belong to the file
//         and not to the mail.
// Sources: mbox(5), RFC 4155; Dovecot's documentation of the mbox format.
#pragma once

#include <memory>
#include <string>

#include "ringpost/migrate/mail.hpp"

namespace ringpost::migrate {

struct MboxWishes {
  bool new_uids = false;
};
// A file is INBOX; in a folder each file is a mailbox by its name, but for those that begin with a dot. Not all of a file that is
// cut off can be had: that is noted.
Result<std::unique_ptr<Source>> read_mbox(const std::string& path, const MboxWishes& wishes,
                                          const Note& note);
// A folder, new or empty: a file for each mailbox. `uids`: with X-UID and X-IMAPbase.
Result<std::unique_ptr<Target>> write_mbox(const std::string& path, bool uids, const Note& note);

}  // namespace ringpost::migrate
