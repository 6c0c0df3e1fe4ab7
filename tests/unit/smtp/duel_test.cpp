// Our client against our server, in memory: every stage, every failure, every dialect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/scan/dot_stuffer.hpp"
#include "ringpost/smtp/client_session.hpp"
#include "ringpost/smtp/transaction_result.hpp"

#include "unit/smtp/server_driver.hpp"

namespace ringpost::smtp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = ClientEvent::Kind;
using Stage = ClientEvent::Stage;
using Reason = ClientEvent::Reason;

mail::Envelope envelope(std::string_view from, std::initializer_list<std::string_view> to) {
  mail::Envelope made;
  made.set_reverse_path(from);
  for (std::string_view address : to) made.add_recipient({.address = address});
  return made;
}

std::string stuffed(std::string_view body) {
  scan::DotStuffer stuffer;
  std::string out;
  std::array<scan::DotStuffer::Piece, 4> pieces;
  std::span<const std::byte> rest = scan::as_bytes(body);
  while (!rest.empty()) {
    const scan::DotStuffer::Step step = stuffer.scan(rest, pieces);
    for (std::size_t i = 0; i < step.pieces; ++i) out += scan::as_text(pieces[i]);
    rest = rest.subspan(step.consumed);
  }
  out += scan::as_text(stuffer.finish());
  return out;
}

// The two, and a wire that counts how often the client had to wait.
class Duel {
 public:
  explicit Duel(ServerSettings server_settings = {}, ClientSettings client_settings = {})
      : server(std::move(server_settings)), settings(std::move(client_settings)), client(settings) {}

  TestServer server;
  ClientSettings settings;
  ClientSession client;
  std::string body = "Subject: x\r\n\r\n.dot\r\nend\r\n";
  std::size_t round_trips = 0;
  std::size_t piece = std::string::npos;  // how many reply bytes the client gets at a time
  std::string sent;                       // all that the client said

  ClientEvent connect() {
    server.session.greet();
    inbox_ += server.session.output();
    server.session.output_sent(server.session.output().size());
    return next();
  }

  // The next event but need_input.
  ClientEvent next() {
    for (int turn = 0; turn < 10000; ++turn) {
      const std::string_view some = std::string_view(inbox_).substr(0, std::min(piece, inbox_.size()));
      std::span<const std::byte> input = scan::as_bytes(some);
      const ClientEvent event = client.next(input);
      inbox_.erase(0, some.size() - input.size());
      if (event.kind == Kind::send_body) send_body();
      if (event.kind != Kind::need_input && event.kind != Kind::send_body) return event;
      if (event.kind == Kind::need_input && inbox_.empty()) exchange();
    }
    ADD_FAILURE() << "the two talk for ever";
    return {};
  }

  TransactionResult deliver(const mail::Envelope& to, BodyTiming timing = BodyTiming::after_recipients) {
    TransactionResult result;
    client.begin({.envelope = &to, .body_bytes = body.size(), .timing = timing});
    while (!result.finished()) result.note(next(), client.reply());
    return result;
  }

  // Takes events of a transaction that has begun until it is over.
  TransactionResult await(std::uint32_t transaction) {
    TransactionResult result;
    while (!result.finished()) {
      const ClientEvent event = next();
      EXPECT_EQ(event.transaction, transaction);
      result.note(event, client.reply());
    }
    return result;
  }

  // Sends a body that the client wants now, without waiting for anything.
  void send_wanted() {
    std::span<const std::byte> none;
    ASSERT_EQ(client.next(none).kind, Kind::send_body);
    send_body();
  }

 private:
  void send_body() {
    const BodyForm form = client.body_form();
    outbox_ += client.output();
    client.output_sent(client.output().size());
    outbox_ += form.chunked ? body : stuffed(body);
    if (form.chunked) EXPECT_EQ(form.bytes, body.size());
    client.body_sent();
  }

  void exchange() {
    outbox_ += client.output();
    client.output_sent(client.output().size());
    ASSERT_FALSE(outbox_.empty() && server.ended()) << "both wait";
    sent += outbox_;
    ++round_trips;
    const bool alive = !server.ended();
    if (alive) inbox_ += server.say(std::exchange(outbox_, {}));
    if (!alive || (server.ended() && inbox_.empty())) client.lost_connection();
  }

  std::string inbox_;   // for the client
  std::string outbox_;  // for the server
};

