// The dialogues of tests/unit/pop3/dialogues, whole, byte by byte and in random pieces; and the limits.
#include "unit/dialogue.hpp"

#include <random>

#include <gtest/gtest.h>

#include "ringpost/pop3/limits.hpp"
#include "ringpost/sasl/limits.hpp"

#include "unit/pop3/pop3_driver.hpp"

namespace ringpost::pop3::testing {
namespace {

using ringpost::testing::Dialogue;
using ringpost::testing::Turn;

ServerSettings settings_of(const Dialogue& dialogue) {
  const auto has = [&](const char* word) { return dialogue.words.contains(word); };
  ServerSettings settings;
  settings.starttls = has("starttls");
  settings.auth_needs_tls = !has("clear") && !has("login");
  if (has("scram")) {
    settings.mechanisms.add({sasl::Mechanism::scram_sha_256, sasl::Mechanism::scram_sha_256_plus});
    settings.mechanisms.add(sasl::MechanismSet::tokens());
  }
  if (has("strict")) settings.errors_max = 3;
  if (has("expire")) settings.expire_days = 30;
  if (has("delay")) settings.login_delay = 60;
  return settings;
}

template <class NextSize>
std::vector<std::string> converse(const Dialogue& dialogue, NextSize next_size) {
  const ServerSettings settings = settings_of(dialogue);
  TestServer server(settings, dialogue.words.contains("secure"));
  server.greeted();
  if (dialogue.words.contains("login")) server.feed("USER ann\r\nPASS secret\r\n");
  if (!dialogue.words.contains("greeting")) server.log.clear();
  for (const Turn& turn : dialogue.turns) {
    const bool packet = dialogue.words.contains("packet");
    for (std::string_view rest = turn.client; !rest.empty();) {
      const std::string piece(rest.substr(0, packet ? rest.size() : next_size()));
      server.feed(piece);
      rest.remove_prefix(piece.size());
    }
  }
  return server.log;
}

std::vector<std::string> expected(const Dialogue& dialogue) {
  std::vector<std::string> all;
  for (const Turn& turn : dialogue.turns) all.insert(all.end(), turn.expected.begin(), turn.expected.end());
  return all;
}

const std::vector<Dialogue>& dialogues() {
  static const auto all = ringpost::testing::read_dialogues(RINGPOST_SOURCE_DIR "/tests/unit/pop3/dialogues");
  return all;
}

TEST(Pop3Dialogue, goes_as_written) {
  ASSERT_GT(dialogues().size(), 4U);
  for (const Dialogue& dialogue : dialogues())
    EXPECT_EQ(fmt::format("{}", fmt::join(converse(dialogue, [] { return std::string_view::npos; }), "\n")),
              fmt::format("{}", fmt::join(expected(dialogue), "\n")))
        << dialogue.name;
}

TEST(Pop3Dialogue, goes_the_same_in_pieces) {
  std::mt19937 random(5);
  for (const Dialogue& dialogue : dialogues()) {
    EXPECT_EQ(converse(dialogue, [] { return std::size_t{1}; }), expected(dialogue)) << dialogue.name;
    for (int round = 0; round < 5; ++round)
      EXPECT_EQ(converse(dialogue, [&] { return 1 + random() % 20; }), expected(dialogue)) << dialogue.name;
  }
}

TEST(Pop3Limits, lines) {
  ServerSettings settings;
  settings.auth_needs_tls = false;
  TestServer server(settings);
  server.greeted();
  // "AUTH FOO " and CRLF are 11 bytes.
  server.feed("AUTH FOO " + std::string(kAuthLineBytesMax - 11, 'a') + "\r\n");
  EXPECT_EQ(server.log.back(), "S: -ERR no such mechanism");
  server.feed("AUTH FOO " + std::string(kAuthLineBytesMax - 10, 'a') + "\r\n");
  EXPECT_EQ(server.log.back(), "S: -ERR the line is too long");
  server.feed("USER " + std::string(sasl::kFieldBytesMax + 1, 'a') + "\r\n");
  EXPECT_EQ(server.log.back(), "S: -ERR USER takes a name");
  server.feed("USER " + std::string(sasl::kFieldBytesMax, 'a') + "\r\n");
  EXPECT_EQ(server.log.back(), "S: +OK Now the password");
  server.feed("USER ann\r\nPASS secret\r\nNOOP" + std::string(kCommandLineBytesMax - 6, ' ') + "\r\n");
  EXPECT_EQ(server.log.back(), "S: +OK");
  server.feed("NOOP" + std::string(kCommandLineBytesMax - 5, ' ') + "\r\n");
  EXPECT_EQ(server.log.back(), "S: -ERR the line is too long");
  server.feed("NOOP\r\n");
  EXPECT_EQ(server.log.back(), "S: +OK");
  EXPECT_LT(server.session.memory_used(), 1024U);
}

TEST(Pop3Limits, endless_lines_end) {
  ServerSettings settings;
  TestServer server(settings);
  server.greeted();
  const std::string piece(64 * 1024, 'a');
  for (std::size_t sent = 0; sent < kDroppedLineBytesMax; sent += piece.size())
    EXPECT_TRUE(server.feed(piece));
  EXPECT_FALSE(server.feed(piece));
  EXPECT_EQ(server.log[server.log.size() - 2], "S: -ERR The line does not end");
}

TEST(Pop3Session, consumes_nothing_behind_an_unanswered_command) {
  ServerSettings settings;
  settings.auth_needs_tls = false;
  ServerSession session(settings);
  session.greet();
  std::span<const std::byte> input = scan::as_bytes("USER ann\r\nPASS secret\r\nSTAT\r\n");
  EXPECT_EQ(session.next(input).kind, Event::Kind::auth);
  EXPECT_EQ(scan::as_text(input), "STAT\r\n");
}

TEST(MessageWriter, is_the_same_for_any_split) {
  for (const std::string_view message : kMessages)
    for (const auto lines : std::vector<std::optional<std::uint64_t>>{{}, 0, 1, 2, 3, 100}) {
      const std::string whole = sent(message, lines, 1000, 16);
      for (std::size_t size = 1; size < message.size(); ++size)
        for (const std::size_t pieces : {1U, 2U, 7U}) EXPECT_EQ(sent(message, lines, size, pieces), whole);
    }
}

TEST(MessageWriter, cuts_where_top_asks) {
  EXPECT_EQ(sent(kMessages[0], {}, 1000, 16), "Subject: 1\r\n\r\none\r\n...two\r\n..\r\nlast\r\n.\r\n");
  EXPECT_EQ(sent(kMessages[0], 0, 1000, 16), "Subject: 1\r\n\r\n.\r\n");
  EXPECT_EQ(sent(kMessages[0], 2, 1000, 16), "Subject: 1\r\n\r\none\r\n...two\r\n.\r\n");
  EXPECT_EQ(sent(kMessages[1], 1, 1000, 16), "Subject: 2\r\n\r\nno line end\r\n.\r\n");
  EXPECT_EQ(sent(kMessages[2], 0, 1000, 16), "Subject: 3\r\n..x: y\r\n.\r\n");
  EXPECT_EQ(sent("", {}, 1000, 16), ".\r\n");
}

}  // namespace
}  // namespace ringpost::pop3::testing
