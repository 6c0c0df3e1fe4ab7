#include "command/text_table.hpp"

namespace ringpost::command {
namespace {

TEST(TextTable, aligns_columns_by_characters) {
  TextTable table({"NAME", ">COUNT", "NOTE"}, 10);
  table.add({"J\xC3\xB6rg", "7", "x"});
  table.add({"anna", "1200", ""});
  EXPECT_EQ(table.text(), "NAME  COUNT  NOTE\nJ\xC3\xB6rg      7  x\nanna   1200\n");
}

TEST(TextTable, cuts_cells_at_the_width_and_not_before) {
  TextTable table({"A"}, 6);
  table.add({"123456"});
  table.add({"1234567"});
  table.add({"\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6\xC3\xB6"});
  EXPECT_EQ(table.text(), "A\n123456\n123...\n\xC3\xB6\xC3\xB6\xC3\xB6...\n");
}

TEST(TextTable, lets_no_peer_speak_to_the_terminal) {
  TextTable table({"A"}, 60);
  table.add(
      {"\x1B[2J\n\x7F\xC2\x9B"
       "2J"});
  EXPECT_EQ(table.text(), "A\n?[2J???2J\n");
}

TEST(Texts, of_sizes_ages_and_times) {
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(std::int64_t{3} << 30), "3.0 GiB");
  EXPECT_EQ(age_text(59), "59s");
  EXPECT_EQ(age_text(61), "1m01s");
  EXPECT_EQ(age_text(7260), "2h01m");
  EXPECT_EQ(age_text(90'000), "1d01h");
  EXPECT_EQ(time_text("2026-11-22T08:00:00Z"), "2026-11-22 08:00:00Z");
}

}  // namespace
}  // namespace ringpost::command