TEST(Duel, a_message_travels_by_bdat_and_by_data) {
  for (bool chunking : {true, false}) {
    for (bool pipelining : {true, false}) {
      Duel duel({}, {.pipelining = pipelining, .chunking = chunking});
      ASSERT_EQ(duel.connect().kind, Kind::ready);
      const mail::Envelope to = envelope("ann@x.example", {"bob@y.example", "eve@y.example"});
      const TransactionResult result = duel.deliver(to);
      EXPECT_EQ(result.stage(), Stage::body);
      EXPECT_EQ(result.of(0).text, "Ok: queued as Q1");
      EXPECT_EQ(result.of(1).status, (mail::EnhancedStatus{2, 0, 0}));
      EXPECT_THAT(duel.server.mails,
                  ElementsAre(ReceivedMail{"ann@x.example", {"bob@y.example", "eve@y.example"}, duel.body}));
      duel.client.quit();
      const ClientEvent end = duel.next();
      EXPECT_EQ(end.kind, Kind::closed);
      EXPECT_EQ(end.reason, Reason::quit);
      EXPECT_EQ(duel.sent.find("DATA") == std::string::npos, chunking);
    }
  }
}

TEST(Duel, eager_bdat_needs_one_round_trip_for_a_message) {
  Duel duel;
  ASSERT_EQ(duel.connect().kind, Kind::ready);
  const mail::Envelope to = envelope("ann@x.example", {"bob@y.example"});
  const std::size_t before = duel.round_trips;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(duel.deliver(to, BodyTiming::with_envelope).overall().completed());
  EXPECT_EQ(duel.round_trips - before, 10U);
  EXPECT_EQ(duel.sent.find("RSET"), std::string::npos);
}

TEST(Duel, eager_transactions_share_a_round_trip) {
  Duel duel;
  ASSERT_EQ(duel.connect().kind, Kind::ready);
  const mail::Envelope to = envelope("ann@x.example", {"bob@y.example"});
  const std::size_t before = duel.round_trips;
  std::vector<std::uint32_t> numbers;
  while (duel.client.can_begin()) {
    numbers.push_back(duel.client.begin(
        {.envelope = &to, .body_bytes = duel.body.size(), .timing = BodyTiming::with_envelope}));
    duel.send_wanted();
  }
  EXPECT_EQ(numbers.size(), kTransactionsInFlightMax);
  for (std::uint32_t number : numbers) EXPECT_TRUE(duel.await(number).overall().completed());
  EXPECT_EQ(duel.round_trips - before, 1U);
  EXPECT_EQ(duel.server.mails.size(), kTransactionsInFlightMax);
}

TEST(Duel, a_failed_transaction_does_not_spoil_the_one_behind_it) {
  Duel duel;
  ASSERT_EQ(duel.connect().kind, Kind::ready);
  const mail::Envelope good = envelope("ann@x.example", {"bob@y.example"});
  for (const mail::Envelope& bad :
       {envelope("bad@x.example", {"bob@y.example"}), envelope("ann@x.example", {"bad@y.example"}),
        envelope("ann@x.example", {"bad@y.example", "bad@y.example"})}) {
    const auto body_bytes = duel.body.size();
    const auto first =
        duel.client.begin({.envelope = &bad, .body_bytes = body_bytes, .timing = BodyTiming::with_envelope});
    duel.send_wanted();
    const auto second =
        duel.client.begin({.envelope = &good, .body_bytes = body_bytes, .timing = BodyTiming::with_envelope});
    duel.send_wanted();
    const TransactionResult failed = duel.await(first);
    EXPECT_EQ(failed.of(0).code, 550);
    EXPECT_TRUE(duel.await(second).of(0).completed());
  }
  EXPECT_EQ(duel.server.mails.size(), 3U);
}

TEST(Duel, each_recipient_has_its_reply) {
  for (bool pipelining : {true, false}) {
    for (BodyTiming timing : {BodyTiming::after_recipients, BodyTiming::with_envelope}) {
      Duel duel({}, {.pipelining = pipelining});
      ASSERT_EQ(duel.connect().kind, Kind::ready);
      const mail::Envelope to =
          envelope("", {"a@y.example", "bad@y.example", "later@y.example", "c@y.example"});
      const TransactionResult result = duel.deliver(to, timing);
      EXPECT_EQ(result.of(0).code, 250);
      EXPECT_EQ(result.of(1).code, 550);
      EXPECT_EQ(result.of(2).code, 450);
      EXPECT_EQ(result.of(3).code, 250);
      EXPECT_EQ(result.own().size(), 2U);
    }
  }
}

