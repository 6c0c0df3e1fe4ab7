#include "stock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/scan/crc32c.hpp"
#include "ringpost/scan/find.hpp"

#include "body_check.hpp"

namespace ringpost::loadgen {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const LoadId kId{0x7f3a91c2, 1, 42};
const WallTime kSent{1'700'000'000'123'456'789};

StockOptions options() {
  return {.from = "a@b.example", .to = "<c@d.example>", .seed = 7, .now = kSent};
}

std::string whole(const Sample& sample, OwnParts& own, const LoadId& id = kId) {
  own.fill(sample, id, kSent);
  return own.front + sample.text + own.tail;
}

std::string whole(const Sample& sample) {
  OwnParts own;
  return whole(sample, own);
}

BodyVerdict check(std::string_view message, std::size_t step) {
  BodyCheck body_check;
  body_check.start();
  for (std::size_t at = 0; at < message.size(); at += step)
    body_check.feed(scan::as_bytes(message.substr(at, step)));
  return body_check.finish();
}

TEST(Stock, meets_the_size_exactly) {
  for (const std::uint64_t size : {500U, 577U, 578U, 579U, 4096U, 4097U, 100'000U}) {
    for (const Sample& sample : generate_stock(Bytes{size}, options())) {
      EXPECT_EQ(sample.size(), size);
      EXPECT_EQ(whole(sample).size(), size);
    }
  }
}

TEST(Stock, of_a_size_below_its_header_is_header_and_last_line) {
  const std::vector<Sample> stock = generate_stock(Bytes{1}, options());
  ASSERT_EQ(stock.size(), 8U);
  EXPECT_TRUE(stock.front().text.empty());
  EXPECT_TRUE(check(whole(stock.front()), 1000).good());
}

TEST(Stock, keeps_fewer_bodies_when_they_are_large) {
  EXPECT_EQ(generate_stock(33_MiB, options()).size(), 1U);
}

TEST(Stock, lines_are_short_and_end_in_crlf) {
  for (const Sample& sample : generate_stock(10_KiB, options())) {
    std::string text = whole(sample);
    EXPECT_TRUE(text.ends_with("\r\n"));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find("\r\n", at);
      ASSERT_NE(end, std::string::npos);
      EXPECT_LE(end - at, 100U);
      EXPECT_EQ(text.substr(at, end - at).find_first_of("\r\n"), std::string::npos);
      at = end + 2;
    }
  }
}

TEST(Stock, message_is_known_by_its_header_and_its_sum) {
  for (const Sample& sample : generate_stock(4_KiB, options())) {
    OwnParts own;
    const std::string message = whole(sample, own);
    for (const std::size_t step : {1UL, 7UL, 100UL, message.size()}) {
      const BodyVerdict verdict = check(message, step);
      EXPECT_EQ(verdict.id, kId);
      EXPECT_EQ(verdict.sent, kSent);
      EXPECT_EQ(verdict.announced, own.checksum);
      EXPECT_TRUE(verdict.good());
    }
    EXPECT_THAT(message, HasSubstr("Message-ID: <" + to_string(kId) + "@loadgen.invalid>\r\n"));
    EXPECT_THAT(message, HasSubstr("Subject: [" + to_string(kId) + "] "));
  }
}

TEST(Stock, any_changed_byte_of_the_body_is_seen) {
  const std::string good = whole(generate_stock(Bytes{700}, options()).front());
  const std::size_t body = good.find("\r\n\r\n") + 4;
  for (std::size_t i = body; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == '?' ? '!' : '?';
    EXPECT_FALSE(check(changed, 64).good()) << i;
  }
  EXPECT_FALSE(check(good.substr(0, good.size() - 1), 64).good());
  // A relay adds fields in front; that is no change.
  EXPECT_TRUE(check("Received: from x by y\r\n\twith z\r\n" + good, 64).good());
}

TEST(Stock, no_two_messages_have_the_same_body) {
  const Sample sample = generate_stock(4_KiB, options()).front();
  OwnParts one;
  OwnParts other;
  const std::string first = whole(sample, one);
  const std::string second = whole(sample, other, {kId.run, kId.core, kId.sequence + 1});
  EXPECT_NE(one.checksum, other.checksum);
  EXPECT_NE(first.substr(first.find("\r\n\r\n")), second.substr(second.find("\r\n\r\n")));
}

TEST(Stock, first_body_has_a_line_to_be_stuffed_and_the_others_have_none) {
  const std::vector<Sample> stock = generate_stock(4_KiB, options());
  const Sample& first = stock.front();
  EXPECT_THAT(first.text, HasSubstr("\r\n."));
  EXPECT_EQ(first.data_text().size(), first.text.size() + 1);
  EXPECT_THAT(std::string(first.data_text()), HasSubstr("\r\n.."));
  for (std::size_t i = 1; i < stock.size(); ++i) EXPECT_EQ(stock[i].data_text(), stock[i].text);
}

TEST(Stock, is_the_same_for_the_same_seed) {
  EXPECT_EQ(generate_stock(4_KiB, options()).back().text, generate_stock(4_KiB, options()).back().text);
  StockOptions other = options();
  other.seed = 8;
  EXPECT_NE(generate_stock(4_KiB, options()).back().text, generate_stock(4_KiB, other).back().text);
}

TEST(StockOfMail, keeps_body_and_fields_and_replaces_what_names_it) {
  const Sample sample = sample_of_mail(
      "From somebody Fri Nov 21 09:55:06 1997\n"
      "Message-ID: <old@x>\nsubject: =?utf-8?q?a?=\n =?utf-8?q?b?=\nX-Loadgen-Id: old\nDate: today\n"
      "From: a@b\n\n.dot\nlast",
      options());
  const std::string message = whole(sample);
  EXPECT_THAT(message, Not(HasSubstr("old")));
  EXPECT_THAT(message, Not(HasSubstr("From somebody")));
  EXPECT_THAT(message, HasSubstr("Subject: [" + to_string(kId) + "] =?utf-8?q?a?=\r\n =?utf-8?q?b?=\r\n"));
  EXPECT_THAT(message, HasSubstr("Date: today\r\nFrom: a@b\r\n\r\n.dot\r\nlast\r\n"));
  EXPECT_EQ(message.find('\n', message.find("\r\n") + 2), message.find("\r\n", message.find("\r\n") + 2) + 1);
  EXPECT_TRUE(check(message, 5).good());
  EXPECT_THAT(std::string(sample.data_text()), HasSubstr("\r\n\r\n..dot\r\nlast\r\n"));
  EXPECT_FALSE(sample.eight_bit);
}

TEST(StockOfMail, makes_every_line_end_crlf) {
  const Sample sample = sample_of_mail("A: b\rC: d\r\nE: f\n\none\rtwo\nthree\r\nfour\xC3\xA4\n", options());
  EXPECT_TRUE(sample.text.ends_with("A: b\r\nC: d\r\nE: f\r\n\r\none\r\ntwo\r\nthree\r\nfour\xC3\xA4\r\n"));
  EXPECT_TRUE(sample.eight_bit);
  EXPECT_TRUE(check(whole(sample), 3).good());
}

TEST(StockOfMail, takes_what_is_hardly_mail) {
  for (const std::string_view mail :
       {"", "\n", "no header at all", "A: b", "Subject: x", "Subject:", ".", "\r", " \n"}) {
    const Sample sample = sample_of_mail(mail, options());
    const std::string message = whole(sample);
    EXPECT_TRUE(check(message, 2).good()) << mail;
    EXPECT_THAT(message, StartsWith("Message-ID: "));
    EXPECT_TRUE(message.ends_with("\r\n"));
    EXPECT_THAT(message, HasSubstr("\r\n\r\n"));
  }
}

TEST(BodyCheck, knows_no_id_in_a_foreign_message) {
  const BodyVerdict verdict = check("Subject: x\r\nX-Loadgen-Id: nonsense\r\n\r\nbody\r\n", 4);
  EXPECT_FALSE(verdict.id);
  EXPECT_FALSE(verdict.announced);
  EXPECT_EQ(verdict.checksum, scan::crc32c(scan::as_bytes("body\r\n")));
}

TEST(BodyCheck, looks_for_fields_in_the_header_only_and_passes_long_lines) {
  const std::string id = to_string(kId);
  const BodyVerdict verdict = check("X: " + std::string(10'000, 'x') + "\r\nx-loadgen-id:\t" + id +
                                        " \r\n\r\nX-Loadgen-Checksum: 00000001\r\n",
                                    99);
  EXPECT_EQ(verdict.id, kId);
  EXPECT_FALSE(verdict.announced);
}

}  // namespace
}  // namespace ringpost::loadgen
