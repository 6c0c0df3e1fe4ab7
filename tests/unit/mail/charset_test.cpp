#include "ringpost/mail/charset.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"
#include "ringpost/mail/transfer_decoding.hpp"

namespace ringpost::mail {
namespace {

TEST(Charset, reads_what_mails_declare) {
  EXPECT_EQ(to_utf8("J\xF6rg", "ISO-8859-1", BadCharacters::refuse), "J\u00F6rg");
  EXPECT_EQ(to_utf8("\x93hi\x94", "iso-8859-1", BadCharacters::refuse), "\u201Chi\u201D");
  EXPECT_EQ(to_utf8("\xC4\xE3\xBA\xC3", "gb2312", BadCharacters::refuse), "\u4F60\u597D");
  EXPECT_EQ(to_utf8("\xF0\xD2\xC9", "KOI8-R", BadCharacters::refuse), "\u041F\u0440\u0438");
  EXPECT_EQ(to_utf8("\x1B$B$3$s\x1B(B", "iso-2022-jp", BadCharacters::refuse), "\u3053\u3093");
}

TEST(Charset, refuses_or_replaces_what_is_not_of_it) {
  EXPECT_EQ(to_utf8("a\xFF", "utf-8", BadCharacters::refuse), std::nullopt);
  EXPECT_EQ(to_utf8("a\xFF", "utf-8", BadCharacters::replace), "a\uFFFD");
  EXPECT_EQ(to_utf8("a\x81", "windows-1252", BadCharacters::refuse), std::nullopt);
  EXPECT_EQ(to_utf8("a\x81", "windows-1252", BadCharacters::replace), "a\uFFFD");
  EXPECT_EQ(to_utf8("\xC4", "gb2312", BadCharacters::refuse), std::nullopt);
  EXPECT_EQ(to_utf8("a\xE4", "us-ascii", BadCharacters::replace), "a\uFFFD");
}

TEST(Charset, knows_no_charset_that_does_not_exist) {
  EXPECT_EQ(to_utf8("abc", "x-none-such", BadCharacters::replace), std::nullopt);
  EXPECT_EQ(to_utf8("abc", "", BadCharacters::replace), std::nullopt);
  EXPECT_EQ(to_utf8("abc", std::string(kCharsetNameSizeMax + 1, 'a'), BadCharacters::replace), std::nullopt);
}

TEST(Charset, converts_more_than_one_block_and_splits_no_pair) {
  std::string utf16;
  std::string expected;
  for (int i = 0; i < 1500; ++i) {
    utf16 += std::string_view("\x01\xD8\x02\xDC", 4);
    expected += "\U00010402";
  }
  EXPECT_EQ(to_utf8(utf16, "UTF-16LE", BadCharacters::refuse), expected);
}

TEST(Charset, latin1_goes_both_ways) {
  EXPECT_EQ(utf8_to_latin1("J\u00F6rg"), "J\xF6rg");
  EXPECT_EQ(utf8_to_latin1("\u20AC"), std::nullopt);
  EXPECT_EQ(latin1_to_utf8("\xA0"), "\u00A0");
}

TEST(Charset, walks_characters_and_bytes_that_are_none) {
  const std::string_view text = "\u20AC\xE2\x82";
  EXPECT_EQ(utf8_at(text, 0).value, 0x20ACU);
  EXPECT_EQ(utf8_at(text, 0).size, 3);
  EXPECT_EQ(utf8_at(text, 3).size, 1);
  EXPECT_EQ(utf8_at("\xED\xA0\x80", 0).size, 1);
  EXPECT_EQ(count_characters("a\u20ACb"), 3U);
}

TEST(TransferDecoding, base64_survives_lies) {
  EXPECT_EQ(decode_base64_tolerant("aGVsbG8="), "hello");
  EXPECT_EQ(decode_base64_tolerant("aGVs\r\n bG8"), "hello");
  EXPECT_EQ(decode_base64_tolerant("aGVs*bG8="), "hello");
  EXPECT_EQ(decode_base64_tolerant("aGVsbG8gd29ybGQhQ"), "hello world!");
  EXPECT_EQ(decode_base64_tolerant("===="), "");
  EXPECT_EQ(decode_base64_tolerant(""), "");
}

TEST(TransferDecoding, quoted_printable_survives_lies) {
  EXPECT_EQ(decode_quoted_printable("a=20b  \nc=\nd=3D=ZZ="), "a b\ncd==ZZ=");
  EXPECT_EQ(decode_quoted_printable("soft= \r\nbreak\r\n"), "softbreak\r\n");
  EXPECT_EQ(decode_quoted_printable("=e4=E4"), "\xE4\xE4");
}

}  // namespace
}  // namespace ringpost::mail