TEST(Duel, only_the_named_recipients_are_sent) {
  Duel duel;
  ASSERT_EQ(duel.connect().kind, Kind::ready);
  const mail::Envelope to = envelope("", {"a@y.example", "b@y.example", "bad@y.example", "d@y.example"});
  const std::array<std::uint32_t, 2> some{2, 3};
  duel.client.begin({.envelope = &to, .recipients = some, .body_bytes = duel.body.size()});
  const TransactionResult result = duel.await(0);
  EXPECT_EQ(result.of(2).code, 550);
  EXPECT_EQ(result.of(3).code, 250);
  EXPECT_THAT(duel.server.mails.at(0).to, ElementsAre("d@y.example"));
}

TEST(Duel, failure_at_each_stage_is_told_and_the_next_message_passes) {
  struct Case {
    const char* name;
    mail::Envelope to;
    std::optional<mail::Reply> data, message;
    Stage stage;
    int code;
  };
  const std::vector<Case> cases{
      {"mail", envelope("bad@x.example", {"a@y.example"}), {}, {}, Stage::mail, 550},
      {"recipients", envelope("", {"bad@y.example", "later@y.example"}), {}, {}, Stage::recipients, 550},
      {"data", envelope("", {"a@y.example"}), mail::Reply{452, {4, 3, 1}, "Full"}, {}, Stage::body, 452},
      {"message", envelope("", {"a@y.example"}), {}, mail::Reply{554, {5, 7, 1}, "Spam"}, Stage::body, 554},
  };
  for (const Case& c : cases) {
    for (bool pipelining : {true, false}) {
      for (bool chunking : {true, false}) {
        for (BodyTiming timing : {BodyTiming::after_recipients, BodyTiming::with_envelope}) {
          SCOPED_TRACE(std::string(c.name) + (pipelining ? " pipelining" : "") +
                       (chunking ? " chunking" : "") + (timing == BodyTiming::with_envelope ? " eager" : ""));
          Duel duel({}, {.pipelining = pipelining, .chunking = chunking});
          ASSERT_EQ(duel.connect().kind, Kind::ready);
          duel.server.refuse_data = c.data;
          duel.server.refuse_message = c.message;
          const TransactionResult result = duel.deliver(c.to, timing);
          EXPECT_EQ(result.of(0).code, c.code);
          const bool refused_data = c.data.has_value() && !chunking;
          EXPECT_EQ(result.stage(), refused_data ? Stage::data : c.stage);
          EXPECT_TRUE(duel.server.mails.empty());
          duel.server.refuse_data.reset();
          duel.server.refuse_message.reset();
          const mail::Envelope good = envelope("", {"a@y.example"});
          EXPECT_TRUE(duel.deliver(good, timing).of(0).completed());
          EXPECT_EQ(duel.server.mails.size(), 1U);
        }
      }
    }
  }
}

TEST(Duel, lmtp_tells_the_fate_of_each_recipient) {
  for (bool chunking : {true, false}) {
    Duel duel({.dialect = Dialect::lmtp}, {.lmtp = true, .chunking = chunking});
    ASSERT_EQ(duel.connect().kind, Kind::ready);
    const mail::Envelope to = envelope("", {"a@y.example", "bad@y.example", "full@y.example", "d@y.example"});
    for (int i = 0; i < 2; ++i) {
      const TransactionResult result = duel.deliver(to);
      EXPECT_EQ(result.of(0).code, 250);
      EXPECT_EQ(result.of(1).code, 550);
      EXPECT_EQ(result.of(2).code, 452);
      EXPECT_EQ(result.of(3).code, 250);
    }
    EXPECT_EQ(duel.server.mails.size(), 2U);
    const mail::Envelope nobody = envelope("", {"bad@y.example"});
    EXPECT_EQ(duel.deliver(nobody, BodyTiming::with_envelope).of(0).code, 550);
    EXPECT_EQ(duel.deliver(to, BodyTiming::with_envelope).of(3).code, 250);
  }
}

