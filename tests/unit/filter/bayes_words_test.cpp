#include <algorithm>

#include <gtest/gtest.h>

#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/limits.hpp"

#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

constexpr std::string_view kStopwords = "bayes_stopword_en (?:from|with|that)\n";

class Read {
 public:
  explicit Read(const std::string& mail, std::string_view lines = kStopwords)
      : view_(mail), settings_(make_bayes_settings(settings_of(lines))), reader_(*view_, settings_, true) {
    while (reader_.advance()) {
    }
    for (const BayesToken token : reader_.tokens()) words_.emplace_back(reader_.text(token));
  }
  bool has(std::string_view word) const { return std::ranges::find(words_, word) != words_.end(); }
  std::vector<std::string> starting(std::string_view prefix) const {
    std::vector<std::string> found;
    for (const std::string& word : words_)
      if (word.starts_with(prefix)) found.push_back(word);
    std::ranges::sort(found);
    return found;
  }
  std::span<const BayesToken> tokens() const { return reader_.tokens(); }

 private:
  ViewOf view_;
  BayesSettings settings_;
  BayesReader reader_;
  std::vector<std::string> words_;
};

using Words = std::vector<std::string>;

// The words of a text that stands behind a word of its own, so that it begins no sentence.
Words words_of(const std::string& text) {
  const Read read("X-A: q\n\nZZZ\n\nZZZ " + text + "\n",
                  std::string(kStopwords) + "bayes_token_sources none visible\n");
  Words words = read.starting("");
  std::erase_if(
      words, [](const std::string& word) { return word == "ZZZ" || word == "zzz" || word.starts_with("H"); });
  return words;
}

TEST(BayesWords, are_trimmed_and_have_three_bytes_or_more) {
  EXPECT_EQ(words_of("ab abc 'quoted' -dash- ...dots... ,a_b,"),
            (Words{"a_b", "abc", "dash", "dots", "quoted"}));
}

TEST(BayesWords, give_simpler_forms_of_decorated_and_capital_words) {
  EXPECT_EQ(words_of("FooBar!"), (Words{"FooBar", "FooBar!", "foobar", "foobar!"}));
  EXPECT_EQ(words_of("$31,000"), (Words{"$31,000", "31000"}));
}

TEST(BayesWords, leave_stopwords_out_in_any_case) {
  EXPECT_EQ(words_of("from WITH thats"), (Words{"thats"}));
}

TEST(BayesWords, know_domains_and_addresses_in_text) {
  EXPECT_EQ(words_of("www.example.com"),
            (Words{"UD:com", "UD:example.com", "UD:www.example.com", "www.example.com", "wwwexamplecom"}));
  EXPECT_EQ(words_of("joe@mx.example"),
            (Words{"D*example", "D*mx.example", "U*joe", "joe@mx.example", "joemxexample"}));
}

TEST(BayesWords, keep_the_beginning_of_long_ones) {
  EXPECT_EQ(words_of("abcdefghijklmno"), (Words{"abcdefghijklmno"}));  // 15
  EXPECT_EQ(words_of("abcdefghijklmnop"), (Words{"sk:abcdefg"}));      // 16
}

TEST(BayesWords, take_long_texts_without_blanks_by_their_characters) {
  EXPECT_EQ(
      words_of("\xE4\xB8\xAD\xE6\x96\x87\xE4\xB8\xAD\xE5\x9B\xBD\xE4\xBA\xBA\xE6\xB0\x91"),
      (Words{"u8:\xE4\xB8\xAD", "u8:\xE4\xBA\xBA", "u8:\xE5\x9B\xBD", "u8:\xE6\x96\x87", "u8:\xE6\xB0\x91"}));
}

TEST(BayesWords, are_parted_by_runs_of_dots_and_dashes) {
  EXPECT_EQ(words_of("one...two"), (Words{"one", "two"}));
  EXPECT_EQ(words_of("one--two"), (Words{"one", "two"}));
  EXPECT_EQ(words_of("one-two"), (Words{"one-two", "onetwo"}));
}

TEST(BayesWords, begin_a_sentence_small) {
  const Read read("X-A: q\n\nzzz end. Hello there world\n");
  EXPECT_TRUE(read.has("hello"));
  EXPECT_FALSE(read.has("Hello"));
}

