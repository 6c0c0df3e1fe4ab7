// Commands to an IMAP server and their answers, one after the other.
//
// Layer: private to `migrate`; blocking.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "ringpost/migrate/imap.hpp"

#include "imap_reply.hpp"
#include "imap_wire.hpp"

namespace ringpost::migrate {

class ImapSession {
 public:
  explicit ImapSession(ImapWire wire) : wire_(std::move(wire)) {}

  Result<void> greet();  // takes the greeting, learns what the server can
  Result<void> log_in(const ImapAddress& address, const ImapLogin& login);
  bool can(std::string_view capability) const;
  bool known() const { return known_; }  // PREAUTH

  // The tagged answer; NO and BAD too. Untagged ones go to `take`.
  using Untagged = std::function<Result<void>(ImapReply&)>;
  Result<ImapReply> ask(std::string command, const Untagged& take = {});
  // The same, and NO or BAD is an error with the server's words.
  Result<ImapReply> order(std::string command, const Untagged& take = {});
  // A command in pieces: LITERAL+ is needed for what has literals.
  Result<void> send(std::string_view bytes) { return wire_.send(bytes); }
  std::string begin() { return tag_ = "r" + std::to_string(++number_); }
  Result<ImapReply> answer(const Untagged& take);

 private:
  Result<ImapReply> read();
  void learn(std::string_view capabilities);
  Result<void> learn_by_asking();

  ImapWire wire_;
  std::set<std::string> capabilities_;  // upper case
  std::string tag_;
  std::uint64_t number_ = 0;
  bool known_ = false;
};

// "..." with what must be escaped; and a name as the wire has it.
std::string imap_quoted(std::string_view text);
std::string imap_name(std::string_view name);

}  // namespace ringpost::migrate