TEST(Duel, tls_and_auth_come_before_submission) {
  for (const sasl::Mechanism mechanism : {sasl::Mechanism::plain, sasl::Mechanism::login}) {
    Duel duel({.dialect = Dialect::submission,
               .tls = TlsOffer::required,
               .mechanisms = sasl::MechanismSet::passwords()});
    ASSERT_EQ(duel.connect().kind, Kind::ready);
    EXPECT_TRUE(duel.client.capabilities().starttls);
    EXPECT_FALSE(duel.client.capabilities().auth);
    duel.client.start_tls();
    ASSERT_EQ(duel.next().kind, Kind::tls_ready);
    duel.client.tls_started();
    ASSERT_EQ(duel.next().kind, Kind::ready);
    EXPECT_FALSE(duel.client.capabilities().starttls);
    EXPECT_TRUE(duel.client.capabilities().mechanisms.has(mechanism));
    const sasl::Credentials wrong{"", "ann", sasl::Secret("wrong")};
    duel.client.authenticate(mechanism, wrong);
    ASSERT_EQ(duel.next().kind, Kind::auth_refused);
    EXPECT_EQ(duel.client.reply().code, 535);
    const mail::Envelope to = envelope("", {"a@y.example"});
    EXPECT_EQ(duel.deliver(to).of(0).code, 530);
    const sasl::Credentials right{"", "ann", sasl::Secret("secret")};
    duel.client.authenticate(mechanism, right);
    ASSERT_EQ(duel.next().kind, Kind::authenticated);
    EXPECT_TRUE(duel.deliver(to).of(0).completed());
    EXPECT_TRUE(duel.server.saw("auth ann secret"));
  }
}

TEST(Duel, scram_proves_the_password_to_both_ends_and_never_sends_it) {
  for (const sasl::Mechanism mechanism :
       {sasl::Mechanism::scram_sha_256, sasl::Mechanism::scram_sha_256_plus}) {
    const bool plus = mechanism == sasl::Mechanism::scram_sha_256_plus;
    Duel duel({.dialect = Dialect::submission, .mechanisms = {mechanism}, .auth_needs_tls = false});
    duel.server.channel_binding = plus ? "the channel" : "";
    ASSERT_EQ(duel.connect().kind, Kind::ready);
    EXPECT_TRUE(duel.client.capabilities().mechanisms.has(mechanism));
    const sasl::Material material{.nonce = "client", .channel_binding = plus ? "the channel" : ""};
    const sasl::Credentials wrong{"", "ann", sasl::Secret("wrong")};
    duel.client.authenticate(mechanism, wrong, material);
    ASSERT_EQ(duel.next().kind, Kind::auth_refused);
    EXPECT_EQ(duel.client.reply().code, 535);
    const sasl::Credentials right{"", "ann", sasl::Secret("secret")};
    if (plus) {
      // Somebody in the middle has a TLS connection with each end, and so a binding with each.
      duel.client.authenticate(mechanism, right, {.nonce = "client", .channel_binding = "another"});
      ASSERT_EQ(duel.next().kind, Kind::auth_refused);
    }
    duel.client.authenticate(mechanism, right, material);
    ASSERT_EQ(duel.next().kind, Kind::authenticated);
    EXPECT_TRUE(duel.server.session.authenticated());
    EXPECT_EQ(duel.server.session.login(), "ann");
    EXPECT_TRUE(duel.server.saw("auth ann by proof"));
    EXPECT_EQ(duel.sent.find("secret"), std::string::npos);
    EXPECT_TRUE(duel.deliver(envelope("", {"a@y.example"})).of(0).completed());
  }
}

TEST(Duel, parameters_pass_on_what_the_peer_offers) {
  mail::Envelope to;
  to.set_reverse_path("ann@x.example");
  to.body = mail::BodyKind::eight_bit_mime;
  to.dsn_return = mail::DsnReturn::full;
  to.set_envid("QQ+2B1");
  to.add_recipient({"b@y.example", {mail::Notify::kNever}, "rfc822;B@y.example"});
  {
    Duel duel;
    duel.connect();
    EXPECT_TRUE(duel.deliver(to).of(0).completed());
    EXPECT_THAT(duel.sent,
                HasSubstr("MAIL FROM:<ann@x.example> SIZE=25 BODY=8BITMIME RET=FULL ENVID=QQ+2B1\r\n"));
    EXPECT_THAT(duel.sent, HasSubstr("RCPT TO:<b@y.example> NOTIFY=NEVER ORCPT=rfc822;B@y.example\r\n"));
  }
  Duel plain({.dsn = false});
  plain.connect();
  EXPECT_TRUE(plain.deliver(to).of(0).completed());
  EXPECT_THAT(plain.sent,
              HasSubstr("MAIL FROM:<ann@x.example> SIZE=25 BODY=8BITMIME\r\nRCPT TO:<b@y.example>\r\n"));
}

