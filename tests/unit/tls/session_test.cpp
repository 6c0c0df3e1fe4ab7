#include "ringpost/tls/session.hpp"

#include <thread>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "ringpost/tls/limits.hpp"

#include "duel.hpp"

namespace ringpost::tls {
namespace {

// A client straight on OpenSSL: it speaks old versions and renegotiates, which ours does not.
class RawClient {
 public:
  explicit RawClient(int version_max) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_max_proto_version(context_, version_max);
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ERR_clear_error();
  }

  // Carries bytes until the handshake is done or one side has failed.
  void shake(Side& server) {
    for (int turn = 0; turn < 10 && !server.error; ++turn) {
      SSL_do_handshake(ssl_);
      carry(server);
    }
  }
  void carry(Side& server, const Split& split = whole()) {
    std::array<std::byte, 65536> buffer;
    const int count = BIO_read(SSL_get_wbio(ssl_), buffer.data(), buffer.size());
    if (count > 0) feed(server, std::span(buffer).first(static_cast<std::size_t>(count)), split);
    const auto back = take_output(server.session);
    if (!back.empty()) BIO_write(SSL_get_rbio(ssl_), back.data(), static_cast<int>(back.size()));
  }
  SSL* ssl() { return ssl_; }

 private:
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
};

class AnySplit : public testing::TestWithParam<int> {
 protected:
  Split split() const {
    if (GetParam() == 0) return whole();
    if (GetParam() == 1) return byte_by_byte();
    return random_pieces(static_cast<unsigned>(GetParam()));
  }
  std::unique_ptr<ClientContext> client = make_client();
};
INSTANTIATE_TEST_SUITE_P(Splits, AnySplit, testing::Range(0, 6));

TEST_P(AnySplit, talks_tls_1_3_both_ways) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  Duel duel = settled(*server, *client, {.server_name = "MX.example.com"}, split());
  ASSERT_TRUE(duel.done());
  const std::string up = letters(100'000, 1);
  const std::string down = letters(100'000, 2);
  send(duel, duel.client, up);
  send(duel, duel.server, down);
  EXPECT_TRUE(duel.server.received == up);
  EXPECT_TRUE(duel.client.received == down);
  for (const Side* side : {&duel.client, &duel.server}) {
    EXPECT_EQ(side->session.facts().version, Version::tls_1_3);
    EXPECT_EQ(side->session.facts().cipher, "TLS_AES_256_GCM_SHA384");
    EXPECT_EQ(side->session.facts().cipher_bits, 256);
    EXPECT_EQ(side->session.facts().sni, "mx.example.com");
    EXPECT_FALSE(side->session.facts().resumed);
  }
}

TEST_P(AnySplit, talks_tls_1_2_both_ways) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  Side side{*server->new_session()};
  RawClient raw(TLS1_2_VERSION);
  for (int turn = 0; turn < 5; ++turn) {
    SSL_do_handshake(raw.ssl());
    raw.carry(side, split());
  }
  ASSERT_TRUE(side.session.handshake_done());
  EXPECT_EQ(side.session.facts().version, Version::tls_1_2);
  const std::string up = letters(30'000);
  SSL_write(raw.ssl(), up.data(), static_cast<int>(up.size()));
  raw.carry(side, split());
  EXPECT_TRUE(side.received == up);
  ASSERT_TRUE(side.session.write(bytes_of("250 2.0.0 Ok\r\n")));
  raw.carry(side);
  std::array<char, 64> down{};
  ASSERT_EQ(SSL_read(raw.ssl(), down.data(), down.size()), 14);
  EXPECT_STREQ(down.data(), "250 2.0.0 Ok\r\n");
}

class Talking : public testing::Test {
 protected:
  std::shared_ptr<const ServerContext> server = make_server({.main = make_identity("mx.example.com")});
  std::unique_ptr<ClientContext> client = make_client();
  Duel duel = settled(*server, *client);
};

TEST_F(Talking, carries_several_mebibytes_both_ways_at_once) {
  const std::string up = letters(5 << 20, 3);
  const std::string down = letters(5 << 20, 4);
  std::size_t sent_up = 0;
  std::size_t sent_down = 0;
  while (sent_up < up.size() || sent_down < down.size()) {
    sent_up += *duel.client.session.write(bytes_of(std::string_view(up).substr(sent_up, 70'000)));
    sent_down += *duel.server.session.write(bytes_of(std::string_view(down).substr(sent_down, 90'000)));
    duel.settle();
  }
  EXPECT_TRUE(duel.server.received == up);
  EXPECT_TRUE(duel.client.received == down);
}

TEST_F(Talking, gathers_small_writes_in_one_record) {
  for (const char* line : {"250-mx\r\n", "250-SIZE\r\n", "250 HELP\r\n"})
    ASSERT_EQ(duel.server.session.write(bytes_of(line)), std::string_view(line).size());
  const auto record = take_output(duel.server.session);
  ASSERT_GT(record.size(), 5U);
  const auto length = std::to_integer<std::size_t>(record[3]) << 8 | std::to_integer<std::size_t>(record[4]);
  EXPECT_EQ(record.size(), 5 + length);
  feed(duel.client, record, whole());
  EXPECT_EQ(duel.client.received, "250-mx\r\n250-SIZE\r\n250 HELP\r\n");
}

TEST_F(Talking, takes_writes_until_the_output_is_full_and_again_when_it_drains) {
  const std::string text(kOutputBytesMax + 1, 'x');
  EXPECT_EQ(duel.server.session.write(bytes_of(text).first(kOutputBytesMax - 20'000)),
            kOutputBytesMax - 20'000);
  // The records' own bytes count too, so somewhat less than 20,000 are left.
  const auto rest = duel.server.session.write(bytes_of(text).first(20'001));
  ASSERT_TRUE(rest);
  EXPECT_GT(*rest, 18'000U);
  EXPECT_LT(*rest, 20'000U);
  EXPECT_EQ(duel.server.session.write(bytes_of("more")), 0U);
  EXPECT_LE(duel.server.session.pending_output().size(), kOutputBytesMax + 64);
  duel.settle();
  EXPECT_EQ(duel.server.session.write(bytes_of("more")), 4U);
  duel.settle();
  EXPECT_EQ(duel.client.received.size(), kOutputBytesMax - 20'000 + *rest + 4);
}

TEST_F(Talking, gives_plaintext_in_whatever_room_there_is) {
  ASSERT_TRUE(duel.server.session.write(bytes_of("0123456789")));
  const auto record = take_output(duel.server.session);
  std::array<std::byte, 4> room{};
  auto progress = duel.client.session.receive(record, room);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->consumed, record.size());
  EXPECT_EQ(progress->produced, 4U);
  EXPECT_TRUE(duel.client.session.has_plaintext());
  progress = duel.client.session.receive({}, room);
  EXPECT_EQ(progress->produced, 4U);
  progress = duel.client.session.receive({}, room);
  EXPECT_EQ(progress->produced, 2U);
  EXPECT_FALSE(duel.client.session.has_plaintext());
}

TEST_F(Talking, leaves_records_that_it_has_no_room_for) {
  ASSERT_TRUE(duel.server.session.write(bytes_of("first")));
  auto records = take_output(duel.server.session);
  const std::size_t first = records.size();
  ASSERT_TRUE(duel.server.session.write(bytes_of("second")));
  const auto second = take_output(duel.server.session);
  records.insert(records.end(), second.begin(), second.end());
  std::array<std::byte, 5> room{};
  const auto progress = duel.client.session.receive(records, room);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->consumed, first);
  EXPECT_EQ(progress->produced, 5U);
}

TEST_F(Talking, partly_consumed_output_stays_in_order) {
  const std::string text = letters(60'000);
  ASSERT_EQ(duel.server.session.write(bytes_of(text)), text.size());
  std::size_t step = 1;
  while (!duel.server.session.pending_output().empty()) {
    const auto pending = duel.server.session.pending_output();
    const std::vector<std::byte> part(pending.begin(),
                                      pending.begin() + static_cast<long>(std::min(step, pending.size())));
    duel.server.session.consume_output(part.size());
    feed(duel.client, part, whole());
    if (step < 40'000 && duel.client.received.size() < 30'000)
      ASSERT_TRUE(duel.server.session.write(bytes_of("+")));
    step = step * 3 + 1;
  }
  EXPECT_TRUE(duel.client.received.starts_with(text));
  EXPECT_EQ(duel.client.received.find_first_not_of('+', text.size()), std::string::npos);
}

TEST_F(Talking, says_and_hears_close_notify) {
  ASSERT_TRUE(duel.server.session.write(bytes_of("221 bye\r\n")));
  duel.server.session.close_notify();
  duel.settle();
  EXPECT_EQ(duel.client.received, "221 bye\r\n");
  EXPECT_TRUE(duel.client.session.peer_closed());
  EXPECT_TRUE(duel.client.session.end_of_input());
  EXPECT_FALSE(duel.server.session.peer_closed());
  EXPECT_FALSE(duel.server.session.write(bytes_of("more")));
  EXPECT_TRUE(duel.client.session.write(bytes_of("one way is still open")));
  duel.settle();
  EXPECT_EQ(duel.server.received, "one way is still open");
}

TEST_F(Talking, ignores_what_follows_close_notify) {
  duel.server.session.close_notify();
  auto bytes = take_output(duel.server.session);
  bytes.resize(bytes.size() + 100);
  feed(duel.client, bytes, whole());
  EXPECT_FALSE(duel.client.error);
  EXPECT_TRUE(duel.client.session.peer_closed());
}

TEST_F(Talking, tells_a_cut_from_a_close) {
  ASSERT_TRUE(duel.server.session.write(bytes_of("half a mail")));
  duel.settle();
  const auto ended = duel.client.session.end_of_input();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, ErrorKind::closed);
  EXPECT_EQ(ended.error().text, "TLS: the connection ended without close_notify");
  EXPECT_TRUE(duel.client.session.failed());
}

TEST_F(Talking, refuses_a_changed_byte_and_stays_failed) {
  ASSERT_TRUE(duel.server.session.write(bytes_of("to be changed")));
  auto record = take_output(duel.server.session);
  record.back() ^= std::byte{1};
  feed(duel.client, record, whole());
  ASSERT_TRUE(duel.client.error);
  EXPECT_EQ(duel.client.error->text, "TLS: decryption failed or bad record mac");
  EXPECT_EQ(duel.client.received, "");
  EXPECT_TRUE(duel.client.session.failed());
  EXPECT_FALSE(duel.client.session.write(bytes_of("x")));
  EXPECT_FALSE(duel.client.session.receive({}, {}));
  EXPECT_FALSE(duel.client.session.end_of_input());
  // The alert tells the other side why.
  feed(duel.server, take_output(duel.client.session), whole());
  ASSERT_TRUE(duel.server.error);
  EXPECT_EQ(duel.server.error->text, "TLS: the peer refused with the alert \"bad record mac\"");
}

TEST_F(Talking, gives_the_good_bytes_before_the_error) {
  ASSERT_TRUE(duel.server.session.write(bytes_of("good")));
  auto bytes = take_output(duel.server.session);
  const std::string_view garbage = "and now clear text";
  bytes.insert(bytes.end(), bytes_of(garbage).begin(), bytes_of(garbage).end());
  std::array<std::byte, 100> room{};
  const auto progress = duel.client.session.receive(bytes, room);
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->consumed, bytes.size());
  EXPECT_EQ(progress->produced, 4U);
  EXPECT_TRUE(duel.client.session.failed());
  EXPECT_FALSE(duel.client.session.receive({}, room));
}

TEST_F(Talking, leaves_no_error_behind_for_the_next_session) {
  Duel other = settled(*server, *client);
  feed(duel.client, std::vector<std::byte>(100), whole());
  ASSERT_TRUE(duel.client.error);
  EXPECT_EQ(ERR_peek_error(), 0U);
  send(other, other.client, "still fine");
  EXPECT_EQ(other.server.received, "still fine");
}

TEST_F(Talking, moves_to_another_thread_between_calls) {
  send(duel, duel.client, "here ");
  std::thread([moved = std::move(duel)]() mutable {
    send(moved, moved.client, "and there");
    EXPECT_EQ(moved.server.received, "here and there");
  }).join();
}

TEST(Session, holds_writes_until_the_handshake_is_done) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  const auto client = make_client();
  Duel duel = start(*server, *client);
  const std::string text(kRecordBytesMax + 1, 'x');
  EXPECT_EQ(duel.client.session.write(bytes_of(text)), kRecordBytesMax);
  EXPECT_EQ(duel.client.session.write(bytes_of("x")), 0U);
  duel.settle();
  EXPECT_EQ(duel.server.received.size(), kRecordBytesMax);
}

TEST(Session, needs_no_room_for_the_handshake) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  const auto client = make_client();
  Duel duel = start(*server, *client);
  const auto hello = take_output(duel.client.session);
  ASSERT_TRUE(duel.server.session.receive(hello, {}));
  const auto answer = take_output(duel.server.session);
  ASSERT_TRUE(duel.client.session.receive(answer, {}));
  EXPECT_TRUE(duel.client.session.handshake_done());
  ASSERT_TRUE(duel.client.session.write(bytes_of("EHLO")));
  const auto finished = take_output(duel.client.session);
  const auto progress = duel.server.session.receive(finished, {});
  ASSERT_TRUE(progress);
  EXPECT_TRUE(duel.server.session.handshake_done());
  EXPECT_LT(progress->consumed, finished.size());
}

TEST(Session, refuses_garbage_with_a_short_reason) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"GET / HTTP/1.1\r\nHost: mx\r\n\r\n", "TLS handshake: the peer speaks HTTP, not TLS"},
      {"EHLO client.example.com\r\n", "TLS handshake: the peer does not speak TLS (wrong version number)"},
      {std::string_view("\x16\x03\x01\x00\x05\xff\x00\x00\x01\x00", 10),
       "TLS handshake: unexpected message"}};
  for (const auto& [garbage, reason] : cases) {
    Side side{*server->new_session()};
    feed(side, bytes_of(garbage), byte_by_byte());
    ASSERT_TRUE(side.error) << garbage;
    EXPECT_EQ(side.error->text, reason);
    EXPECT_EQ(side.error->kind, ErrorKind::temporary);
    EXPECT_EQ(ERR_peek_error(), 0U);
  }
}

TEST(Session, survives_random_garbage) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  const auto client = make_client();
  for (unsigned seed = 0; seed < 300; ++seed) {
    Duel duel = start(*server, *client, {}, random_pieces(seed));
    auto hello = take_output(duel.client.session);
    std::mt19937 random(seed);
    for (int i = 0; i < 3; ++i) hello[random() % hello.size()] = static_cast<std::byte>(random() % 256);
    feed(duel.server, hello, duel.split);
    feed(duel.client, take_output(duel.server.session), duel.split);
    EXPECT_FALSE(duel.server.session.handshake_done());
  }
}

TEST(Session, calls_an_end_during_the_handshake_an_error) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  Side side{*server->new_session()};
  const auto ended = side.session.end_of_input();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, ErrorKind::closed);
  EXPECT_EQ(ended.error().text, "TLS handshake: the connection ended");
}

TEST(Session, refuses_versions_below_the_floor) {
  const auto modern = make_server({.main = make_identity("mx.example.com"), .version_min = Version::tls_1_3});
  const auto usual = make_server({.main = make_identity("mx.example.com")});
  const std::pair<const ServerContext*, int> cases[] = {{modern.get(), TLS1_2_VERSION},
                                                        {usual.get(), TLS1_1_VERSION}};
  for (const auto& [context, version_max] : cases) {
    Side side{*context->new_session()};
    RawClient raw(version_max);
    raw.shake(side);
    ASSERT_TRUE(side.error);
    EXPECT_EQ(side.error->text, "TLS handshake: no TLS version in common");
  }
}

TEST(Session, both_ends_and_nobody_else_know_what_a_login_is_bound_to) {
  const ServerSettings settings{.main = make_identity("mx.example.com")};
  const auto server = make_server(settings);
  const auto client = make_client();
  EXPECT_EQ(server->new_session()->channel_binding(), "") << "before the handshake";
  Duel first = settled(*server, *client, {});
  Duel second = settled(*server, *client, {});
  ASSERT_TRUE(first.done() && second.done());
  const std::string binding = first.server.session.channel_binding();
  EXPECT_EQ(binding.size(), kChannelBindingBytes);
  EXPECT_EQ(first.client.session.channel_binding(), binding);
  EXPECT_NE(second.client.session.channel_binding(), binding);
  const auto old_client = make_client({.version_max = Version::tls_1_2});
  Duel old = settled(*server, *old_client, {});
  ASSERT_TRUE(old.done());
  EXPECT_EQ(old.server.session.channel_binding(), "") << "not below TLS 1.3";
}

TEST(Session, refuses_renegotiation) {
  const auto server = make_server({.main = make_identity("mx.example.com")});
  Side side{*server->new_session()};
  RawClient raw(TLS1_2_VERSION);
  raw.shake(side);
  ASSERT_TRUE(side.session.handshake_done());
  ASSERT_EQ(SSL_renegotiate(raw.ssl()), 1);
  ERR_clear_error();
  SSL_do_handshake(raw.ssl());
  raw.carry(side);
  ERR_clear_error();
  EXPECT_EQ(SSL_do_handshake(raw.ssl()), -1);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
}

}  // namespace
}  // namespace ringpost::tls
