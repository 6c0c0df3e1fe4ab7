#include "ringpost/store/rights.hpp"

#include <gtest/gtest.h>

namespace ringpost::store {
namespace {

TEST(Rights, read_letters_in_any_order_and_tell_them_in_one) {
  EXPECT_EQ(Rights::parse("")->to_string(), "");
  EXPECT_EQ(Rights::parse("alr")->to_string(), "lra");
  EXPECT_EQ(Rights::parse("aetxkpiwsrl"), Rights::all());
  EXPECT_EQ(Rights::all().to_string(), "lrswipkxtea");
  EXPECT_EQ(Rights::parse("rr"), Rights(Right::read));
}

TEST(Rights, have_no_other_letters) {
  for (const char* text : {"q", "lrL", "R", "l r", "lr1", "+l", "-", "\xc3\xa9"})
    EXPECT_FALSE(Rights::parse(text)) << text;
}

// RFC 4314 section 2.1.1, with the right to delete a mailbox as a part of "c".
TEST(Rights, know_the_obsolete_letters) {
  EXPECT_EQ(Rights::parse("c")->to_string(), "kx");
  EXPECT_EQ(Rights::parse("d")->to_string(), "te");
  EXPECT_EQ(Rights::parse("cdk")->to_string(), "kxte");
  EXPECT_EQ(Rights::parse("k")->with_obsolete(), "kc");
  EXPECT_EQ(Rights::parse("x")->with_obsolete(), "xc");
  EXPECT_EQ(Rights::parse("ta")->with_obsolete(), "tda");
  EXPECT_EQ(Rights::parse("e")->with_obsolete(), "ed");
  EXPECT_EQ(Rights::parse("lrswipa")->with_obsolete(), "lrswipa");
  EXPECT_EQ(Rights::all().with_obsolete(), "lrswipkxtecda");
  EXPECT_EQ(Rights::parse(Rights::all().with_obsolete()), Rights::all());
}

TEST(Rights, keep_their_bits_for_the_disk) {
  EXPECT_EQ(Rights::from_bits(Rights::all().bits()), Rights::all());
  EXPECT_EQ(Rights(Right::lookup).bits(), 1U);
  EXPECT_EQ(Rights(Right::administer).bits(), 1024U);
  EXPECT_TRUE(Rights::from_bits(0x800).empty()) << "a right of a later version";
}

TEST(Rights, are_sets) {
  const Rights some = Right::lookup | Right::read;
  EXPECT_TRUE(some.has(Right::read));
  EXPECT_FALSE(some.has(Right::seen));
  EXPECT_TRUE(some.has_any(Right::read | Right::seen));
  EXPECT_FALSE(some.has_all(Right::read | Right::seen));
  EXPECT_EQ(some - Right::read, Rights(Right::lookup));
  EXPECT_EQ(some & (Right::read | Right::seen), Rights(Right::read));
  EXPECT_FALSE(Rights().has_any(Rights::all()));
}

std::string rights_in(const AccessList& list, std::string_view reader) {
  return rights_of(list, reader).to_string();
}

TEST(RightsOf, a_reader_are_his_own_and_those_of_anyone) {
  const AccessList list{{"anna", *Rights::parse("lrs")}, {"anyone", *Rights::parse("lp")}};
  EXPECT_EQ(rights_in(list, "anna"), "lrsp");
  EXPECT_EQ(rights_in(list, "bert"), "lp");
  EXPECT_EQ(rights_in({}, "anna"), "");
}

TEST(RightsOf, a_reader_are_without_what_is_taken_away) {
  const AccessList list{{"anna", *Rights::parse("lrs")},
                        {"-anna", *Rights::parse("sp")},
                        {"anyone", *Rights::parse("lrp")},
                        {"-anyone", *Rights::parse("r")},
                        {"bert", *Rights::parse("rw")}};
  EXPECT_EQ(rights_in(list, "anna"), "l");
  EXPECT_EQ(rights_in(list, "bert"), "lwp");
  EXPECT_EQ(rights_in(list, "carla"), "lp");
}

// What is taken away from one user must not be given to another who has the "-" in his name.
TEST(RightsOf, a_reader_whose_name_has_a_dash_in_front_are_not_those_taken_from_another) {
  const AccessList list{{"-anna", *Rights::parse("lrw")}, {"anyone", *Rights::parse("lp")}};
  EXPECT_EQ(rights_in(list, "-anna"), "lp");
  EXPECT_EQ(rights_in({{"--anna", *Rights::parse("p")}, {"anyone", *Rights::parse("lp")}}, "-anna"), "l");
}

}  // namespace
}  // namespace ringpost::store
