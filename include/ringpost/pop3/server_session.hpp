// The server side of one POP3 conversation.
//
// Layer:   pure. No sockets, store, clock, logging.
// Owner:   the coroutine of one connection; it may move to another core between commands.
// Input:   any prefix of the byte stream, split anywhere. Output: events and response bytes.
// Limits:  pop3/limits.hpp and ServerSettings; exceeding one becomes -ERR or the end, never an error to the caller.
// States:  greeting -> authorization -> transaction -> update -> closed
// RFCs:    1939, 2449 (CAPA, RESP-CODES, PIPELINING, EXPIRE, IMPLEMENTATION), 2595 (STLS), 3206 (AUTH-RESP-CODE), 5034 (SASL), 6856
//          (UTF8). Not APOP: it needs passwords in clear text.
//
// The driver pulls, as with smtp::ServerSession. It owns the maildrop: numbers, sizes, unique ids and which messages are
// marked. Nothing behind a command is consumed before it has its answer.
//
//     case Kind::need_input: send(output); input = co_await receive(); break;
//     case Kind::auth:       verify(session.credentials()); session.accept_auth() ... session.opened(count, size);
//     case Kind::command:    session.command() ... session.ok("12 3456"); break;
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/pop3/limits.hpp"
#include "ringpost/pop3/server_settings.hpp"
#include "ringpost/sasl/server_login.hpp"

namespace ringpost::pop3 {

struct Event {
  enum class Kind : std::uint8_t {
    need_input,  // everything is consumed: send output(), receive more
    flush,       // output() has grown: send it, call next() again
    start_tls,  // +OK is in output(). Send it, drop every byte received so far, hand-shake, call tls_started()
    auth_keys,  // SCRAM: credentials().authentication_id. give_auth_keys(), refuse_auth() or postpone_auth()
    auth,       // credentials(). accept_auth() (then the maildrop is open), refuse_auth() or postpone_auth()
    command,    // command(). Answer with ok(), with begin_lines() ..., or error()
    update,     // QUIT after login: remove the marked messages, then ok() or error(); then `closed`
    closed,     // send output() and close. In `transaction` nothing is removed
  };
  Kind kind = Kind::need_input;
};

enum class State : std::uint8_t { greeting, authorization, transaction, update, closed };

struct Command {
  enum class Kind : std::uint8_t {
    stat,       // ok("count size")
    list,       // with message: ok("n size"); else lines
    unique_id,  // UIDL: the same with ids
    retrieve,   // RETR; TOP when `lines` is there: begin_lines(), then MessageWriter
    dele,       // mark it
    noop,
    reset,  // unmark all
  };
  Kind kind = Kind::noop;
  std::optional<std::uint32_t> message;  // from 1; whether it is there is the driver's to know
  std::optional<std::uint64_t> lines;    // TOP
};

// Codes in brackets (RFCs 2449 section 8, 3206).
enum class ResponseCode : std::uint8_t { none, in_use, login_delay, sys_temp, sys_perm, auth, utf8 };

// What refuse_auth() can say: [AUTH], [SYS/TEMP], [SYS/PERM], [IN-USE], [LOGIN-DELAY].
using AuthRefusal = sasl::Refusal;

class ServerSession {
 public:
  using Input = std::span<const std::byte>;

  // `settings` outlives the session. `secure`: the connection is inside TLS from its first byte.
  explicit ServerSession(const ServerSettings& settings, bool secure = false);
  ServerSession(ServerSession&&) noexcept;
  ServerSession& operator=(ServerSession&&) noexcept;
  ~ServerSession();

  // What may be offered from now on: accounts and TLS decide it. At first, what the settings say. Before greet() and tls_started().
  void offer_mechanisms(sasl::MechanismSet mechanisms) { mechanisms_ = mechanisms; }
  void greet();

  // ---- conversation ----
  // Consumes from the front of `input`. Not while a decision is pending.
  Event next(Input& input);
  std::string_view output() const { return {output_.data() + output_sent_, output_.size() - output_sent_}; }
  void output_sent(std::size_t bytes);
  bool decision_pending() const { return pending_ != Event::Kind::need_input; }

