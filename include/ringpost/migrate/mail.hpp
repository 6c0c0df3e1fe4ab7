// Mail on its way from one kind of mailbox to another: what every source says of it, and every target takes.
//
// Layer:  program; blocking, for commands. No server code.
// Bytes:  CRLF line ends, as IMAP has them; a file's LF become CRLF on the way in and LF again on the way out.
// Errors: one message that cannot be had is `failed` and the rest goes on; an error that is returned ends the run. What came until
//         then stays, and a second run brings what is not there.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/imap/flags.hpp"

namespace ringpost::migrate {

struct MailboxFacts {
  std::string name;         // UTF-8, levels divided by "/"; the first is "INBOX" for the inbox
  std::string special_use;  // "\\Sent"; empty: none
  bool subscribed = false;
  std::uint32_t uid_validity = 0;  // 0: the source has no UIDs
  std::uint32_t uid_next = 0;
  std::uint64_t messages = 0;  // where it costs nothing to know
};

struct MessageFacts {
  std::uint32_t uid = 0;  // 0: none
  imap::FlagList flags;
  std::int64_t date = 0;  // INTERNALDATE in seconds since 1970; 0: unknown
  int zone_minutes = 0;
  std::string key;        // as key_of makes it; empty: the bytes must be read for it
  std::string reference;  // where the source finds it: a path, "offset size"
};

// When a message came of which nobody says so: its Date, or the first second of 1970. Never "now": the same message must be known again
// when it comes once more.
std::int64_t date_in(std::string_view message);
inline constexpr std::int64_t kNoDate = 1;

// The same message in two places has one key: Message-ID, size with CRLF, INTERNALDATE.
std::string key_of(std::string_view message_id, std::uint64_t size, std::int64_t date);
std::string key_of(std::string_view message, std::int64_t date);

// Something that a person should know, and that ends nothing: "cur/17: permission denied".
using Note = std::function<void(std::string text)>;

class Source {
 public:
  virtual ~Source() = default;
  virtual Result<std::vector<MailboxFacts>> mailboxes() = 0;
  // How many mailboxes there are that mailboxes() has left out, because they are other users' or shared.
  virtual std::uint64_t left_out() const { return 0; }
  // Messages in the order of their UIDs, those without behind them. Fills what mailboxes() left open. `keys`: with their keys, where
  // that costs less than reading.
  virtual Result<std::vector<MessageFacts>> open(MailboxFacts& mailbox, bool keys) = 0;
  // Of the open mailbox. Hands over each that can be had, in order; notes and leaves out the others.
  using Take = std::function<Result<void>(const MessageFacts& message, std::string bytes)>;
  virtual Result<void> read(std::span<const MessageFacts> messages, const Take& take, const Note& note) = 0;
};

class Target {
 public:
  virtual ~Target() = default;
  virtual Result<void> begin(const MailboxFacts& mailbox) = 0;
  virtual Result<void> put(const MessageFacts& message, std::string_view bytes) = 0;
  // Everything of the mailbox is on stable storage when it returns.
  virtual Result<void> end() = 0;
  virtual Result<void> finish() { return {}; }
};

// LF to CRLF; a LF behind a CR stays. And back.
std::string with_crlf(std::string text);
std::string with_lf(std::string_view text);

}  // namespace ringpost::migrate
