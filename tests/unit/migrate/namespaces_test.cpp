#include "migrate/namespaces.hpp"

#include <gtest/gtest.h>

namespace ringpost::migrate {
namespace {

Namespaces of(const std::string& values) {
  auto reply = parse_imap_reply("* NAMESPACE " + values + "\r\n");
  EXPECT_TRUE(reply.has_value());
  return reply ? Namespaces(*reply) : Namespaces();
}

TEST(Namespaces, without_a_word_of_them_all_is_own) {
  EXPECT_TRUE(Namespaces().owns("Other Users/bert"));
  EXPECT_EQ(Namespaces().prefix(), "");
  EXPECT_TRUE(of("NIL NIL NIL").owns("x"));
}

TEST(Namespaces, what_is_below_those_of_others_is_not_own) {
  const Namespaces names = of(R"((("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/")("#news." ".")))");
  for (const char* own : {"INBOX", "Sent", "Other Users", "Other Users2/x", "a/Other Users/x", "#newsletter"})
    EXPECT_TRUE(names.owns(own)) << own;
  for (const char* others : {"Other Users/bert", "Other Users/bert/Sent", "Shared Folders/all", "#news.comp"})
    EXPECT_FALSE(names.owns(others)) << others;
}

// As Cyrus has it: all that is neither below INBOX nor another user's is shared.
TEST(Namespaces, the_longest_prefix_decides) {
  const Namespaces names = of(R"((("INBOX." ".")) (("user." ".")) (("" ".")))");
  EXPECT_EQ(names.prefix(), "INBOX.");
  for (const char* own : {"INBOX", "inbox", "INBOX.Sent"}) EXPECT_TRUE(names.owns(own)) << own;
  for (const char* others : {"user.bert", "Sent", "public.x"}) EXPECT_FALSE(names.owns(others)) << others;
}

TEST(Namespaces, several_are_own_and_words_behind_are_no_matter) {
  const Namespaces names =
      of(R"((("" "/" "TRANSLATION" ("x"))("#mh/" "/")) (("~" "/")) (("#shared/" "/")("#mh/pub/" "/")))");
  for (const char* own : {"a", "#mh/a"}) EXPECT_TRUE(names.owns(own)) << own;
  for (const char* others : {"~bert", "#shared/a", "#mh/pub/a"}) EXPECT_FALSE(names.owns(others)) << others;
}

}  // namespace
}  // namespace ringpost::migrate
