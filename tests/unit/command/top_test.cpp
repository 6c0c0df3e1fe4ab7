#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command/top_rows.hpp"
#include "command/top_screen.hpp"

namespace ringpost::command {
namespace {

using admin::Json;
using testing::HasSubstr;
using testing::Not;

Json status(std::int64_t pid, std::vector<Json> cores) {
  return Json().set("pid", pid).set("cores", Json::List(std::move(cores)));
}
Json core(std::int64_t number, Json figures) {
  return Json().set("core", number).set("cpu", number + 4).set("figures", std::move(figures));
}
Json histogram(std::int64_t count, std::int64_t sum,
               std::vector<std::pair<std::int64_t, std::int64_t>> buckets) {
  Json::List list;
  for (const auto& [upper, in] : buckets) list.push_back(Json::List{Json(upper), Json(in)});
  return Json().set("count", count).set("sum", sum).set("max", 7'000'000).set("buckets", std::move(list));
}
Json figures(std::int64_t messages, std::int64_t busy, Json commit) {
  return Json()
      .set("intake_messages", messages)
      .set("core_busy_ns", busy)
      .set("core_buffer_bytes", 1)
      .set("core_buffer_limit_bytes", 4)
      .set("journal_commit_ns", commit)
      .set("journal_frame_records", commit);
}

TEST(TopRows, are_what_happened_in_between) {
  const Json before =
      status(1, {core(0, figures(100, 5'000'000'000, histogram(3, 30, {{10, 1}, {500, 2}})))});
  const Json after = status(
      1, {core(0, figures(300, 6'000'000'000, histogram(7, 50, {{10, 1}, {500, 2}, {2000, 3}, {9000, 1}})))});
  const auto rows = top_rows(before, after, 2);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].cpu, 4);
  EXPECT_DOUBLE_EQ(rows[0].in_rate, 100);
  EXPECT_DOUBLE_EQ(rows[0].busy, 0.5);
  EXPECT_DOUBLE_EQ(rows[0].records_per_frame, 5);
  EXPECT_DOUBLE_EQ(rows[0].commit_p50, 2000e-9);
  EXPECT_DOUBLE_EQ(rows[0].commit_p99, 9000e-9);
  EXPECT_DOUBLE_EQ(rows[0].buffers, 0.25);
}

TEST(TopRows, of_another_process_begin_at_nothing) {
  const Json before = status(1, {core(0, figures(100, 0, {}))});
  const Json after = status(2, {core(0, figures(60, 0, {})), core(1, figures(4, 0, {}))});
  const auto rows = top_rows(before, after, 2);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_DOUBLE_EQ(rows[0].in_rate, 30);
  EXPECT_DOUBLE_EQ(rows[1].in_rate, 2);
}

TEST(TopRows, are_json_with_every_column) {
  const Json json = top_json(std::vector<TopRow>{{.core = 3, .busy = 0.5}}, 2);
  EXPECT_EQ(json["seconds"], Json(2.0));
  const Json& first = json["cores"].list().at(0);
  EXPECT_EQ(first["core"], Json(3));
  EXPECT_EQ(first["busy"], Json(0.5));
  EXPECT_EQ(first.object().size(), top_columns().size());
}

// The order of the cores as the screen shows it.
std::string order(const TopScreen& screen, const std::vector<TopRow>& rows) {
  std::string numbers;
  const std::string text = screen.draw(rows, "", 200, 50);
  for (std::size_t at = text.find('\n', text.find('\n') + 1); at != std::string::npos && at + 1 < text.size();
       at = text.find('\n', at + 1))
    numbers += text[text.find_first_not_of(' ', at + 1)];
  return numbers;
}

TEST(TopScreen, sorts_by_any_column_and_both_ways) {
  const std::vector<TopRow> rows{{.core = 0, .cpu = 1, .busy = 0.2},
                                 {.core = 1, .cpu = 0, .busy = 0.9},
                                 {.core = 2, .cpu = 7, .busy = 0.5}};
  TopScreen screen;
  EXPECT_EQ(order(screen, rows), "012");
  ASSERT_TRUE(screen.sort_by("busy"));
  EXPECT_EQ(order(screen, rows), "120");
  EXPECT_EQ(screen.press("r"), TopScreen::Key::redraw);
  EXPECT_EQ(order(screen, rows), "021");
  screen.press("<");
  EXPECT_EQ(order(screen, rows), "102");
  EXPECT_FALSE(screen.sort_by("moon"));
}

TEST(TopScreen, keeps_to_the_size_of_the_terminal) {
  const std::vector<TopRow> rows(10);
  TopScreen screen;
  for (const std::size_t width : {20U, 80U, 300U})
    for (const std::size_t height : {1U, 5U, 24U})
      for (int page = 0; page < 2; ++page) {
        const std::string text =
            screen.draw(rows, std::string(100, 't'), width, std::max<std::size_t>(height, 3));
        std::size_t lines = 0, start = 0;
        for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1, ++lines)
          EXPECT_LE(end - start, width);
        EXPECT_LE(lines, std::max<std::size_t>(height, 3));
        screen.press("?");
      }
}

TEST(TopScreen, moves_its_columns_and_keeps_the_core) {
  TopScreen screen;
  const std::vector<TopRow> rows(1);
  EXPECT_THAT(screen.draw(rows, "", 80, 24), Not(HasSubstr("LONGEST")));
  for (int i = 0; i < 100; ++i) screen.press("\x1b[C");
  EXPECT_THAT(screen.draw(rows, "", 80, 24), testing::AllOf(HasSubstr("LONGEST"), HasSubstr("CORE")));
  for (int i = 0; i < 100; ++i) screen.press("\x1b[D");
  EXPECT_THAT(screen.draw(rows, "", 80, 24), HasSubstr("BUSY"));
}

TEST(TopScreen, explains_every_key_and_column) {
  TopScreen screen;
  screen.press("?");
  const std::string text = screen.draw({}, "", 200, 100);
  for (const TopColumn& column : top_columns()) EXPECT_THAT(text, HasSubstr(std::string(column.heading)));
  EXPECT_THAT(text, HasSubstr("quit"));
  EXPECT_EQ(screen.press("q"), TopScreen::Key::quit);
}

TEST(TopScreen, has_bounds_for_its_interval) {
  TopScreen screen;
  for (int i = 0; i < 20; ++i) screen.press("+");
  EXPECT_DOUBLE_EQ(screen.interval(), 60);
  for (int i = 0; i < 20; ++i) screen.press("-");
  EXPECT_DOUBLE_EQ(screen.interval(), 0.1);
  screen.press("p");
  EXPECT_TRUE(screen.paused());
  EXPECT_EQ(screen.press("x"), TopScreen::Key::none);
  EXPECT_EQ(screen.press(""), TopScreen::Key::none);
  EXPECT_EQ(screen.press(" "), TopScreen::Key::ask_now);
}

}  // namespace
}  // namespace ringpost::command
