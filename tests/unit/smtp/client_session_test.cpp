// The client against scripted peers: old, rude, broken and hostile ones.
#include "ringpost/smtp/client_session.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/mail/base64.hpp"
#include "ringpost/scan/find.hpp"
#include "ringpost/smtp/transaction_result.hpp"

namespace ringpost::smtp::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = ClientEvent::Kind;
using Stage = ClientEvent::Stage;
using Reason = ClientEvent::Reason;
using namespace std::string_literals;

class Peer {
 public:
  explicit Peer(ClientSettings given = {.helo = "c.example"}) : settings(std::move(given)), client(settings) {
    to.set_reverse_path("ann@x.example");
    to.add_recipient({.address = "a@y.example"});
    to.add_recipient({.address = "b@y.example"});
  }

  ClientSettings settings;
  ClientSession client;
  mail::Envelope to;

  // The client hears `bytes`; the first event.
  ClientEvent hear(std::string_view bytes) {
    pending_ += bytes;
    std::span<const std::byte> input = scan::as_bytes(pending_);
    const ClientEvent event = client.next(input);
    pending_.erase(0, pending_.size() - input.size());
    return event;
  }
  ClientEvent next() { return hear(""); }
  std::string said() {
    std::string out(client.output());
    client.output_sent(out.size());
    return out;
  }
  // Up to `ready`, with these extensions.
  Peer& ready(std::string_view extensions) {
    hear("220 y\r\n");
    std::string reply = "250-y.example\r\n";
    while (!extensions.empty()) {
      const std::string_view word = extensions.substr(0, extensions.find(','));
      extensions.remove_prefix(std::min(extensions.size(), word.size() + 1));
      reply += "250-" + std::string(word) + "\r\n";
    }
    EXPECT_EQ(hear(reply + "250 OK\r\n").kind, Kind::ready);
    said();
    return *this;
  }
  std::uint32_t begin(std::uint64_t bytes = 5, BodyTiming timing = BodyTiming::after_recipients) {
    return client.begin({.envelope = &to, .body_bytes = bytes, .timing = timing});
  }

 private:
  std::string pending_;
};

TEST(ClientSession, says_ehlo_and_reads_what_is_offered) {
  Peer peer;
  EXPECT_EQ(peer.next().kind, Kind::need_input);
  EXPECT_EQ(peer.client.waiting_for(), "greeting");
  EXPECT_EQ(peer.hear("220-y.example\r\n220 ready\r\n").kind, Kind::need_input);
  EXPECT_EQ(peer.said(), "EHLO c.example\r\n");
  EXPECT_EQ(peer.client.waiting_for(), "EHLO");
  EXPECT_EQ(peer.hear("250-y.example greets\r\n250-size 1000\r\n250-AUTH PLAIN CRAM-MD5\r\n250-XFUNNY 1\r\n"
                      "250-AUTH=LOGIN\r\n250-8bitmime\r\n250 PIPELINING\r\n")
                .kind,
            Kind::ready);
  const Capabilities& offered = peer.client.capabilities();
  EXPECT_TRUE(offered.esmtp && offered.pipelining && offered.size && offered.eightbitmime && offered.auth);
  EXPECT_FALSE(offered.chunking || offered.starttls || offered.smtputf8 || offered.dsn || offered.binarymime);
  EXPECT_EQ(offered.size_max, 1000U);
  EXPECT_EQ(offered.mechanisms, sasl::MechanismSet::passwords());
}

TEST(ClientSession, falls_back_to_helo) {
  Peer peer;
  peer.hear("220 y\r\n");
  EXPECT_EQ(peer.said(), "EHLO c.example\r\n");
  EXPECT_EQ(peer.hear("502 What\r\n").kind, Kind::need_input);
  EXPECT_EQ(peer.said(), "HELO c.example\r\n");
  EXPECT_EQ(peer.hear("250 y\r\n").kind, Kind::ready);
  EXPECT_FALSE(peer.client.capabilities().esmtp);
}

