// What an mbox says beside the mails: its From_ lines, and the fields that keep flags.
//
// Layer: private to `migrate`; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/migrate/mail.hpp"

namespace ringpost::migrate {

inline constexpr std::string_view kMboxEnding = ".mbox";  // of files; no part of a mailbox's name

// "From joe@example.com Sat Jan  3 01:05:34 2026", with a zone or without: when it came, in seconds. Nothing: no such line.
std::optional<std::int64_t> from_line_date(std::string_view line);

struct MboxMail {
  std::string bytes;  // CRLF, without the fields below
  imap::FlagList flags;
  std::uint32_t uid = 0;
  std::uint32_t uid_validity = 0, uid_next = 0;  // of X-IMAP or X-IMAPbase
};
// `text`: what stands between two From_ lines, as it is in the file.
MboxMail read_mbox_mail(std::string_view text);

// The fields that say it all, with CRLF.
struct MboxMarks {
  bool uids = false;
  bool first = false;  // of its file
};
std::string mbox_marks(const MailboxFacts& mailbox, const MessageFacts& message, MboxMarks marks);

}  // namespace ringpost::migrate