TEST(BayesHeader, has_short_names_and_takes_addresses_apart) {
  const Read read("From: Joe Doe <joe@example.com>\nTo: ann@example.org\n\nx\n");
  EXPECT_EQ(read.starting("H*F:"),
            (Words{"H*F:D*com", "H*F:D*example.com", "H*F:N*Doe", "H*F:N*Joe", "H*F:U*joe"}));
  EXPECT_TRUE(read.has("HTo:D*org"));
  EXPECT_TRUE(read.has("H*Ad:U*ann"));
  EXPECT_TRUE(read.has("H*Ad:U*joe"));
}

TEST(BayesHeader, leaves_out_what_only_says_where_the_mail_went) {
  const Read read(
      "Delivered-To: somebody\nX-Spam-Status: whatever\nList-Id: listname\nX-List-Post: listname\n"
      "X-DCC-servers-Metrics: numbers\nX-Bugzilla-Who: whoever\nX-Vm-v5-Data: something\nX-Other: "
      "keepme\n\nx\n");
  EXPECT_EQ(read.starting("HX-"), (Words{"HX-Other:keepme"}));
  EXPECT_TRUE(read.starting("HDel").empty());
  EXPECT_TRUE(read.starting("HList").empty());
}

TEST(BayesHeader, reads_the_two_oldest_received_fields_without_ids_and_dates) {
  const Read read(
      "Received: from third.example by us.example; Mon, 1 Jan 2024 00:00:00 +0000\n"
      "Received: from second.example ([192.0.2.7]) by third.example with ESMTP id ABCDEF012345 "
      "for <x@y.example>; Mon, 1 Jan 2024 00:00:00 +0000\n"
      "Received: from first.example by second.example id 1a2b3c4d5e6f\n\nx\n");
  EXPECT_TRUE(read.has("H*r:second.example"));
  EXPECT_TRUE(read.has("H*r:ip*192.0.2.7"));
  EXPECT_TRUE(read.has("H*r:192.0.2"));
  EXPECT_FALSE(read.has("H*r:us.example"));
  EXPECT_FALSE(read.has("H*r:ABCDEF012345"));
  EXPECT_FALSE(read.has("H*r:1a2b3c4d5e6f"));
  EXPECT_FALSE(read.has("H*r:2024"));
  EXPECT_FALSE(read.has("H*r:with"));
}

TEST(BayesHeader, keeps_the_shape_of_ids_and_boundaries) {
  const Read read(
      "Message-ID: <000a01c2e5f6$1234abcd$0a0b0c0d@host>\n"
      "Content-Type: multipart/mixed; boundary=\"----=_Next_0ab\"\n\nx\n");
  EXPECT_TRUE(read.has("H*M:OEA000a"));
  EXPECT_TRUE(read.has("H*M:OEB1234"));
  EXPECT_TRUE(read.has("H*M:OEC0a0b0c0d"));
  EXPECT_TRUE(read.has("H*M:host"));
  EXPECT_TRUE(read.has("H*ct:HHH"));
}

TEST(BayesReader, honours_the_sources_and_fields_that_are_switched_off) {
  const std::string mail = "X-Mine: secret\nX-Yours: open\n\nvisible\n";
  const Read all(mail, "bayes_ignore_header X-Mine\n");
  EXPECT_TRUE(all.starting("HX-Mine").empty());
  EXPECT_TRUE(all.has("HX-Yours:open"));
  const Read text(mail, "bayes_token_sources none visible\n");
  EXPECT_EQ(text.starting(""), Words{"visible"});
}

// The hash that SpamAssassin stores: the end of the SHA-1.
TEST(BayesReader, gives_the_last_forty_bits_of_sha1) {
  const Read read("X-A: q\n\nabc\n", "bayes_token_sources none visible\n");
  ASSERT_EQ(read.tokens().size(), 1U);
  EXPECT_EQ(read.tokens()[0], BayesToken{0x6c9cd0d89d});  // a9993e36 4706816a ba3e2571 7850c26c 9cd0d89d
}

TEST(BayesReader, stops_when_a_mail_has_more_words_than_one_reads) {
  std::string mail = "X-A: q\n\n";
  for (std::size_t n = 0; n < kBayesTextWordsMax + 20'000; ++n)
    mail += "w" + std::to_string(n) + (n % 10 == 9 ? "\n\n" : " ");
  const Read read(mail, "bayes_token_sources none visible\n");
  EXPECT_LE(read.tokens().size(), kBayesTextWordsMax + 1'000);
}

}  // namespace
}  // namespace ringpost::filter
