#include "ringpost/deliver/options.hpp"

#include <gtest/gtest.h>

#include "ringpost/base/option_table.hpp"

namespace ringpost::deliver {
namespace {

TEST(DeliverOptionsTest, every_option_has_a_sentence_and_its_defaults_are_in_range) {
  for (const OptionTable* table : {&option_table(static_cast<const RouteOptions*>(nullptr)),
                                   &option_table(static_cast<const MailboxesOptions*>(nullptr)),
                                   &option_table(static_cast<const DeliverOptions*>(nullptr))}) {
    EXPECT_FALSE(table->help().empty());
    for (const OptionField& field : table->fields()) {
      EXPECT_TRUE(field.help.ends_with('.')) << table->name() << "." << field.name;
      for (const auto& check : field.checks)
        EXPECT_FALSE(check(field.member_of(table->defaults()))) << table->name() << "." << field.name;
    }
  }
}

}  // namespace
}  // namespace ringpost::deliver