TEST(ClientSession, does_not_fall_back_on_later_or_in_lmtp) {
  Peer later;
  later.hear("220 y\r\n");
  EXPECT_EQ(later.hear("450 later\r\n").kind, Kind::refused);
  Peer lmtp({.lmtp = true, .helo = "c"});
  lmtp.hear("220 y\r\n");
  EXPECT_EQ(lmtp.said(), "LHLO c\r\n");
  EXPECT_EQ(lmtp.hear("500 what\r\n").kind, Kind::refused);
}

TEST(ClientSession, tells_of_a_refusing_greeting) {
  Peer peer;
  EXPECT_EQ(peer.hear("554 5.7.1 go away\r\n").kind, Kind::refused);
  EXPECT_EQ(peer.client.reply().text, "go away");
  peer.client.quit();
  EXPECT_EQ(peer.said(), "QUIT\r\n");
  EXPECT_EQ(peer.hear("221 bye\r\n").reason, Reason::quit);
}

TEST(ClientSession, speaks_one_command_at_a_time_to_a_peer_without_pipelining) {
  Peer peer;
  peer.ready("8BITMIME");
  peer.begin();
  EXPECT_EQ(peer.said(), "MAIL FROM:<ann@x.example>\r\n");
  EXPECT_EQ(peer.hear("250 ok\r\n").kind, Kind::need_input);
  EXPECT_EQ(peer.said(), "RCPT TO:<a@y.example>\r\n");
  EXPECT_EQ(peer.hear("250 ok\r\n").kind, Kind::recipient);
  EXPECT_EQ(peer.said(), "RCPT TO:<b@y.example>\r\n");
  EXPECT_EQ(peer.hear("251 elsewhere\r\n").kind, Kind::recipient);
  EXPECT_EQ(peer.said(), "DATA\r\n");
  EXPECT_EQ(peer.client.waiting_for(), "DATA");
  EXPECT_EQ(peer.hear("354 go\r\n").kind, Kind::send_body);
  EXPECT_FALSE(peer.client.body_form().chunked);
  peer.client.body_sent();
  EXPECT_EQ(peer.client.waiting_for(), "end of data");
  const ClientEvent event = peer.hear("250 2.0.0 got it\r\n");
  EXPECT_EQ(event.kind, Kind::finished);
  EXPECT_EQ(event.stage, Stage::body);
  EXPECT_EQ(peer.client.reply().text, "got it");
}

TEST(ClientSession, sends_the_whole_group_to_a_pipelining_peer) {
  Peer peer;
  peer.ready("PIPELINING");
  peer.begin();
  EXPECT_EQ(peer.said(),
            "MAIL FROM:<ann@x.example>\r\nRCPT TO:<a@y.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\n");
}

TEST(ClientSession, puts_bdat_into_the_group_when_eager) {
  Peer peer;
  peer.ready("PIPELINING,CHUNKING");
  peer.begin(5, BodyTiming::with_envelope);
  EXPECT_EQ(peer.next().kind, Kind::send_body);
  EXPECT_TRUE(peer.client.body_form().chunked);
  EXPECT_EQ(peer.client.body_form().bytes, 5U);
  EXPECT_EQ(peer.said(),
            "MAIL FROM:<ann@x.example>\r\nRCPT TO:<a@y.example>\r\nRCPT TO:<b@y.example>\r\nBDAT 5 LAST\r\n");
  EXPECT_FALSE(peer.client.can_begin());
  peer.client.body_sent();
  EXPECT_TRUE(peer.client.can_begin());
}

TEST(ClientSession, ends_an_unwanted_354_with_an_empty_body) {
  Peer peer;
  peer.ready("PIPELINING");
  peer.begin();
  peer.said();
  EXPECT_EQ(peer.hear("250 ok\r\n550 no\r\n550 no\r\n354 go\r\n").kind, Kind::recipient);
  EXPECT_EQ(peer.next().kind, Kind::recipient);
  EXPECT_EQ(peer.next().kind, Kind::need_input);
  EXPECT_EQ(peer.said(), ".\r\n");
  const ClientEvent event = peer.hear("554 no recipients\r\n");
  EXPECT_EQ(event.kind, Kind::finished);
  EXPECT_EQ(event.stage, Stage::recipients);
  EXPECT_EQ(peer.client.transactions_in_flight(), 0U);
}