  // ---- answers ----
  void give_auth_keys(sasl::ScramKeys keys, const sasl::Material& material);
  // `login`: who it is, where the credentials did not say so (a token). The client may still owe a last word: see state().
  void accept_auth(std::string_view login = {});
  void refuse_auth(AuthRefusal why = AuthRefusal::credentials);
  // -ERR [SYS/TEMP] with these words: nothing was looked at.
  void postpone_auth(std::string_view text);
  void ok(std::string_view text = {});
  void error(std::string_view text, ResponseCode code = ResponseCode::none);
  // A multi-line answer: "+OK text", then line() any number of times, or a message by MessageWriter behind output(),
  // then end_lines(). A message that MessageWriter ended has its dot: end_message() then.
  void begin_lines(std::string_view text = {});
  void line(std::string_view text);  // stuffed if it begins with a dot
  void end_lines();
  void end_message();
  void tls_started();

  // ---- end ----
  // "-ERR [code] text" at any time; next() is then `closed`, and nothing is removed.
  void close(std::string_view text, ResponseCode code = ResponseCode::none);
  bool closed() const { return state_ == State::closed; }

  // ---- facts ----
  const ServerSettings& settings() const { return *settings_; }
  State state() const { return state_; }
  bool secure() const { return secure_; }
  bool utf8() const { return utf8_; }  // the client said UTF8
  std::string_view login() const { return login_; }
  // At `auth_keys` and `auth`, until it is answered. At `auth` parts may be moved out.
  sasl::Credentials& credentials();
  std::string_view auth_mechanism() const { return auth_->name(); }  // "USER" for USER and PASS
  const Command& command() const { return command_; }
  std::uint32_t protocol_errors() const { return protocol_errors_; }
  std::size_t memory_used() const;

 private:
  enum class Phase : std::uint8_t { line, skip_line, auth, tls };

  // The loop: server_session.cpp
  std::optional<Event> read_line(Input& input);
  std::optional<Event> on_line(std::string_view line, Input& input);
  std::optional<Event> execute(std::string_view line, Input& input);
  std::optional<Event> carry_out(Command command);
  void refuse(std::string_view text, ResponseCode code = ResponseCode::none);
  void say(std::string_view state, std::string_view text, ResponseCode code);
  void drop_line();

  // The commands: server_commands.cpp
  std::optional<Event> on_message(Command::Kind kind, std::string_view arguments);
  std::optional<Event> on_top(std::string_view arguments);
  std::optional<Event> on_stls(Input& input);
  std::optional<Event> on_utf8();
  std::optional<Event> on_lang(std::string_view range);
  std::optional<Event> on_quit();
  std::optional<Event> capabilities();
  bool login_offered() const { return secure_ || !settings_->auth_needs_tls; }

  // Logging in: server_auth.cpp
  std::optional<Event> on_user(std::string_view name);
  std::optional<Event> on_pass(std::string_view password);
  std::optional<Event> on_auth(std::string_view arguments);
  std::optional<Event> take_turn(sasl::Turn turn);
  std::optional<Event> fail_auth(std::string_view text, ResponseCode code = ResponseCode::none);
  void logged_in();
  void refuse_login(AuthRefusal why);

  const ServerSettings* settings_;
  std::string output_;
  std::string line_;
  std::string login_;  // what USER said, until PASS is verified
  Command command_;
  std::unique_ptr<sasl::ServerLogin> auth_;
  std::size_t output_sent_ = 0;
  std::size_t dropped_ = 0;
  std::uint32_t errors_ = 0;
  std::uint32_t protocol_errors_ = 0;
  std::uint32_t auth_failures_ = 0;
  State state_ = State::greeting;
  Phase phase_ = Phase::line;
  sasl::MechanismSet mechanisms_;
  Event::Kind pending_ = Event::Kind::need_input;
  bool secure_ = false;
  bool utf8_ = false;
};

}  // namespace ringpost::pop3
