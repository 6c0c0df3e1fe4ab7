// Each limit at n and at n + 1, and what a session holds.
#include "ringpost/imap/limits.hpp"

#include <gtest/gtest.h>

#include "unit/imap/imap_driver.hpp"

namespace ringpost::imap::testing {
namespace {

class Limits : public ::testing::Test {
 protected:
  void SetUp() override {
    settings.auth_needs_tls = false;
    settings.bad_commands_max = 100;
    server.emplace(settings);
    server->greeted();
    server->feed("x LOGIN ann secret\r\nx SELECT INBOX\r\n");
    server->log.clear();
  }
  // The tagged answer of one command.
  std::string answer(const std::string& command) {
    server->log.clear();
    server->feed("t " + command + "\r\n");
    return server->log.empty() ? "nothing" : server->log.back().substr(3);
  }
  static std::string repeat(std::string_view text, std::size_t times, std::string_view between) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out.append(i == 0 ? "" : between).append(text);
    return out;
  }

  ServerSettings settings;
  std::optional<TestServer> server;
};

TEST_F(Limits, lines) {
  // "t DELETE " + quotes + CRLF.
  const std::size_t room = kCommandBytesMax - 13;
  EXPECT_EQ(answer("DELETE \"" + std::string(room, 'a') + "\""), "t BAD that is no name of a mailbox");
  EXPECT_EQ(answer("DELETE \"" + std::string(room + 1, 'a') + "\""), "t BAD [TOOBIG] the line is too long");
  EXPECT_EQ(answer("NOOP"), "t OK Done");
}

TEST_F(Limits, literals_count_as_the_line) {
  // "t DELETE {65518}CRLF" is 18 bytes.
  const std::size_t room = kCommandBytesMax - 18;
  server->feed(fmt::format("t DELETE {{{}}}\r\n", room));
  EXPECT_EQ(server->log.back(), "S: + OK");
  // Its own line end is one too many.
  server->feed(std::string(room, 'a') + "\r\n");
  EXPECT_EQ(server->log.back(), "S: t BAD [TOOBIG] the line is too long");
  EXPECT_EQ(answer(fmt::format("DELETE {{{}}}", room + 1)), "t BAD [TOOBIG] the command is too long");
  EXPECT_EQ(answer("NOOP"), "t OK Done");
}

TEST_F(Limits, lines_before_login_are_shorter) {
  TestServer fresh(settings);
  fresh.greeted();
  fresh.feed("t LOGIN " + std::string(kCommandBytesBeforeLogin - 10, 'a') + "\r\n");
  EXPECT_EQ(fresh.log.back(), "S: t BAD an argument is missing");
  fresh.feed("t LOGIN " + std::string(kCommandBytesBeforeLogin - 9, 'a') + "\r\n");
  EXPECT_EQ(fresh.log.back(), "S: t BAD [TOOBIG] the line is too long");
}

TEST_F(Limits, endless_lines_end) {
  const std::string piece(64 * 1024, 'a');
  for (std::size_t sent = 0; sent < kDroppedLineBytesMax; sent += piece.size())
    EXPECT_TRUE(server->feed(piece));
  EXPECT_FALSE(server->feed(piece));
  EXPECT_EQ(server->log[server->log.size() - 2], "S: * BYE The line does not end");
  EXPECT_LT(server->session.memory_used(), 4096U);
}

TEST_F(Limits, tags) {
  server->feed(std::string(kTagBytesMax, 't') + " NOOP\r\n");
  EXPECT_EQ(server->log.back(), "S: " + std::string(kTagBytesMax, 't') + " OK Done");
  server->feed(std::string(kTagBytesMax + 1, 't') + " NOOP\r\n");
  EXPECT_EQ(server->log.back(), "S: * BAD the tag is missing or is none");
}

TEST_F(Limits, sets) {
  EXPECT_EQ(answer("FETCH " + repeat("1", kSetRangesMax, ",") + " FLAGS"), "t OK Done");
  EXPECT_EQ(answer("FETCH " + repeat("1", kSetRangesMax + 1, ",") + " FLAGS"),
            "t BAD a set has too many ranges");
}

TEST_F(Limits, search_keys) {
  EXPECT_EQ(answer("SEARCH " + repeat("SEEN", kSearchKeysMax, " ")), "t OK Done");
  EXPECT_EQ(answer("SEARCH " + repeat("SEEN", kSearchKeysMax + 1, " ")), "t BAD SEARCH has too many keys");
}

TEST_F(Limits, search_depth) {
  const auto nested = [](std::size_t depth, std::string_view open, std::string_view close) {
    std::string out;
    for (std::size_t i = 1; i < depth; ++i) out += open;
    out += "SEEN";
    for (std::size_t i = 1; i < depth; ++i) out += close;
    return out;
  };
  for (const auto& [open, close] : {std::pair{"(", ")"}, std::pair{"NOT ", ""}, std::pair{"OR SEEN ", ""}}) {
    EXPECT_EQ(answer("SEARCH " + nested(kSearchDepthMax, open, close)), "t OK Done");
    EXPECT_EQ(answer("SEARCH " + nested(kSearchDepthMax + 1, open, close)), "t BAD SEARCH is too deep");
  }
}

TEST_F(Limits, fetch_items) {
  std::string items;
  for (std::size_t i = 1; i <= kFetchItemsMax; ++i) items += fmt::format("{}BODY[{}]", i == 1 ? "" : " ", i);
  EXPECT_EQ(answer("FETCH 1 (" + items + ")"), "t OK Done");
  EXPECT_EQ(answer("FETCH 1 (" + items + " FLAGS)"), "t BAD FETCH has too many items");
}

TEST_F(Limits, sections) {
  EXPECT_EQ(answer("FETCH 1 BODY[" + repeat("1", kSectionPartsMax, ".") + "]"), "t OK Done");
  EXPECT_EQ(answer("FETCH 1 BODY[" + repeat("1", kSectionPartsMax + 1, ".") + "]"),
            "t BAD a section is too deep");
  EXPECT_EQ(answer("FETCH 1 BODY[HEADER.FIELDS (" + repeat("a", kSectionFieldsMax, " ") + ")]"), "t OK Done");
  EXPECT_EQ(answer("FETCH 1 BODY[HEADER.FIELDS (" + repeat("a", kSectionFieldsMax + 1, " ") + ")]"),
            "t BAD a section has too many fields");
}

TEST_F(Limits, flags) {
  EXPECT_EQ(answer("STORE 1 FLAGS (" + repeat("a", kFlagsMax, " ") + ")"), "t OK Done");
  EXPECT_EQ(answer("STORE 1 FLAGS (" + repeat("a", kFlagsMax + 1, " ") + ")"), "t BAD too many flags");
  EXPECT_EQ(answer("STORE 1 FLAGS " + std::string(kKeywordBytesMax, 'a')), "t OK Done");
  EXPECT_EQ(answer("STORE 1 FLAGS " + std::string(kKeywordBytesMax + 1, 'a')), "t BAD that is no keyword");
}

// Of names that are decoded: on the wire they may be longer.
TEST_F(Limits, names) {
  const auto in_wire = [](std::size_t letters) {
    return "\"&" + repeat("AOkA6QDp", letters / 3, "") + "-\"";
  };
  static_assert(kMailboxNameBytesMax / 6 * 6 + 6 > kMailboxNameBytesMax);
  const std::size_t fit = kMailboxNameBytesMax / 6 * 3;
  for (const char* command : {"LIST \"\" ", "CREATE "}) {
    EXPECT_EQ(answer(command + std::string(kMailboxNameBytesMax, 'a')), "t OK Done");
    EXPECT_EQ(answer(command + std::string(kMailboxNameBytesMax + 1, 'a')).substr(0, 5), "t BAD");
    EXPECT_EQ(answer(command + in_wire(fit)), "t OK Done");
    EXPECT_EQ(answer(command + in_wire(fit + 3)).substr(0, 5), "t BAD");
  }
}

TEST_F(Limits, lists) {
  EXPECT_EQ(answer("LIST \"\" (" + repeat("a", kListPatternsMax, " ") + ")"), "t OK Done");
  EXPECT_EQ(answer("LIST \"\" (" + repeat("a", kListPatternsMax + 1, " ") + ")"), "t BAD too many patterns");
  EXPECT_EQ(answer("SORT (" + repeat("DATE", kSortKeysMax, " ") + ") UTF-8 ALL"), "t OK Done");
  EXPECT_EQ(answer("SORT (" + repeat("DATE", kSortKeysMax + 1, " ") + ") UTF-8 ALL"),
            "t BAD SORT has too many keys");
  EXPECT_EQ(answer("SETQUOTA \"\" (" + repeat("A 1", kQuotaLimitsMax, " ") + ")"), "t OK Done");
  EXPECT_EQ(answer("SETQUOTA \"\" (" + repeat("A 1", kQuotaLimitsMax + 1, " ") + ")"),
            "t BAD too many limits");
  EXPECT_EQ(answer("ENABLE " + repeat("A", kEnableNamesMax, " ")), "t OK Enabled");
  EXPECT_EQ(answer("ENABLE " + repeat("A", kEnableNamesMax + 1, " ")),
            "t BAD ENABLE takes not so many names");
}

TEST_F(Limits, id) {
  EXPECT_EQ(answer("ID (" + repeat("\"a\" \"b\"", kIdPairsMax, " ") + ")"), "t OK Pleased to meet you");
  EXPECT_EQ(answer("ID (" + repeat("\"a\" \"b\"", kIdPairsMax + 1, " ") + ")"), "t BAD ID says too much");
  EXPECT_EQ(answer("ID (\"" + std::string(kIdNameBytesMax + 1, 'a') + "\" NIL)"), "t BAD ID says too much");
  EXPECT_EQ(answer("ID (\"a\" \"" + std::string(kIdValueBytesMax + 1, 'a') + "\")"),
            "t BAD ID says too much");
}

TEST_F(Limits, messages_of_one_append) {
  std::string command = "t APPEND INBOX";
  for (std::size_t i = 0; i < kAppendMessagesMax; ++i) command += " {1+}\r\nm";
  server->feed(command + "\r\n");
  EXPECT_EQ(server->log.back(), "S: t OK Appended");
  server->feed(command + " {1+}\r\nm\r\n");
  EXPECT_EQ(server->log[server->log.size() - 2], "S: t NO [LIMIT] too many messages in one APPEND");
  EXPECT_EQ(server->log.back(), "E: append_abort");
  EXPECT_EQ(answer("NOOP"), "t OK Done");
}

TEST_F(Limits, messages_stream_in_bounded_memory) {
  const std::string piece(32 * 1024, 'm');
  server->feed(fmt::format("t APPEND INBOX {{{}+}}\r\n", 100 * piece.size()));
  for (int i = 0; i < 100; ++i) {
    server->feed(piece);
    EXPECT_LT(server->session.memory_used(), 8192U);
  }
  server->feed("\r\n");
  EXPECT_EQ(server->log.back(), "S: t OK Appended");
  EXPECT_EQ(server->messages.back().size(), 100 * piece.size());
}

TEST_F(Limits, an_idle_session_is_small) {
  answer("SEARCH " + repeat("SEEN", kSearchKeysMax, " "));
  EXPECT_LT(server->session.memory_used(), 1536U);
}

TEST_F(Limits, nothing_behind_an_unanswered_command_is_consumed) {
  ServerSession session(settings);
  session.greet();
  const std::string_view text = "a LOGIN ann secret\r\nb NOOP\r\n";
  std::span<const std::byte> input = scan::as_bytes(text);
  EXPECT_EQ(session.next(input).kind, Event::Kind::auth);
  EXPECT_EQ(scan::as_text(input), "b NOOP\r\n");
}

TEST_F(Limits, closing_drops_an_append_under_way) {
  ServerSession session(settings);
  session.greet();
  std::span<const std::byte> input = scan::as_bytes("a LOGIN ann secret\r\nb APPEND INBOX {5+}\r\nhe");
  EXPECT_EQ(session.next(input).kind, Event::Kind::auth);
  session.accept_auth();
  EXPECT_EQ(session.next(input).kind, Event::Kind::append);
  session.accept_append();
  EXPECT_EQ(session.next(input).kind, Event::Kind::append_bytes);
  session.close("Shutting down", codes::kUnavailable);
  EXPECT_EQ(session.next(input).kind, Event::Kind::append_abort);
  EXPECT_EQ(session.next(input).kind, Event::Kind::closed);
  EXPECT_TRUE(session.output().ends_with("* BYE [UNAVAILABLE] Shutting down\r\n"));
}

TEST_F(Limits, identifiers_of_access_lists) {
  EXPECT_EQ(answer("DELETEACL INBOX " + std::string(kIdentifierBytesMax, 'a')), "t OK Done");
  EXPECT_EQ(answer("DELETEACL INBOX " + std::string(kIdentifierBytesMax + 1, 'a')),
            "t BAD that is no identifier of an access list");
}

}  // namespace
}  // namespace ringpost::imap::testing