TEST(Duel, what_the_peer_cannot_take_is_known_without_asking) {
  Duel duel({.message_size_max = 100_B, .smtputf8 = false, .chunking = false});
  duel.connect();
  mail::Envelope to = envelope("", {"a@y.example"});
  EXPECT_EQ(duel.client.unfit({.envelope = &to, .body_bytes = 100}), std::nullopt);
  EXPECT_EQ(duel.client.unfit({.envelope = &to, .body_bytes = 101})->code, 552);
  to.smtputf8 = true;
  EXPECT_EQ(duel.client.unfit({.envelope = &to})->status, (mail::EnhancedStatus{5, 6, 7}));
  to.smtputf8 = false;
  to.body = mail::BodyKind::binary_mime;
  EXPECT_EQ(duel.client.unfit({.envelope = &to})->status, (mail::EnhancedStatus{5, 6, 1}));
  const mail::Envelope evil = envelope("", {"a@y.example>\r\nRCPT TO:<b@y.example"});
  EXPECT_EQ(duel.client.unfit({.envelope = &evil})->code, 553);
}

TEST(Duel, smtputf8_and_binary_travel) {
  Duel duel;
  duel.connect();
  mail::Envelope to;
  to.smtputf8 = true;
  to.body = mail::BodyKind::binary_mime;
  to.set_reverse_path("\xc3\xa4@x.example");
  to.add_recipient({.address = "\xc3\xb6@y.example"});
  duel.body = std::string("a\nb\0c", 5);
  ASSERT_EQ(duel.client.unfit({.envelope = &to, .body_bytes = 5}), std::nullopt);
  EXPECT_TRUE(duel.deliver(to).of(0).completed());
  EXPECT_EQ(duel.server.mails.at(0).body, duel.body);
}

TEST(Duel, a_421_ends_it_anywhere) {
  const mail::Envelope at_mail = envelope("close@x.example", {"a@y.example"});
  const mail::Envelope at_rcpt = envelope("", {"a@y.example", "close@y.example", "c@y.example"});
  for (const mail::Envelope* to : {&at_mail, &at_rcpt}) {
    for (BodyTiming timing : {BodyTiming::after_recipients, BodyTiming::with_envelope}) {
      Duel duel;
      duel.connect();
      const TransactionResult result = duel.deliver(*to, timing);
      EXPECT_EQ(result.of(0).code, 421);
      EXPECT_TRUE(duel.client.closed());
      EXPECT_EQ(duel.next().reason, Reason::shutdown);
    }
  }
}

TEST(Duel, many_recipients_keep_the_window) {
  Duel duel({.recipients_max = 5000});
  duel.connect();
  mail::Envelope to;
  to.set_reverse_path("");
  for (int i = 0; i < 3000; ++i) to.add_recipient({.address = "user" + std::to_string(i) + "@y.example"});
  const std::size_t before = duel.round_trips;
  EXPECT_TRUE(duel.deliver(to).of(2999).completed());
  EXPECT_EQ(duel.server.mails.at(0).to.size(), 3000U);
  EXPECT_GE(duel.round_trips - before, 3000 / kPipelinedCommandsMax);
}

TEST(Duel, replies_may_come_in_any_pieces) {
  for (std::size_t piece : {1U, 2U, 3U, 7U, 50U}) {
    Duel duel({.dialect = Dialect::lmtp}, {.lmtp = true});
    duel.piece = piece;
    ASSERT_EQ(duel.connect().kind, Kind::ready);
    EXPECT_TRUE(duel.client.capabilities().chunking);
    const mail::Envelope to = envelope("", {"a@y.example", "bad@y.example", "full@y.example"});
    const TransactionResult result = duel.deliver(to);
    EXPECT_EQ(result.of(0).code, 250);
    EXPECT_EQ(result.of(1).code, 550);
    EXPECT_EQ(result.of(2).code, 452);
  }
}

TEST(Duel, noop_asks_whether_the_peer_is_there) {
  Duel duel;
  duel.connect();
  duel.client.noop();
  EXPECT_EQ(duel.next().kind, Kind::ready);
}

TEST(Duel, every_body_arrives_as_it_was) {
  for (const char* body :
       {"", "\r\n", ".\r\n", ".", "..\r\n.\r\n..", "a", "a\r\n.", "no end", "a\r\n\r\n.\r\n\r\n"}) {
    for (bool chunking : {true, false}) {
      Duel duel({}, {.chunking = chunking});
      duel.connect();
      duel.body = body;
      const mail::Envelope to = envelope("", {"a@y.example"});
      EXPECT_TRUE(duel.deliver(to).of(0).completed());
      std::string expected = body;
      // DATA cannot carry a message without a line end.
      if (!chunking && !expected.empty() && !expected.ends_with("\r\n")) expected += "\r\n";
      EXPECT_EQ(duel.server.mails.at(0).body, expected);
    }
  }
}

}  // namespace
}  // namespace ringpost::smtp::testing
