// The server side of one SMTP, LMTP or submission conversation.
//
// Layer:   pure. No sockets, clock, logging.
// Owner:   the coroutine of one connection; lives on one core for its whole life.
// Input:   any prefix of the byte stream, split anywhere. Output: events and reply bytes.
// Limits:  smtp/limits.hpp and ServerSettings; exceeding one becomes a reply, never an error.
// States:  greeting -> ready -> mail -> recipients -> body -> deciding -> ready | closed
// RFCs:    5321, 2033 (LMTP), 6409, 1870, 2034, 2920, 3030, 3207, 3461, 4954, 6152, 6531.
//
// The driver pulls. It holds received bytes and calls next(); the session consumes them from the front, appends replies
// to output() and returns the first thing that the driver must know or decide. Replies gather until the driver sends
// them: it must when next() says need_input or flush, before it waits for anything outside this core, and at the end.
// So the replies of one pipelined group leave in one send.
//
//   session.greet();
//   for (;;) {
//     smtp::Event event = session.next(input, staging.space());
//     switch (event.kind) {
//       case Kind::need_input:  send(output); input = co_await receive(); break;
//       case Kind::recipient:   allowed(session.new_recipient()) ? session.accept() : session.reject(why);
//                               break;
//       case Kind::body:        staging.advance(event.bytes); break;
//       case Kind::need_room:   staging.grow(); break;
//       case Kind::message_end: send(output); session.accept_message(co_await commit()); break;
//       ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/units.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/sasl/server_login.hpp"
#include "ringpost/scan/body_facts.hpp"
#include "ringpost/smtp/limits.hpp"
#include "ringpost/smtp/replies.hpp"
#include "ringpost/smtp/server_settings.hpp"

namespace ringpost::smtp {

enum class Verb : std::uint8_t;

struct Event {
  enum class Kind : std::uint8_t {
    need_input,   // everything is consumed: send output(), receive more
    flush,        // output() has grown, or a refused body has ended: send it, call next() again
    helo,         // EHLO, HELO, LHLO: helo(). Answer with accept() or reject()
    start_tls,    // the 220 is in output(). Send it, drop every byte received so far, hand-shake,
                  // then call tls_started()
    auth_keys,    // SCRAM: credentials().authentication_id. Answer with give_auth_keys() or refuse_auth()
    auth,         // credentials(). Answer with accept_auth() or refuse_auth()
    mail,         // envelope() without recipients. Answer with accept() or reject()
    recipient,    // new_recipient(). Answer with accept() or reject(), which removes it
    data_begin,   // DATA or the first BDAT; size_hint(). Answer with accept() or reject()
    body,         // `bytes` were put at the front of the target
    need_room,    // the target has less than scan::kStepOutputMin bytes: call next() with space
    message_end,  // the body is complete: envelope(), body_facts(). Answer with accept_message(),
                  // reject_message() or finish()
    reset,        // the transaction is over without a message (RSET, EHLO, or the session refused its body):
                  // drop what was kept for it. refusal() says why, when the session refused it
    quit,         // the client is done, 221 is in output(): send it and close
    closed,       // the session gives up, its last words are in output(): send them and close
  };
  Kind kind = Kind::need_input;
  std::size_t bytes = 0;  // body only
};

// What refuse_auth() can say: temporary is 454 4.7.0, too_weak 534 5.7.9, all others 535 5.7.8.
using AuthRefusal = sasl::Refusal;

class ServerSession {
 public:
  // `settings` outlives the session. `secure`: the connection is inside TLS from its first byte.
  explicit ServerSession(const ServerSettings& settings, bool secure = false);
  ServerSession(ServerSession&&) noexcept;
  ServerSession& operator=(ServerSession&&) noexcept;
  ~ServerSession();

  // ---- start ----
  // Before greet(): the client spoke first. By settings the greeting becomes a refusal.
  void note_early_talk() { early_talk_ = true; }
  // Writes the greeting; the driver decides when (a delay shows early talkers). Once, before next().
  void greet();

  // What may be offered from now on: accounts and TLS decide it. At first, what the settings say. Between commands only.
  void offer_mechanisms(sasl::MechanismSet mechanisms) { mechanisms_ = mechanisms; }

