// Every parser over random bytes that look a little like what it reads, in exactly sized memory, so that the
// address sanitizer sees a byte too far.
#include <random>

#include <gtest/gtest.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/aliases.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/header_address.hpp"
#include "ringpost/mail/message_id.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/mail/xtext.hpp"

namespace ringpost::mail {
namespace {

constexpr std::array<std::string_view, 44> kPieces{
    "a",           "b.c",  "@",        "<",          ">",          "\"",         "\\",
    "(",           ")",    "[",        "]",          ":",          ";",          ",",
    ".",           " ",    "\t",       "\r\n",       "\n",         "\r",         std::string_view("\0", 1),
    "\xC3",        "\xA9", "\xF0\x9F", "=?utf-8?Q?", "=?utf-8?B?", "?=",         "=",
    "+2B",         "+",    "-",        "250",        "250-",       "550 5.1.1 ", "Received:",
    "Nov",         "21",   "1997",     "09:55:06",   "rfc822;",    "\\x{F6}",    "|",
    ":include:/x", "#"};

TEST(Garbage, harms_no_parser) {
  std::mt19937 random(17);
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string made;
    for (std::size_t i = random() % 14; i > 0; --i) made += kPieces[random() % kPieces.size()];
    const std::vector<char> exact(made.begin(), made.end());
    const std::string_view text(exact.data(), exact.size());

    const PathRules rules{
        .allow_null = true, .allow_bare_local_part = round % 2 == 0, .smtputf8 = round % 3 == 0};
    if (const auto path = parse_path(text, rules)) {
      ASSERT_LE(path->size, text.size());
      ++accepted;
    }
    if (const auto address = canonical_address(text, rules)) {
      // What is canonical stays so.
      ASSERT_EQ(canonical_address(*address, rules), *address) << testing::PrintToString(made);
      ++accepted;
    }
    HeaderReader reader(text);
    while (const auto field = reader.next()) ASSERT_LE(field->offset + field->size, text.size());
    ASSERT_LE(reader.body_offset(), text.size());
    for (const HeaderAddress& entry : parse_address_list(text).addresses) accepted += entry.address.size();
    accepted += decode_encoded_words(text).size() + unfold(text).size() + find_message_id(text).size();
    if (const auto reply = parse_reply(text)) accepted += reply->text.size();
    if (parse_date(text)) ++accepted;
    if (const auto decoded = decode_base64(text)) accepted += decoded->size();
    if (const auto decoded = decode_xtext(text)) ASSERT_EQ(decode_xtext(xtext(*decoded)), decoded);
    if (const auto original = parse_orcpt(text)) {
      ASSERT_FALSE(original->address.empty());
    }
    const auto aliases = parse_aliases(text);
    for (const std::string_view name : aliases.table.names()) {
      const auto again = parse_aliases(format_alias(name, aliases.table.find(name)));
      ASSERT_TRUE(std::ranges::equal(again.table.find(name), aliases.table.find(name)))
          << testing::PrintToString(made);
    }
    accepted += parse_forward(text).targets.size();
  }
  EXPECT_GT(accepted, 1000U);
}

}  // namespace
}  // namespace ringpost::mail
