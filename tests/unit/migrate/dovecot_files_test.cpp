#include "ringpost/migrate/dovecot_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringpost::migrate {
namespace {

using imap::SystemFlags;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(DovecotFiles, names_of_mails_are_a_base_and_letters) {
  EXPECT_EQ(split_maildir_name("1.M2P3.h,S=4:2,FS").base, "1.M2P3.h,S=4");
  EXPECT_EQ(split_maildir_name("1.M2P3.h,S=4:2,FS").letters, "FS");
  EXPECT_EQ(split_maildir_name("1.M2P3.h:2,").letters, "");
  EXPECT_EQ(split_maildir_name("1.M2P3.h").base, "1.M2P3.h");
  EXPECT_EQ(split_maildir_name("1.M2P3.h:1,x").letters, "") << "experimental: says nothing of flags";
  EXPECT_EQ(split_maildir_name("1.h:2,S,X=1").letters, "S");
}

TEST(DovecotFiles, letters_and_flags_are_the_same_there_and_back) {
  const std::vector<std::string> keywords{"$Label1", "", "work"};
  const imap::FlagList flags = maildir_flags("DFPRSTac", keywords);
  EXPECT_EQ(flags.system.bits, SystemFlags::kSettable);
  EXPECT_THAT(flags.keywords, ElementsAre("$Forwarded", "$Label1", "work"));
  EXPECT_EQ(maildir_letters(flags, keywords).letters, "DFPRSTac");
  EXPECT_THAT(maildir_flags("bz", keywords).keywords, IsEmpty());
}

TEST(DovecotFiles, a_keyword_without_a_letter_is_counted) {
  std::vector<std::string> keywords;
  for (int i = 0; i < 27; ++i) keywords.push_back("k" + std::to_string(i));
  imap::FlagList flags;
  flags.keywords = {"K25", "k26", "other"};
  const MaildirLetters letters = maildir_letters(flags, keywords);
  EXPECT_EQ(letters.letters, "z");
  EXPECT_EQ(letters.keywords_lost, 2U);
}

TEST(DovecotFiles, keywords_have_numbers) {
  EXPECT_THAT(*parse_dovecot_keywords("1 two\n0 $one\n"), ElementsAre("$one", "two"));
  EXPECT_THAT(parse_dovecot_keywords("0 a\n26 b\n1 c\n").value(), ElementsAre("a", "c")) << "no letter says it";
  EXPECT_THAT(parse_dovecot_keywords("0 a\nx b\n").error().text, HasSubstr("line 2"));
  EXPECT_TRUE(parse_dovecot_keywords("25 b\n").has_value());
  EXPECT_FALSE(parse_dovecot_keywords("0 a(b\n").has_value());
  EXPECT_FALSE(parse_dovecot_keywords("a\n").has_value());
}

TEST(DovecotFiles, a_uidlist_of_version_3) {
  const auto list = parse_dovecot_uidlist(
      "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n"
      "25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,\n"
      "25017 W2481 P3 :1276533073.M242911P3632.kurkku,S=2451\n");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->uid_validity, 1275660208U);
  EXPECT_EQ(list->uid_next, 25022U);
  EXPECT_EQ(list->uids.at("1276528487.M364837P9451.kurkku,S=1355,W=1394"), 25006U);
  EXPECT_EQ(list->uids.at("1276533073.M242911P3632.kurkku,S=2451"), 25017U);
}

TEST(DovecotFiles, a_uidlist_of_version_1) {
  const auto list = parse_dovecot_uidlist("1 1173189136 20221\n20218 1173187923.M9.h:2,\n");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->uid_validity, 1173189136U);
  EXPECT_EQ(list->uids.at("1173187923.M9.h"), 20218U);
}

TEST(DovecotFiles, a_broken_uidlist_is_named_by_line) {
  const auto wrong = [](std::string_view text) {
    const auto list = parse_dovecot_uidlist(text);
    return list ? std::string("taken") : list.error().text;
  };
  EXPECT_THAT(wrong(""), HasSubstr("empty"));
  EXPECT_THAT(wrong("2 V1 N2\n"), HasSubstr("line 1"));
  EXPECT_THAT(wrong("3 V1\n"), HasSubstr("line 1"));
  EXPECT_THAT(wrong("3 V1 N9\nx :a\n"), HasSubstr("line 2"));
  EXPECT_THAT(wrong("3 V1 N9\n2 :a\n2 :b\n"), HasSubstr("line 3"));
  EXPECT_THAT(wrong("3 V1 N9\n2 a\n"), HasSubstr("line 2"));
  EXPECT_THAT(wrong("3 V1 N9\n2 :a"), HasSubstr("cut off"));
  EXPECT_EQ(wrong("3 V1 N9\n8 :a\n"), "taken");
}

TEST(DovecotFiles, a_head_that_is_older_than_its_lines_counts_for_nothing) {
  const auto list = parse_dovecot_uidlist("3 V1 N1\n9 :a\n");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->uid_next, 10U);
}

TEST(DovecotFiles, what_we_write_we_read) {
  const auto list = parse_dovecot_uidlist(dovecot_uidlist_head(7, 9) + "8 :1.x,S=3\n");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->uid_validity, 7U);
  EXPECT_EQ(list->uid_next, 9U);
  EXPECT_EQ(list->uids.at("1.x,S=3"), 8U);
}

TEST(DovecotFiles, subscriptions_of_both_versions) {
  EXPECT_THAT(parse_subscriptions("INBOX\na.b\nEntw&APw-rfe\n"), ElementsAre("INBOX", "a/b", "Entwürfe"));
  EXPECT_THAT(parse_subscriptions("V\t2\n\nINBOX\na\tb.c\n"), ElementsAre("INBOX", "a/b.c"));
}

TEST(DovecotFiles, folders_and_names_are_the_same_there_and_back) {
  for (const std::string name : {"Sent", "a/b/c", "Entwürfe/2024", "a.b/c", "&", "v1.0.2"})
    EXPECT_EQ(name_of_maildir_folder(maildir_folder_of(name)), name);
  EXPECT_EQ(maildir_folder_of("a.b/c"), ".a&AC4-b.c");
  EXPECT_EQ(maildir_folder_of(".."), ".&AC4-&AC4-");
  EXPECT_EQ(name_of_maildir_folder(".."), std::nullopt);
  EXPECT_EQ(name_of_maildir_folder("cur"), std::nullopt);
}

}  // namespace
}  // namespace ringpost::migrate
