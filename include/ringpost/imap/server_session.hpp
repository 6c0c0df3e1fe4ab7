// The server side of one IMAP conversation.
//
// Layer:   pure. No sockets, store, clock, logging.
// Owner:   the coroutine of one connection; it may move to another core between commands.
// Input:   any prefix of the byte stream, split anywhere. Output: events and response bytes.
// Limits:  imap/limits.hpp and ServerSettings; exceeding one becomes BAD, NO or BYE, never an error to the caller.
// States:  greeting -> not_authenticated <-> authenticated <-> selected -> logout
// RFCs:    9051, 3501, 7888 (literals), 4959 (SASL-IR), 2177 (IDLE), 2971 (ID), 3502 (MULTIAPPEND), 3516 (BINARY), 4978 (COMPRESS),
//          5161 (ENABLE), 6855 (UTF8), 7162, 7889 (APPENDLIMIT), 8437 (UNAUTHENTICATE).
//
// The driver pulls, as with smtp::ServerSession. It holds received bytes and calls next(); the session consumes them from the
// front, appends responses to output() and returns the first thing that the driver must know or do. Commands are
// answered in their order, and nothing behind a command is consumed before it has its answer: that is the back-pressure.
//
//   session.greet();
//   for (;;) {
//     imap::Event event = session.next(input);
//     switch (event.kind) {
//       case Kind::need_input: send(output); input = co_await receive(); break;
//       case Kind::auth_keys:  session.give_auth_keys(keys_of(session.credentials().authentication_id), ...); break;
//       case Kind::auth:       session.credentials() ... session.accept_auth(name); break;
//       case Kind::command:    co_await std::visit(execute, session.command());   // session.respond().exists(...)
//                              session.finish({Condition::ok, {}, "Done"}); break;
//       case Kind::append:     fits(session.append_message()) ? session.accept_append() : session.refuse_append(...); break;
//       case Kind::append_bytes: staging.write(event.bytes); break;
//       case Kind::append_end: session.finish(co_await store(...)); break;
//       ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/imap/command.hpp"
#include "ringpost/imap/dialect.hpp"
#include "ringpost/imap/limits.hpp"
#include "ringpost/imap/response_writer.hpp"
#include "ringpost/imap/server_settings.hpp"
#include "ringpost/imap/status_response.hpp"
#include "ringpost/sasl/server_login.hpp"

namespace ringpost::imap {

class Cursor;
struct LiteralHead;

struct Event {
  enum class Kind : std::uint8_t {
    need_input,  // everything is consumed: send output(), receive more
    flush,       // output() has grown: send it, call next() again
    start_tls,  // OK is in output(). Send it, drop every byte received so far, hand-shake, call tls_started()
    start_compression,  // OK is in output(). Send it in the clear; every byte after this one, both ways, is compressed.
                        // Then compression_started(). What `input` still holds is compressed
    auth_keys,  // SCRAM: credentials().authentication_id. Answer with give_auth_keys(), refuse_auth() or postpone_auth()
    auth,          // credentials(). Answer with accept_auth(), refuse_auth() or postpone_auth()
    command,       // command(), tag(). Respond, then finish(). For Idle see next()
    idle_done,     // the client sent DONE (or closed its IDLE by something else, which was BAD): finish()
    append,        // append_message(): the next message, before its bytes. accept_append() or refuse_append()
    append_bytes,  // `bytes` of it, a piece of the input; valid as the input is
    append_message_end,  // it is complete
    append_end,    // all messages of the command are there: finish(). Nothing of them may be visible before
    append_abort,  // the command was broken behind its first message, or the session closes: drop what was
                   // kept. The answer is in output()
    unauthenticated,  // OK is in output(): who logged in is forgotten, and what was selected. Another login may come
    logout,           // BYE and OK are in output(): send and close
    closed,           // the session gives up, BYE is in output(): send and close
  };
  Kind kind = Kind::need_input;
  std::span<const std::byte> bytes;  // append_bytes only
};

enum class State : std::uint8_t { greeting, not_authenticated, authenticated, selected, logout };

// What refuse_auth() can say: NO with the response codes of RFC 5530.
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
  // "* OK [CAPABILITY ...] ...". Once, before next().
  void greet();
  // "* PREAUTH ...", instead: the connection itself says who it is.
  void greet_known(std::string_view login);

