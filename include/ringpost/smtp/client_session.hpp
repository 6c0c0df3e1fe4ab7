// The client side of one SMTP or LMTP conversation: the deliverer's and the load generator's.
//
// Layer:   pure. No sockets, clock, logging.
// Owner:   the coroutine of one connection; lives on one core for its whole life.
// Input:   reply bytes, split anywhere. Output: events and bytes to send. Bodies never pass through here:
//          the driver sends them itself, from wherever they lie, when the session says so.
// Limits:  smtp/limits.hpp; a peer that exceeds one is hung up on.
// States:  greeting -> hello -> ready <-> transactions (several in flight) -> quitting -> closed
// RFCs:    5321, 2033 (LMTP), 1870, 2920, 3030, 3207, 3461, 4954, 6152, 6531.
//
//   connect; next() until `ready`; perhaps start_tls() or authenticate(), and next() until `ready` again;
//   then begin(message); next() until `send_body`; send output(), then the body; body_sent(); next() until
//   `finished`; again begin(), or quit().
//
// Eager drivers (BodyTiming::with_envelope and a peer with CHUNKING) get `send_body` at once, and may begin()
// the next transaction before the last one is `finished`: then a message costs less than one round trip.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/sasl/client.hpp"
#include "ringpost/smtp/limits.hpp"

namespace ringpost::smtp {

struct ClientSettings {
  bool lmtp = false;
  std::string helo = "localhost";  // our name in EHLO, HELO, LHLO
  bool pipelining = true;          // use what the peer offers
  bool chunking = true;            // BDAT where the peer offers it; off: always DATA
};

// What the peer's EHLO reply offered.
struct Capabilities {
  bool esmtp = false;  // it took EHLO or LHLO, not only HELO
  bool pipelining = false;
  bool size = false;
  bool eightbitmime = false;
  bool smtputf8 = false;
  bool chunking = false;
  bool binarymime = false;
  bool dsn = false;
  bool starttls = false;
  bool enhanced_status_codes = false;
  bool auth = false;              // some mechanism, perhaps none that we have
  sasl::MechanismSet mechanisms;  // those that we have
  std::uint64_t size_max = 0;     // 0: no limit named
};

enum class BodyTiming : std::uint8_t {
  after_recipients,  // wait for the RCPT replies; the body is sent only if one was accepted
  with_envelope,     // BDAT in the same group as MAIL and RCPT; needs CHUNKING and PIPELINING, else as above
};

// One transaction; what it points to must live until `finished` or `closed`.
struct Outgoing {
  const mail::Envelope* envelope = nullptr;   // sender, BODY, SMTPUTF8, RET, ENVID
  std::span<const std::uint32_t> recipients;  // indexes into the envelope; empty: all of it
  std::uint64_t body_bytes = 0;               // exactly what the driver will send by BDAT; SIZE tells it
  BodyTiming timing = BodyTiming::after_recipients;

