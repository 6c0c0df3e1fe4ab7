// What an IMAP and a POP3 conversation have in common: the connection before the greeting, TLS, logins, and the way to the
// core that owns the mailboxes.
//
// Layer:  services. Owner: the coroutine of one connection on one core. Holds the snapshot it began with.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "ringpost/access/service.hpp"
#include "ringpost/accounts/login_desk.hpp"
#include "ringpost/imap/server_session.hpp"
#include "ringpost/net/connection.hpp"
#include "ringpost/observe/trace.hpp"
#include "ringpost/pop3/server_session.hpp"

namespace ringpost::access {

// A conversation between two cores. The login is decided, and not answered yet: the owner core says whether the mailboxes
// can be had. Or it has been before, and a command waits that is carried out where the mailbox is.
struct Passage {
  net::Handover connection;
  std::shared_ptr<const Snapshot> snapshot;
  std::size_t index = 0;  // of the listener
  unsigned slot = 0;
  unsigned destination = 0;
  std::string user;        // canonical
  std::string login;       // as accounts name it
  bool counted = false;    // of its client's connections: who closes it says so
  bool continues = false;  // a command waits
  std::variant<imap::ServerSession, pop3::ServerSession> session;
};

class Conversation : public net::Guest {
 public:
  Conversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
               net::Connection& connection);

  // From the first byte to the goodbye, or to the moment in which the connection moves.
  Task<void> run();
  // The same for an operator's command, which the admin socket has let in as `user`: on the core of the mailboxes.
  Task<void> run_for(std::string user);
  // What comes after the move.
  Task<void> arrive(std::unique_ptr<Passage> passage);
  // The core where it goes on; the caller hands the connection over.
  std::optional<unsigned> destination() const { return destination_; }
  Passage pack(net::Handover connection, unsigned slot);
  // Where it should have gone is no core that would have it.
  RP_OWN_FRAME Task<void> stay_away();
  RP_OWN_FRAME Task<void> uncount();
  virtual void take_session(Passage& passage) = 0;

  void nudge() override { connection_.nudge(); }
  void abort() override { connection_.abort(); }
  friend FramePool& frame_pool(Conversation& conversation) { return conversation.service_.core().frames(); }

 protected:
  virtual void greet() = 0;
  // Who needs no password, because of where the connection comes from. Only IMAP knows how to say so.
  virtual void greet_known(std::shared_ptr<store::UserMail> /*mail*/) { turn_away("A login is needed"); }
  virtual void turn_away(std::string_view why) = 0;
  virtual Task<void> talk() = 0;
  virtual std::string_view output() const = 0;
  virtual void output_sent(std::size_t size) = 0;
  virtual void refuse_login(const accounts::LoginVerdict& why) = 0;
  // The mailboxes are here: says so.
  virtual void begin(std::shared_ptr<store::UserMail> mail) = 0;
  virtual void give_session(Passage& passage) = 0;
  virtual bool logged_in() const = 0;
  // After a move with a command that waits: carries it out. False: the conversation is over here.
  virtual Task<bool> go_on() { co_return true; }
  // It ends, or moves: what lies on other cores is given up there.
  virtual Task<void> leave() { co_return; }
  // The client waits for news and will say nothing for long.
  virtual bool in_idle() const { return false; }

  // Null unless somebody traces this session.
  observe::SessionTrace* traced();
  void trace_said(observe::Speaker who, std::string_view text);
  // What was consumed; the last `mail` bytes of it are of a message.
  void trace_input(std::span<const std::byte> consumed, std::size_t mail);
  // Bytes of messages that are sent without passing through output().
  void trace_mail(std::size_t bytes) {
    if (observe::SessionTrace* trace = traced()) trace->body(bytes, observe::Speaker::server);
  }

  Task<bool> send();
  RP_OWN_FRAME Task<bool> start_tls();
  // Sends what waits, then waits for the client. False: it has gone.
  Task<bool> wait_for_input();
  // Checks the login and opens the mailboxes; or finds the core that has them: then destination() is set.
  RP_OWN_FRAME Task<void> authenticate(sasl::Credentials credentials);
  // The command that is under way is carried out on another core: see go_on().
  void move_to(unsigned core) { destination_ = core; }
  accounts::LoginClient login_client() const { return {connection_.peer().address, listening_.name}; }
  // What accounts and TLS let us offer just now.
  sasl::MechanismSet mechanisms() const;

  Service& service_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::size_t index_;
  const Listening& listening_;
  net::Connection& connection_;
  std::string user_;
  std::string login_;  // as accounts name it

 private:
  RP_OWN_FRAME Task<bool> admit();
  RP_OWN_FRAME Task<void> open_mailboxes();
  void mailboxes_are_away();

  observe::Traced trace_;
  std::optional<unsigned> destination_;
  bool counted_ = false;  // the client's address was counted and must be uncounted
};

std::unique_ptr<Conversation> make_conversation(Service& service, std::shared_ptr<const Snapshot> snapshot,
                                                std::size_t index, net::Connection& connection);

}  // namespace ringpost::access