  // ---- conversation ----
  // Consumes from the front of `input`. Not while a decision is pending, with one exception: while Idle is pending
  // it reads on, and returns idle_done, need_input or closed. Unsolicited responses may be written before any call.
  Event next(Input& input);
  // Responses to send, until the next call of a non-const member.
  std::string_view output() const { return {output_.data() + output_sent_, output_.size() - output_sent_}; }
  // The first `bytes` of output() are sent.
  void output_sent(std::size_t bytes);
  // Appends untagged responses to output(). While a command is pending, and unsolicited between commands. For a long
  // result send output() now and then: it is the driver's to bound.
  ResponseWriter respond() { return {dialect_, output_}; }
  // The literal's bytes of a FETCH, when the driver copies instead of sending them itself.
  void write(std::string_view bytes) { output_.append(bytes); }
  // True while one of the answers below is due.
  bool decision_pending() const { return pending_ != Event::Kind::need_input; }

  // ---- answers ----
  void give_auth_keys(sasl::ScramKeys keys, const sasl::Material& material);
  // `login`: who it is, where the credentials did not say so (a token). The client may still owe a last word: see state().
  void accept_auth(std::string_view login = {});
  void refuse_auth(AuthRefusal why = AuthRefusal::credentials);
  // NO [UNAVAILABLE] with these words: nothing was looked at.
  void postpone_auth(std::string_view text);
  // The tagged response of `command`, `idle_done` and `append_end`. After OK the session changes its state as the command
  // says: SELECT selects, CLOSE and UNSELECT leave. A SELECT that is not OK leaves no mailbox selected.
  void finish(const StatusResponse& response);
  // The message may come: "+" is said if the client waits for it.
  void accept_append();
  // The APPEND ends here; a message that the client sends unasked is read and dropped. Not Condition::ok.
  void refuse_append(const StatusResponse& response);
  // The hand-shake succeeded; the session forgets all it knew (RFC 9051 section 6.2.1).
  void tls_started();
  void compression_started();
  // The selected mailbox is gone, or must be given up: as after CLOSE, with "* OK [CLOSED]".
  void deselect();

  // ---- end ----
  // "* BYE [code] text" at any time; next() is then append_abort, if an APPEND was under way, and closed.
  void close(std::string_view text, std::string_view code = {});
  bool closed() const { return state_ == State::logout; }

  // ---- facts ----
  const ServerSettings& settings() const { return *settings_; }
  State state() const { return state_; }
  const Dialect& dialect() const { return dialect_; }
  bool secure() const { return secure_; }
  bool compressed() const { return compressed_; }
  // The login name that accept_auth() confirmed; empty before.
  std::string_view login() const { return login_; }
  // What the client said of itself by ID: "name=x version=y", for logs; empty before.
  std::string_view client_id() const { return client_id_; }
  // At `auth_keys` and `auth`, until it is answered. At `auth` parts may be moved out (and must be, to be verified on another thread).
  sasl::Credentials& credentials();
  std::string_view auth_mechanism() const {
    return auth_->name();
  }  // "LOGIN" for the command of that name too
  // At `command` until finish(). Parts may be moved out.
  Command& command() { return command_; }
  // Of the command that is pending.
  std::string_view tag() const { return tag_; }
  bool in_idle() const { return phase_ == Phase::idle; }  // until the client says DONE
  // At `append`, until the last event of the message.
  const AppendMessage& append_message() const;
  // A command with CONDSTORE's parameters makes the client a CONDSTORE client (RFC 7162 section 3.1): at `command`, true when
  // this one did, and a mailbox is selected: the driver tells "* OK [HIGHESTMODSEQ n]".
  bool condstore_just_enabled() const { return condstore_just_enabled_; }
  // In the middle of a command: timeouts are shorter than between commands.
  bool in_command() const;

