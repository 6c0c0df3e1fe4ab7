#include "ringpost/base/intrusive_list.hpp"

#include <gtest/gtest.h>

namespace ringpost {
namespace {

struct Element : ListLink<> {
  explicit Element(int v) : value(v) {}
  int value;
};

TEST(IntrusiveList, keeps_order_and_lets_elements_leave_by_themselves) {
  IntrusiveList<Element> list;
  Element a(1), c(3);
  {
    Element b(2);
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
  }
  EXPECT_EQ(list.pop_front()->value, 1);
  EXPECT_EQ(list.pop_front()->value, 3);
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(IntrusiveList, takes_another_list_to_its_front) {
  IntrusiveList<Element> list, other;
  Element a(1), b(2), c(3);
  other.splice_front(list);
  EXPECT_TRUE(other.empty());
  list.push_back(c);
  other.push_back(a);
  other.push_back(b);
  list.splice_front(other);
  EXPECT_TRUE(other.empty());
  b.unlink();
  EXPECT_EQ(list.pop_front()->value, 1);
  EXPECT_EQ(list.pop_front()->value, 3);
  EXPECT_TRUE(list.empty());
  other.push_back(b);
  list.splice_front(other);
  EXPECT_EQ(&list.front(), &b);
  EXPECT_EQ(&list.back(), &b);
}

TEST(IntrusiveList, visited_element_may_leave) {
  IntrusiveList<Element> list;
  Element a(1), b(2);
  list.push_back(a);
  list.push_back(b);
  int sum = 0;
  list.for_each([&](Element& e) {
    sum += e.value;
    e.unlink();
  });
  EXPECT_EQ(sum, 3);
  EXPECT_TRUE(list.empty());
}

}  // namespace
}  // namespace ringpost
