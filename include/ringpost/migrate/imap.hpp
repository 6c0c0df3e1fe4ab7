// Mailboxes behind IMAP: another server's to be read, or our own server's to be read and filled.
//
// Layer:  program; blocking.
// Owner:  one flow. An ImapServer is a Source and takes mail too; not both at the same time.
// RFCs:   3501, 9051, 2342, 4959, 3502 (MULTIAPPEND), 7888 (LITERAL+), 6154, 5819.
#pragma once

#include <memory>
#include <string>

#include "ringpost/migrate/mail.hpp"

namespace ringpost::migrate {

struct ImapAddress {
  std::string host;
  std::string port;
  bool implicit_tls = true;
};
// "imaps://host", "imap://host:1143/". Nothing: it is no such address.
std::optional<ImapAddress> parse_imap_address(std::string_view text);

struct ImapLogin {
  std::string name, password;
  bool verify = true;     // the certificate must be good
  bool needs_tls = true;  // the password never goes in the clear
};

struct MailboxState {
  std::uint32_t uid_validity = 0, uid_next = 0;
  std::uint64_t messages = 0, unseen = 0, size = 0;
};

class ImapServer : public Source {
 public:
  static Result<std::unique_ptr<ImapServer>> connect(const ImapAddress& address, const ImapLogin& login);
  // A connection that needs no login; `received`: what came on it already. Owns the descriptor.
  static Result<std::unique_ptr<ImapServer>> over(int descriptor, std::string received);

  // Nothing: there is no such mailbox.
  virtual Result<std::optional<MailboxState>> look(const std::string& name) = 0;
  virtual Result<void> create(const MailboxFacts& mailbox) = 0;
  virtual Result<void> subscribe(const std::string& name) = 0;
  // Of our own server alone: UIDVALIDITY and the next UID are to be these. False: the mailbox has given UIDs already.
  virtual Result<bool> number(const std::string& name, std::uint32_t uid_validity,
                              std::uint32_t uid_next) = 0;
  // All or none of them, durable when it returns; messages with a UID keep it (our own server alone).
  struct Mail {
    MessageFacts facts;
    std::string bytes;
  };
  virtual Result<void> append(const std::string& name, std::span<const Mail> mails) = 0;
};

}  // namespace ringpost::migrate
