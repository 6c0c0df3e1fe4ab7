#include "ringpost/base/address.hpp"

#include <gtest/gtest.h>

namespace ringpost {
namespace {

TEST(IpAddress, refuses_no_text_at_all) {
  EXPECT_FALSE(parse_address({}));  // a view of nothing, whose pointer is null
  EXPECT_FALSE(parse_address(""));
}

}  // namespace
}  // namespace ringpost