  // BAD responses so far: for figures.
  std::uint32_t protocol_errors() const { return protocol_errors_; }
  // Bytes that the session holds: itself and its heap.
  std::size_t memory_used() const;

 private:
  enum class Phase : std::uint8_t {
    line,          // reading a command's line
    literal,       // reading a literal into the command
    append,        // the literal is a message
    skip_literal,  // dropping one of a command that has its answer already
    skip_line,     // dropping the rest of its line
    auth,          // the line is an answer of an AUTHENTICATE exchange
    idle,          // the line is DONE
    tls,
    compression,
  };
  struct Reading;  // the command that is being read, and its APPEND
  struct Words;    // a command's tag and name

  // The loop: server_session.cpp
  std::optional<Event> advance(Input& input);
  Event decide(Event event);
  std::optional<Event> execute(std::string_view text, Input& input);
  void bad(std::string_view tag, std::string_view reason);
  void refuse(std::string_view tag, const StatusResponse& why);
  void say(std::string_view tag, const StatusResponse& response);
  void conclude(bool accepted);
  void forget_command();

  // From bytes to commands: server_lines.cpp
  std::optional<Event> read_line(Input& input);
  std::optional<Event> on_line(std::string_view text, std::string_view line, Input& input);
  std::optional<Event> on_literal(std::string_view text, const LiteralHead& literal);
  std::optional<Event> read_literal(Input& input);
  std::optional<Event> skip_literal(Input& input);
  std::optional<Event> skip_line(Input& input);
  std::optional<Event> line_too_long(Input& input);
  void end_early(std::string_view tag, const StatusResponse& why, const std::optional<LiteralHead>& literal);
  void begin_skip(const std::optional<LiteralHead>& literal);
  Words words_of(std::string_view text) const;
  std::optional<StatusResponse> obstacle(const Words& words) const;
  std::size_t command_bytes_max() const;
  Reading& reading();
  void keep(std::string_view part);
  void drop_line();

  // APPEND: server_append.cpp
  std::optional<Event> next_message(Cursor& in, const LiteralHead& literal);
  std::optional<Event> on_append_line(std::string_view text);
  std::optional<Event> read_message(Input& input);
  std::optional<Event> break_append(const StatusResponse& why, const std::optional<LiteralHead>& literal);

  // Logging in: server_auth.cpp
  std::optional<Event> on_login(std::string_view text, std::size_t offset);
  std::optional<Event> on_authenticate(std::string_view text, std::size_t offset);
  std::optional<Event> take_turn(sasl::Turn turn);
  std::optional<Event> fail_auth(const StatusResponse& why);
  void count_failed_login();
  void logged_in();

  // What the session answers by itself: server_own.cpp
  void on_capability();
  std::optional<Event> on_enable(std::string_view text, std::size_t offset);
  void on_id(std::string_view text, std::size_t offset);
  std::optional<Event> on_starttls(Input& input);
  std::optional<Event> on_compress(std::string_view text, std::size_t offset);
  std::optional<Event> on_unauthenticate(std::string_view text, std::size_t offset);
  std::optional<Event> on_idle_line(std::string_view line);
  void append_own_capabilities();

  const ServerSettings* settings_;
  std::string output_;
  std::string tag_;
  std::string login_;
  std::string client_id_;
  Command command_;
  Dialect dialect_;
  std::unique_ptr<Reading> reading_;
  std::unique_ptr<sasl::ServerLogin> auth_;
  std::size_t output_sent_ = 0;
  std::uint32_t bad_commands_ = 0;
  std::uint32_t protocol_errors_ = 0;
  std::uint32_t auth_failures_ = 0;
  State state_ = State::greeting;
  Phase phase_ = Phase::line;
  sasl::MechanismSet mechanisms_;
  Event::Kind pending_ = Event::Kind::need_input;
  Event::Kind queued_ = Event::Kind::need_input;  // the next event, when one step makes two
  Event::Kind farewell_ = Event::Kind::closed;    // logout or closed
  bool secure_ = false;
  bool compressed_ = false;
  bool condstore_just_enabled_ = false;
  bool idle_broken_ = false;  // something else than DONE ended it
};

}  // namespace ringpost::imap
