#include "ringpost/mail/saslprep.hpp"

#include <gtest/gtest.h>

namespace ringpost::mail {
namespace {

TEST(Saslprep, gives_the_examples_of_the_rfc) {  // RFC 4013 section 3
  EXPECT_EQ(saslprep("I\xc2\xadX"), "IX");
  EXPECT_EQ(saslprep("user"), "user");
  EXPECT_EQ(saslprep("USER"), "USER");
  EXPECT_EQ(saslprep("\xc2\xaa"), "a");
  EXPECT_EQ(saslprep("\xe2\x85\xa8"), "IX");
  EXPECT_EQ(saslprep("\x07"), std::nullopt);
  EXPECT_EQ(saslprep("\xd8\xa7\x31"), std::nullopt);
}

TEST(Saslprep, refuses_what_is_no_text) {
  EXPECT_EQ(saslprep(""), std::nullopt);
  EXPECT_EQ(saslprep("\xff"), std::nullopt);
  EXPECT_EQ(saslprep("\xc2\xad"), std::nullopt);  // nothing is left
}

TEST(Saslprep, takes_as_much_as_the_limit) {
  EXPECT_TRUE(saslprep(std::string(kSaslprepBytesMax, 'x')));
  EXPECT_FALSE(saslprep(std::string(kSaslprepBytesMax + 1, 'x')));
  std::string wide;
  while (wide.size() + 3 <= kSaslprepBytesMax) wide += "\xef\xb7\xba";  // one character that becomes 18
  EXPECT_TRUE(saslprep(wide));
}

}  // namespace
}  // namespace ringpost::mail
