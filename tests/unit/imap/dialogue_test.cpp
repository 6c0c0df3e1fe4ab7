// The dialogues of tests/unit/imap/dialogues, whole, byte by byte and in random pieces.
#include "unit/dialogue.hpp"

#include <random>

#include <gtest/gtest.h>

#include "unit/imap/imap_driver.hpp"

namespace ringpost::imap::testing {
namespace {

using ringpost::testing::Dialogue;
using ringpost::testing::Turn;

ServerSettings settings_of(const Dialogue& dialogue) {
  ServerSettings settings;
  const auto has = [&](const char* word) { return dialogue.words.contains(word); };
  settings.starttls = has("starttls");
  settings.auth_needs_tls = !has("clear") && !has("login") && !has("selected");
  if (has("small")) settings.append_limit = 20_B;
  if (has("scram")) {
    settings.mechanisms.add({sasl::Mechanism::scram_sha_256, sasl::Mechanism::scram_sha_256_plus});
    settings.mechanisms.add(sasl::MechanismSet::tokens());
  }
  if (has("strict")) settings.bad_commands_max = 3;
  if (has("restore")) settings.capabilities.add(Capability::restore);
  if (has("plain")) settings.capabilities = {};
  if (has("acl")) {
    settings.capabilities.add(Capability::acl);
    settings.capabilities.add(Capability::list_my_rights);
  }
  if (has("no-myrights")) settings.capabilities.remove(Capability::list_my_rights);
  return settings;
}

template <class NextSize>
std::vector<std::string> converse(const Dialogue& dialogue, NextSize next_size) {
  const ServerSettings settings = settings_of(dialogue);
  TestServer server(settings, dialogue.words.contains("secure"));
  server.greeted();
  const bool selected = dialogue.words.contains("selected");
  if (selected || dialogue.words.contains("login")) server.feed("x LOGIN ann secret\r\n");
  if (selected) server.feed("x SELECT INBOX\r\n");
  if (!dialogue.words.contains("greeting")) server.log.clear();
  for (const Turn& turn : dialogue.turns) {
    // STARTTLS: what came in the same packet is gone, what comes later is not.
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
  static const auto all = ringpost::testing::read_dialogues(RINGPOST_SOURCE_DIR "/tests/unit/imap/dialogues");
  return all;
}

TEST(ImapDialogue, goes_as_written) {
  ASSERT_GT(dialogues().size(), 10U);
  for (const Dialogue& dialogue : dialogues())
    EXPECT_EQ(fmt::format("{}", fmt::join(converse(dialogue, [] { return std::string_view::npos; }), "\n")),
              fmt::format("{}", fmt::join(expected(dialogue), "\n")))
        << dialogue.name;
}

TEST(ImapDialogue, goes_the_same_byte_by_byte) {
  for (const Dialogue& dialogue : dialogues())
    EXPECT_EQ(converse(dialogue, [] { return std::size_t{1}; }), expected(dialogue)) << dialogue.name;
}

TEST(ImapDialogue, goes_the_same_in_random_pieces) {
  std::mt19937 random(3);
  for (const Dialogue& dialogue : dialogues())
    for (int round = 0; round < 5; ++round)
      EXPECT_EQ(converse(dialogue, [&] { return 1 + random() % 30; }), expected(dialogue)) << dialogue.name;
}

}  // namespace
}  // namespace ringpost::imap::testing