  std::uint32_t recipient_count() const {
    return static_cast<std::uint32_t>(recipients.empty() ? envelope->recipient_count() : recipients.size());
  }
  // The envelope's index of the recipient that is named in this place.
  std::uint32_t recipient(std::uint32_t position) const {
    return recipients.empty() ? position : recipients[position];
  }
};

struct ClientEvent {
  enum class Kind : std::uint8_t {
    need_input,       // send output(), receive more
    ready,            // hello is over: capabilities()
    refused,          // the greeting or hello was refused: reply(). quit() or close
    tls_ready,        // send output() [empty], hand-shake, then tls_started()
    tls_refused,      // reply(); still `ready`
    authenticated,    // reply()
    auth_refused,     // reply(); still `ready`
    recipient,        // RCPT of transaction, recipient: reply(). A refusal is final for this recipient
    send_body,        // send output(), then the body in the form body_form(), then call body_sent()
    recipient_final,  // LMTP: what became of an accepted recipient after the body: reply()
    finished,         // the transaction is over: stage says where it ended, reply() is the last reply
    closed,           // the connection is over. reply() is the peer's 421 or ours, `reason` tells them apart
  };
  enum class Stage : std::uint8_t {
    mail,        // MAIL was refused: reply() goes for every recipient
    recipients,  // none was accepted: each had its `recipient` event
    data,        // DATA or BDAT was refused before the body was judged: reply() goes for accepted recipients
    body,        // reply() answers the body, for all accepted recipients (LMTP: each had recipient_final)
  };
  enum class Reason : std::uint8_t {
    none,
    quit,      // 221, or the peer closed after our QUIT
    shutdown,  // 421
    lost,      // the peer closed without a word: lost_connection() was called
    protocol,  // what came was not SMTP; reply().text says what
  };
  Kind kind = Kind::need_input;
  Stage stage = Stage::body;
  Reason reason = Reason::none;
  std::uint32_t transaction = 0;  // as begin() numbered it
  std::uint32_t recipient = 0;    // index in the envelope
};

struct BodyForm {
  bool chunked = false;  // BDAT n LAST stands in output(): exactly n bytes follow, as they are.
                         // Otherwise: dot-stuffed, then kEndOfData
  std::uint64_t bytes = 0;
};
// After a stuffed body that ends in CRLF; one that does not gets CRLF first.
inline constexpr std::string_view kEndOfData = ".\r\n";

class ClientSession {
 public:
  // What the next reply answers: each has its own timeout (RFC 5321 section 4.5.3.2).
  enum class Expect : std::uint8_t {
    greeting,
    ehlo,
    helo,
    starttls,
    auth,
    rset,
    mail,
    rcpt,
    data,
    body,
    nothing_sent,
    noop,
    quit
  };

  explicit ClientSession(const ClientSettings& settings);  // `settings` outlives the session
  ClientSession(ClientSession&&) noexcept;
  ClientSession& operator=(ClientSession&&) noexcept;
  ~ClientSession();

  // Consumes reply bytes from the front of `input` until something happens.
  ClientEvent next(std::span<const std::byte>& input);
  std::string_view output() const { return {output_.data() + output_sent_, output_.size() - output_sent_}; }
  void output_sent(std::size_t bytes);
  // The last reply that an event spoke of, until the next call of next().
  const mail::Reply& reply() const { return reply_; }
  const Capabilities& capabilities() const { return capabilities_; }

  // ---- between transactions ----
  void start_tls();
  // The hand-shake is done; EHLO is said again, `ready` follows with new capabilities.
  void tls_started();
  // `credentials` must live until `authenticated` or `auth_refused`. SCRAM wants a nonce in `material`. A server that says yes
  // but cannot prove that it knows the password is left: `closed`.
  void authenticate(sasl::Mechanism mechanism, const sasl::Credentials& credentials,
                    const sasl::Material& material = {});
  // Asks whether the peer is still there: `ready` or `closed` follows.
  void noop();

  // ---- transactions ----
  // Why this peer cannot take that message (552 5.3.4 too large, 550 5.6.7 no SMTPUTF8, 554 5.6.1 no
  // BINARYMIME), or nullopt. Permanent, decided without asking the peer.
  std::optional<mail::Reply> unfit(const Outgoing& message) const;
  // Room for another transaction before the earlier ones are finished.
  bool can_begin() const;
  // Writes MAIL, RCPT ... as far as the peer's pipelining allows. Returns the transaction's number.
  // Requires can_begin() and !unfit(message).
  std::uint32_t begin(const Outgoing& message);
  BodyForm body_form() const;
  // The driver has sent the whole body (with kEndOfData if it was DATA). Between `send_body` and this call
  // next() may be called, to see replies to earlier transactions or a 421, but need not.
  void body_sent();
  std::size_t transactions_in_flight() const { return transactions_.size(); }

  // ---- end ----
  void quit();
  // The peer closed, or the connection failed: `closed` follows, after replies that `input` still holds.
  void lost_connection();
  bool closed() const { return phase_ == Phase::closed; }
  // nullopt: no reply is due.
  std::optional<Expect> awaited() const {
    return expected_.empty() ? std::nullopt : std::optional(expected_.front().what);
  }
  // The same in words: "EHLO", "MAIL", "end of data", "nothing": for logs.
  std::string_view waiting_for() const;
  std::size_t memory_used() const;