  // ---- conversation ----
  // Consumes from the front of `input`. Body bytes go to `target`, without dot stuffing and without the final
  // dot. Not while a decision is pending.
  Event next(std::span<const std::byte>& input, std::span<std::byte> target = {});
  // Replies to send, until the next call of a non-const member.
  std::string_view output() const { return {output_.data() + output_sent_, output_.size() - output_sent_}; }
  // The first `bytes` of output() are sent.
  void output_sent(std::size_t bytes);
  // True while one of the answers below is due.
  bool decision_pending() const { return pending_ != Event::Kind::need_input; }

  // ---- answers ----
  void accept();
  void reject(const mail::Reply& reply);
  void give_auth_keys(sasl::ScramKeys keys, const sasl::Material& material);
  // `login`: who it is, where the credentials did not say so (a token). The client may still owe a last word: see
  // authenticated().
  void accept_auth(std::string_view login = {});
  void refuse_auth(AuthRefusal why = AuthRefusal::credentials);
  // 454 4.7.0 with these words: nothing was looked at.
  void postpone_auth(std::string_view text);
  // "250 2.0.0 Ok: queued as <id>"; in LMTP once for each recipient.
  void accept_message(std::string_view queue_id);
  void reject_message(const mail::Reply& reply) { finish(reply); }
  // Any reply; in LMTP the same for each recipient. A 2yz code counts as accepted.
  void finish(const mail::Reply& reply);
  // LMTP: one for each accepted recipient, in their order.
  void finish(std::span<const mail::Reply> replies);
  // The TLS hand-shake succeeded; the session forgets all it knew (RFC 3207 section 4.2).
  void tls_started();

  // ---- end ----
  // Says a last word at any time (shutdown 421 4.3.2, idle 421 4.4.2, memory 421 4.3.1); next() is then
  // `closed`. A transaction in progress is lost; the driver drops what it kept.
  void close(const mail::Reply& reply);
  bool closed() const { return phase_ == Phase::closed; }

  // ---- facts ----
  const ServerSettings& settings() const { return *settings_; }
  std::string_view helo() const { return helo_; }
  bool esmtp() const { return esmtp_; }
  bool secure() const { return secure_; }
  bool authenticated() const { return authenticated_; }
  // The login name that accept_auth() confirmed; empty before.
  std::string_view login() const { return login_; }
  // The transaction, from `mail` to the answer to `message_end`. At message_end the driver may move parts out.
  mail::Envelope& envelope() { return envelope_; }
  const mail::Envelope& envelope() const { return envelope_; }
  // At `recipient`: the last of the envelope. Views are valid until the answer.
  mail::Recipient new_recipient() const { return envelope_.recipient(envelope_.recipient_count() - 1); }
  // Between MAIL and the end of its transaction. For timeouts and drain.
  bool in_transaction() const { return envelope_.has_reverse_path() && phase_ != Phase::closed; }
  // While the client is sending a body: timeouts are longer or shorter there.
  bool in_body() const { return phase_ == Phase::data || phase_ == Phase::chunk; }
  // At data_begin: the SIZE that was declared or of this chunk, whichever is larger; 0 when unknown.
  std::uint64_t size_hint() const { return size_hint_; }
  // At message_end.
  const scan::BodyFacts& body_facts() const;
  // At `reset`: the reply by which the session refused the body, else nullptr.
  const mail::Reply* refusal() const;
  // At `auth_keys` and `auth`, until it is answered. At `auth` parts may be moved out (and must be, to be verified on another thread).
  sasl::Credentials& credentials();
  // Of the last AUTH.
  std::string_view auth_mechanism() const { return auth_mechanism_; }

  // Of what the last next() consumed, how many bytes at its end were no commands: those of a body, kept or refused,
  // and what came after the last word. For who shows what was said.
  std::size_t unspoken() const { return unspoken_; }

  // What the client did wrong, since the greeting: for figures.
  std::uint32_t protocol_errors() const { return protocol_errors_; }

  // Bytes that the session holds: itself and its heap. For memory limits and the test that an idle one is small.
  std::size_t memory_used() const;

 private:
  enum class Phase : std::uint8_t {
    greeting,    // greet() has not been called
    ready,       // between transactions
    mail,        // MAIL accepted
    recipients,  // RCPT accepted
    data,        // receiving a dot-stuffed body
    chunk,       // receiving BDAT bytes
    chunks,      // between BDAT chunks
    auth,        // an AUTH exchange is waiting for the client
    tls,         // STARTTLS accepted, hand-shake under way
    closed,
  };
  struct Body;  // what only a transaction with a body needs; kept for the next one
  using Input = std::span<const std::byte>;

