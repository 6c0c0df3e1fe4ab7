// A Maildir with its folders, as Dovecot, Courier, mbsync or OfflineIMAP keep it, read and written.
//
// Layer:  program; blocking.
// Names:  ".Sent.2024" beside cur and new (Maildir++), or folders in folders; the root is INBOX.
// UIDs:   of dovecot-uidlist. A file that is in none has none, and comes last.
// Reads:  changes nothing. A mail that a server renames meanwhile (a flag) is looked for again.
#pragma once

#include <memory>
#include <string>

#include "ringpost/migrate/mail.hpp"

namespace ringpost::migrate {

struct MaildirWishes {
  bool new_uids = false;  // dovecot-uidlist is not read
};
bool is_maildir(const std::string& path);
Result<std::unique_ptr<Source>> read_maildir(const std::string& path, const MaildirWishes& wishes,
                                             const Note& note);
// A new folder, or an empty one. With UIDs, keywords and subscriptions as Dovecot keeps them.
Result<std::unique_ptr<Target>> write_maildir(const std::string& path, const Note& note);

}  // namespace ringpost::migrate