 private:
  enum class Phase : std::uint8_t { greeting, hello, ready, secret, in_tls, quitting, closed };
  struct Expected {
    Expect what;
    std::uint32_t count = 1;  // replies still to come of this kind
  };
  enum class BodyStep : std::uint8_t { waiting, wanted, sent };
  struct Transaction {
    Outgoing message;
    std::uint32_t number = 0;
    std::uint32_t written = 0;   // RCPTs written
    std::uint32_t answered = 0;  // RCPTs answered
    std::uint32_t accepted = 0;
    std::uint32_t finals = 0;  // replies to the body seen; LMTP has one for each accepted recipient
    bool mail_written = false;
    bool mail_answered = false;
    bool data_written = false;
    bool premature = false;  // the body was judged before it was sent: the stream is out of step
    BodyStep body = BodyStep::waiting;
    std::optional<ClientEvent::Stage> failed;  // where it went wrong, with the reply that said so
    mail::Reply failure;
    std::vector<std::uint32_t> accepted_recipients;  // LMTP only: whose final replies come, in this order
  };
  using Input = std::span<const std::byte>;
  using MaybeEvent = std::optional<ClientEvent>;

  // Reading replies: client_session.cpp
  bool take_reply(Input& input);
  bool feed_line(std::string_view line);
  MaybeEvent on_reply(Input& input);
  void expect(Expect what);
  void answered();
  ClientEvent event(ClientEvent::Kind kind) const;
  ClientEvent close(ClientEvent::Reason reason);
  ClientEvent break_off(std::string_view why);
  // Before the first transaction: client_hello.cpp
  MaybeEvent on_greeting();
  MaybeEvent on_ehlo();
  MaybeEvent on_helo();
  MaybeEvent on_starttls(Input& input);
  MaybeEvent on_auth();
  void say_hello(Expect verb);
  void send_secret(const std::optional<sasl::Secret>& message);
  // Transactions: client_mail.cpp (replies), client_writer.cpp (commands)
  MaybeEvent on_mail();
  MaybeEvent on_rcpt();
  MaybeEvent on_data();
  MaybeEvent on_body();
  MaybeEvent on_final_recipient(Transaction& transaction);
  MaybeEvent on_nothing_sent();
  Transaction& current();
  ClientEvent transaction_event(ClientEvent::Kind kind, const Transaction& transaction) const;
  MaybeEvent finish_when_done();
  bool is_done(const Transaction& transaction) const;
  ClientEvent finish(ClientEvent::Stage stage);  // reply_ is its reply
  ClientEvent finish_failed();
  void write_more();
  bool may_write() const;
  bool write_step(Transaction& transaction);
  void write_mail(const Transaction& transaction);
  void write_rcpt(Transaction& transaction);
  bool write_body_command(Transaction& transaction);
  bool must_reset() const;
  bool pipelines() const { return settings_->pipelining && capabilities_.pipelining; }
  bool chunks() const { return settings_->chunking && capabilities_.chunking; }
  bool eager(const Transaction& transaction) const;

  const ClientSettings* settings_;
  std::string output_;
  std::string line_;
  mail::ReplyParser parser_;
  mail::Reply reply_;
  Capabilities capabilities_;
  std::vector<Expected> expected_;         // in the order of the commands written
  std::vector<Transaction> transactions_;  // unfinished, in order; only the last may still be written
  std::unique_ptr<sasl::ClientExchange> exchange_;
  std::size_t output_sent_ = 0;
  std::uint32_t commands_in_flight_ = 0;
  std::uint32_t next_transaction_ = 0;
  Phase phase_ = Phase::greeting;
  ClientEvent::Reason reason_ = ClientEvent::Reason::none;
  bool needs_reset_ = false;  // a transaction may be open at the peer that we gave up
  bool body_announced_ = false;
  bool output_secret_ = false;  // output() holds a password: wiped once it is sent
  bool lost_ = false;
};

}  // namespace ringpost::smtp
