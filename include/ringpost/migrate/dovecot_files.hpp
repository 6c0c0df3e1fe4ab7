// The files that Dovecot keeps in a Maildir beside the mails, and what the names of its mails say.
//
// Layer:   pure.
// Sources: Dovecot's documentation of the Maildir format (dovecot-uidlist versions 1 and 3, dovecot-keywords, subscriptions),
//          https://cr.yp.to/proto/maildir.html.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/imap/flags.hpp"

namespace ringpost::migrate {

// "1234.M5P6.host,S=12:2,FSa" in two: what names the mail for ever, and its flags.
struct MaildirName {
  std::string_view base;
  std::string_view letters;
};
MaildirName split_maildir_name(std::string_view file_name);
// Letters D F P R S T; a to z are keywords by number. P is $Forwarded, which Dovecot knows by a keyword's letter alone: it has both.
imap::FlagList maildir_flags(std::string_view letters, std::span<const std::string> keywords);
struct MaildirLetters {
  std::string letters;            // in the order of ASCII, as the format asks
  std::size_t keywords_lost = 0;  // that have no letter
};
MaildirLetters maildir_letters(const imap::FlagList& flags, std::span<const std::string> keywords);

// "0 $Label1" a line. Gaps are empty names. The error says which line is wrong.
Result<std::vector<std::string>> parse_dovecot_keywords(std::string_view text);

struct UidList {
  std::uint32_t uid_validity = 0;
  std::uint32_t uid_next = 0;
  std::unordered_map<std::string, std::uint32_t> uids;  // by MaildirName::base
};
Result<UidList> parse_dovecot_uidlist(std::string_view text);
// Version 3, without its lines for mails: "3 V1 N2 G...".
std::string dovecot_uidlist_head(std::uint32_t uid_validity, std::uint32_t uid_next);

// One name a line, levels divided by "/" or "."; version 2 has levels divided by tabs behind a first line.
std::vector<std::string> parse_subscriptions(std::string_view text);

// ".Sent.2024" (Maildir++) is "Sent/2024"; nothing when it is no name. And back: a "." inside a level is "&AC4-".
std::optional<std::string> name_of_maildir_folder(std::string_view folder);
std::string maildir_folder_of(std::string_view name);

}  // namespace ringpost::migrate