TEST(ClientSession, resets_only_when_a_transaction_was_left_open) {
  Peer peer;
  peer.ready("");
  peer.begin();
  for (const char* reply : {"250 ok\r\n", "550 no\r\n"}) peer.hear(reply);
  EXPECT_EQ(peer.hear("550 no\r\n").kind, Kind::recipient);
  EXPECT_EQ(peer.next().kind, Kind::finished);
  peer.said();
  peer.begin();
  EXPECT_EQ(peer.said(), "RSET\r\n");
  EXPECT_EQ(peer.hear("250 ok\r\n").kind, Kind::need_input);
  EXPECT_EQ(peer.said(), "MAIL FROM:<ann@x.example>\r\n");
  EXPECT_EQ(peer.hear("450 later\r\n").kind, Kind::finished);
  peer.begin();
  EXPECT_EQ(peer.said(), "MAIL FROM:<ann@x.example>\r\n");
}

TEST(ClientSession, says_nothing_of_recipients_behind_a_refused_mail) {
  Peer peer;
  peer.ready("PIPELINING");
  peer.begin();
  const ClientEvent event = peer.hear("550 5.7.1 no\r\n503 what\r\n503 what\r\n503 what\r\n");
  EXPECT_EQ(event.kind, Kind::finished);
  EXPECT_EQ(event.stage, Stage::mail);
  EXPECT_EQ(peer.client.reply().text, "no");
}

TEST(ClientSession, refuses_clear_bytes_behind_the_reply_to_starttls) {
  Peer peer;
  peer.ready("STARTTLS");
  peer.client.start_tls();
  EXPECT_EQ(peer.said(), "STARTTLS\r\n");
  const ClientEvent event = peer.hear("220 go\r\n250 injected\r\n");
  EXPECT_EQ(event.kind, Kind::closed);
  EXPECT_EQ(event.reason, Reason::protocol);
}

TEST(ClientSession, goes_on_in_clear_when_the_driver_wants_after_a_refused_starttls) {
  Peer peer;
  peer.ready("STARTTLS");
  peer.client.start_tls();
  EXPECT_EQ(peer.hear("454 4.7.0 not now\r\n").kind, Kind::tls_refused);
  EXPECT_TRUE(peer.client.can_begin());
}