  // The loop: server_session.cpp
  std::optional<Event> read_command(Input& input);
  std::optional<Event> execute(std::string_view line, Input& input);
  Event decide(Event event);
  void say(const FixedReply& reply);
  void say(const mail::Reply& reply);
  void say_or_close(const mail::Reply& reply);
  std::optional<Event> refuse(const FixedReply& reply);
  std::optional<Event> hang_up(const FixedReply& reply);
  std::size_t answers_due() const;
  void conclude(bool accepted, bool closing);
  void note_error();
  void forget_offences();
  bool over_limits() const;
  // Empties the transaction; true when there was one.
  bool end_transaction();

  // Reading command lines: server_lines.cpp
  struct Line {
    enum class State : std::uint8_t { none, complete, refused };
    State state = State::none;
    std::string_view text;  // without CRLF; valid until drop_line()
  };
  Line take_line(Input& input);
  Line end_line(std::string_view part);
  Line refuse_line(const FixedReply& why, std::string_view part);
  void keep_part(std::string_view part);
  void drop_line();

  // Each command, by phase: server_greeting.cpp
  std::optional<Event> on_hello(Verb verb, std::string_view name);
  std::optional<Event> on_starttls(std::string_view arguments, Input& input);
  std::optional<Event> on_rset(std::string_view arguments);
  std::optional<Event> on_quit();
  std::optional<Event> on_vrfy(std::string_view arguments);
  void say_hello();
  bool offers_auth() const;
  bool offers_tls() const { return settings_->tls != TlsOffer::none && !secure_; }
  // server_mail.cpp
  std::optional<Event> on_mail(std::string_view arguments);
  std::optional<Event> on_rcpt(std::string_view arguments);
  const FixedReply* mail_obstacle() const;
  const FixedReply* rcpt_obstacle() const;
  std::optional<Event> refuse_address(mail::AddressFault fault, bool sender);
  // server_body.cpp
  std::optional<Event> on_data(std::string_view arguments);
  std::optional<Event> on_bdat(std::string_view arguments);
  std::optional<Event> receive_data(Input& input, std::span<std::byte> target);
  std::optional<Event> discard_data(Input& input);
  std::optional<Event> receive_chunk(Input& input, std::span<std::byte> target);
  std::optional<Event> finish_chunk();
  std::optional<Event> finish_body();
  std::optional<Event> drop_body(const FixedReply& why);
  const FixedReply* body_fault() const;
  const FixedReply* bdat_obstacle() const;
  void begin_body();
  void refuse_chunk(const mail::Reply& why);
  Body& body();
  // server_auth.cpp
  std::optional<Event> on_auth(std::string_view arguments);
  const FixedReply* auth_obstacle() const;
  std::optional<Event> take_turn(sasl::Turn turn);
  void finish_auth();
  std::optional<Event> fail_auth(const FixedReply& why);

  const ServerSettings* settings_;
  std::string output_;
  std::string line_;
  std::string helo_;
  std::string login_;
  std::string scratch_;  // canonical addresses while they are made
  mail::Envelope envelope_;
  std::unique_ptr<Body> body_;
  std::unique_ptr<sasl::ServerLogin> auth_;
  std::string_view auth_mechanism_;
  std::uint64_t size_hint_ = 0;
  std::size_t output_sent_ = 0;
  std::size_t unspoken_ = 0;
  std::uint32_t errors_ = 0;
  std::uint32_t protocol_errors_ = 0;
  std::uint32_t rejections_ = 0;
  std::uint32_t idle_commands_ = 0;
  std::uint32_t auth_failures_ = 0;
  Phase phase_ = Phase::greeting;
  sasl::MechanismSet mechanisms_;
  Event::Kind pending_ = Event::Kind::need_input;
  Event::Kind queued_ = Event::Kind::need_input;  // the next event, when one command makes two
  Event::Kind farewell_ = Event::Kind::closed;    // quit or closed
  bool line_overlong_ = false;                    // what arrived of this line was dropped
  bool line_skip_ = false;                        // a bare LF was refused: drop up to the next CRLF
  bool line_cr_ = false;                          // the last byte dropped was CR
  bool early_talk_ = false;
  bool esmtp_ = false;
  bool secure_ = false;
  bool authenticated_ = false;
};

}  // namespace ringpost::smtp