TEST(ClientSession, cancels_an_authentication_that_asks_nonsense) {
  const sasl::Credentials credentials{"", "ann", sasl::Secret("secret")};
  Peer peer;
  peer.ready("AUTH PLAIN");
  peer.said();
  peer.client.authenticate(sasl::Mechanism::plain, credentials);
  EXPECT_EQ(peer.said(), "AUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
  EXPECT_EQ(peer.hear("334 !!!\r\n").kind, Kind::need_input);
  EXPECT_EQ(peer.said(), "*\r\n");
  EXPECT_EQ(peer.hear("501 5.7.0 cancelled\r\n").kind, Kind::auth_refused);
}

TEST(ClientSession, answers_login_in_turn) {
  const sasl::Credentials credentials{"", "ann", sasl::Secret("secret")};
  Peer peer;
  peer.ready("AUTH LOGIN");
  peer.client.authenticate(sasl::Mechanism::login, credentials);
  EXPECT_EQ(peer.said(), "AUTH LOGIN\r\n");
  peer.hear("334 VXNlcm5hbWU6\r\n");
  EXPECT_EQ(peer.said(), "YW5u\r\n");
  peer.hear("334 UGFzc3dvcmQ6\r\n");
  EXPECT_EQ(peer.said(), "c2VjcmV0\r\n");
  EXPECT_EQ(peer.hear("235 ok\r\n").kind, Kind::authenticated);
}

TEST(ClientSession, leaves_a_server_that_says_yes_without_its_proof) {
  const sasl::Credentials credentials{"", "ann", sasl::Secret("secret")};
  Peer peer;
  peer.ready("AUTH SCRAM-SHA-256");
  peer.said();
  peer.client.authenticate(sasl::Mechanism::scram_sha_256, credentials, {.nonce = "abc"});
  EXPECT_EQ(peer.said(), "AUTH SCRAM-SHA-256 " + mail::base64("n,,n=ann,r=abc") + "\r\n");
  peer.hear("334 " + mail::base64("r=abcdef,s=c2FsdA==,i=4096") + "\r\n");
  EXPECT_THAT(peer.said(), StartsWith(mail::base64("c=biws,r=abcdef,p=").substr(0, 20)));
  const ClientEvent event = peer.hear("235 2.7.0 fine\r\n");
  EXPECT_EQ(event.kind, Kind::closed);
  EXPECT_EQ(event.reason, Reason::protocol);
}

TEST(ClientSession, hangs_up_on_what_is_not_smtp) {
  for (const std::string& garbage :
       {"HTTP/1.1 400 Bad Request\r\n"s, "25\r\n"s, "999 x\r\n"s, "220-a\r\n221 b\r\n"s, "\r\n"s,
        "\0\0\0\0\n"s, std::string(kPeerReplyLineBytesMax + 1, '2')}) {
    Peer peer;
    const ClientEvent event = peer.hear(garbage);
    EXPECT_EQ(event.kind, Kind::closed);
    EXPECT_EQ(event.reason, Reason::protocol);
    EXPECT_THAT(peer.client.reply().text, StartsWith("Protocol error"));
    EXPECT_TRUE(peer.client.reply().temporary());
  }
}

TEST(ClientSession, takes_a_reply_line_of_exactly_the_limit) {
  Peer peer;
  std::string line = "220 ";
  line += std::string(kPeerReplyLineBytesMax - line.size() - 2, 'x');
  EXPECT_EQ(peer.hear(line + "\r\n").kind, Kind::need_input);
  EXPECT_EQ(peer.said(), "EHLO c.example\r\n");
}

TEST(ClientSession, hangs_up_on_a_reply_without_end) {
  Peer peer;
  ClientEvent event;
  for (int i = 0; i < 100000 && event.kind != Kind::closed; ++i) event = peer.hear("220-more\r\n");
  EXPECT_EQ(event.kind, Kind::closed);
  EXPECT_EQ(event.reason, Reason::protocol);
}

TEST(ClientSession, hangs_up_on_a_reply_that_nobody_asked_for) {
  Peer peer;
  peer.ready("");
  EXPECT_EQ(peer.hear("250 hello?\r\n").reason, Reason::protocol);
}

TEST(ClientSession, hangs_up_on_intermediate_replies_out_of_place) {
  Peer mail;
  mail.ready("");
  mail.begin();
  EXPECT_EQ(mail.hear("354 go\r\n").reason, Reason::protocol);
  Peer data;
  data.ready("PIPELINING");
  data.begin();
  data.hear("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n");
  data.next();
  EXPECT_EQ(data.next().reason, Reason::protocol);
}

TEST(ClientSession, knows_a_shutdown_between_transactions) {
  Peer peer;
  peer.ready("");
  const ClientEvent event = peer.hear("421 4.3.2 going down\r\n");
  EXPECT_EQ(event.kind, Kind::closed);
  EXPECT_EQ(event.reason, Reason::shutdown);
  EXPECT_EQ(peer.client.reply().text, "going down");
  EXPECT_FALSE(peer.client.can_begin());
}

TEST(ClientSession, knows_a_lost_connection_and_what_it_waited_for) {
  Peer peer;
  peer.ready("PIPELINING");
  peer.begin();
  peer.client.lost_connection();
  EXPECT_EQ(peer.hear("250 ok\r\n250 o").kind, Kind::closed);
  EXPECT_EQ(peer.next().reason, Reason::lost);
  EXPECT_EQ(peer.client.reply().text, "Connection lost, waiting for RCPT");
  EXPECT_EQ(peer.client.reply().status, (mail::EnhancedStatus{4, 4, 2}));
}

TEST(ClientSession, takes_a_close_behind_quit_for_goodbye) {
  Peer peer;
  peer.ready("");
  peer.client.quit();
  peer.client.lost_connection();
  EXPECT_EQ(peer.next().reason, Reason::quit);
}

TEST(ClientSession, gives_up_when_the_body_is_refused_before_its_end) {
  Peer peer;
  peer.ready("PIPELINING,CHUNKING");
  peer.begin();
  peer.hear("250 ok\r\n250 ok\r\n250 ok\r\n");
  peer.next();
  EXPECT_EQ(peer.next().kind, Kind::send_body);
  const ClientEvent event = peer.hear("552 5.3.4 too big\r\n");
  EXPECT_EQ(event.kind, Kind::finished);
  EXPECT_EQ(peer.client.reply().code, 552);
  EXPECT_EQ(peer.next().kind, Kind::closed);
}

TEST(ClientSession, does_not_believe_an_acceptance_before_the_end) {
  Peer peer;
  peer.ready("PIPELINING,CHUNKING");
  peer.begin(1000, BodyTiming::with_envelope);
  EXPECT_EQ(peer.next().kind, Kind::send_body);
  peer.hear("250 ok\r\n250 ok\r\n250 ok\r\n250 got it\r\n");
  peer.next();
  const ClientEvent event = peer.next();
  EXPECT_EQ(event.kind, Kind::closed);
  EXPECT_EQ(event.reason, Reason::protocol);
}

TEST(ClientSession, accepts_replies_that_end_in_lf) {
  Peer peer;
  EXPECT_EQ(peer.hear("220 y\n").kind, Kind::need_input);
  EXPECT_EQ(peer.hear("250-y\n250 PIPELINING\n").kind, Kind::ready);
  EXPECT_TRUE(peer.client.capabilities().pipelining);
}

TEST(ClientSession, holds_little_memory_between_messages) {
  Peer peer;
  peer.ready("PIPELINING,CHUNKING,SIZE 1000000,8BITMIME,DSN");
  for (int i = 0; i < 3; ++i) {
    peer.begin();
    peer.said();
    peer.hear("250 ok\r\n250 ok\r\n250 ok\r\n");
    peer.next();
    EXPECT_EQ(peer.next().kind, Kind::send_body);
    peer.said();
    peer.client.body_sent();
    EXPECT_EQ(peer.hear("250 ok\r\n").kind, Kind::finished);
  }
  EXPECT_LT(peer.client.memory_used(), 2048U);
}

TEST(ClientSession, random_replies_never_break_it) {
  std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): the same run each time
  const std::vector<std::string> words{
      "250 ok\r\n",    "250-more\r\n",       "354 go\r\n", "550 5.1.1 no\r\n",
      "450 later\r\n", "421 bye\r\n",        "220 y\r\n",  "x",
      "\r\n",          "250 PIPELINING\r\n", "334 \r\n",   "503 what\r\n"};
  std::size_t finished = 0;
  for (int round = 0; round < 3000; ++round) {
    Peer peer({.lmtp = round % 3 == 0, .helo = "c"});
    peer.ready(round % 2 == 0 ? "PIPELINING,CHUNKING" : round % 5 == 0 ? "PIPELINING" : "");
    for (int i = 0; i < 40 && !peer.client.closed(); ++i) {
      if (peer.client.can_begin()) {
        peer.begin(5, random() % 2 == 0 ? BodyTiming::with_envelope : BodyTiming::after_recipients);
      }
      const ClientEvent event =
          peer.hear(random() % 4 == 0 ? words[random() % words.size()] : words[random() % 4 == 0 ? 2 : 0]);
      if (event.kind == Kind::send_body) peer.client.body_sent();
      finished += event.kind == Kind::finished ? 1 : 0;
      peer.said();
    }
    EXPECT_LT(peer.client.memory_used(), 16384U);
  }
  EXPECT_GT(finished, 100U);
}

}  // namespace
}  // namespace ringpost::smtp::testing
