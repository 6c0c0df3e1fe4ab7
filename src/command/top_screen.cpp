#include "top_screen.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "text_table.hpp"

namespace ringpost::command {

namespace {

constexpr double kIntervalMin = 0.1, kIntervalMax = 60;
constexpr std::size_t kFixed = 1;  // CORE stays while the others move

struct KeyHelp {
  std::string_view key, help;
};
constexpr std::array kKeys = std::to_array<KeyHelp>({
    {"q", "quit"},
    {"? h", "this page, and back"},
    {"< >", "sort by the column to the left, to the right"},
    {"r", "turn the order around"},
    {"left right", "move the columns, where the terminal is narrow"},
    {"+ -", "a longer, a shorter interval"},
    {"p", "pause, and go on"},
    {"space", "look now"},
});

std::vector<const TopRow*> sorted(std::span<const TopRow> rows, const TopColumn& column, bool descending) {
  std::vector<const TopRow*> order;
  for (const TopRow& row : rows) order.push_back(&row);
  std::ranges::sort(order, [&](const TopRow* a, const TopRow* b) {
    const double left = column.value(*a), right = column.value(*b);
    if (left == right) return a < b;  // as the server named them
    return descending ? left > right : left < right;
  });
  return order;
}

std::size_t width_of_column(const TopColumn& column, std::span<const TopRow> rows) {
  std::size_t width = column.heading.size() + 1;  // for the mark of the order
  for (const TopRow& row : rows) width = std::max(width, column.text(column.value(row)).size());
  return width;
}

}  // namespace

std::string top_keys() {
  std::string out = "Keys:\n";
  for (const KeyHelp& key : kKeys) out += fmt::format("  {:<11} {}\n", key.key, key.help);
  out += "Columns:\n";
  for (const TopColumn& column : top_columns())
    out += fmt::format("  {:<9} {} ({})\n", column.heading, column.help, column.key);
  return out;
}

TopScreen::Key TopScreen::press(std::string_view key) {
  const std::size_t columns = top_columns().size();
  if (key == "q" || key == "\x03") return Key::quit;
  if (key == "?" || key == "h")
    helping_ = !helping_;
  else if (key == "<")
    sorted_ = (sorted_ + columns - 1) % columns;
  else if (key == ">")
    sorted_ = (sorted_ + 1) % columns;
  else if (key == "r")
    descending_ = !descending_;
  else if (key == "\x1b[C" || key == "\x1bOC")
    first_ = std::min(first_ + 1, columns - 1);
  else if (key == "\x1b[D" || key == "\x1bOD")
    first_ = std::max(first_ - 1, kFixed);
  else if (key == "+")
    set_interval(interval_ * 2);
  else if (key == "-")
    set_interval(interval_ / 2);
  else if (key == "p")
    paused_ = !paused_;
  else
    return key == " " ? Key::ask_now : Key::none;
  return Key::redraw;
}

bool TopScreen::sort_by(std::string_view column) {
  const TopColumn* found = top_column(column);
  if (found == nullptr) return false;
  sorted_ = static_cast<std::size_t>(found - top_columns().data());
  descending_ = sorted_ > 1;  // the busiest first; cores and CPUs by number
  return true;
}

void TopScreen::set_interval(double seconds) {
  interval_ = std::clamp(seconds, kIntervalMin, kIntervalMax);
}

std::string TopScreen::help(std::size_t width, std::size_t height) const {
  std::string out, all = top_keys();
  for (std::size_t at = 0, lines = 0; at < all.size() && lines < height; ++lines) {
    const std::size_t end = all.find('\n', at);
    out += all.substr(at, std::min(end - at, width)) + "\n";
    at = end + 1;
  }
  return out;
}

std::string TopScreen::draw(std::span<const TopRow> rows, std::string_view title, std::size_t width,
                            std::size_t height) const {
  if (helping_) return help(width, height);
  const std::string head =
      fmt::format("{}  every {:.1f}s{}  ? explains", title, interval_, paused_ ? "  PAUSED" : "");
  std::string out = head.substr(0, width) + "\n";
  std::vector<const TopColumn*> shown;
  std::vector<std::size_t> widths;
  std::size_t used = 0;
  for (std::size_t i = 0; i < top_columns().size(); ++i) {
    if (i >= kFixed && i < first_) continue;
    const TopColumn& column = top_columns()[i];
    const std::size_t wide = width_of_column(column, rows);
    if (used + wide + 1 > width) break;
    used += wide + 1;
    shown.push_back(&column);
    widths.push_back(wide);
  }
  const TopColumn* by = &top_columns()[sorted_];
  std::string line;
  for (std::size_t i = 0; i < shown.size(); ++i)
    line += fmt::format("{:>{}} ",
                        fmt::format("{}{}", shown[i]->heading,
                                    shown[i] != by ? ""
                                    : descending_  ? "v"
                                                   : "^"),
                        widths[i]);
  out += line + "\n";
  std::size_t lines = 2;
  for (const TopRow* row : sorted(rows, *by, descending_)) {
    if (++lines > height) break;
    for (std::size_t i = 0; i < shown.size(); ++i)
      out += fmt::format("{:>{}} ", shown[i]->text(shown[i]->value(*row)), widths[i]);
    out += "\n";
  }
  return out;
}

std::string top_table(std::span<const TopRow> rows, std::string_view sort) {
  std::vector<std::string> headings;
  for (const TopColumn& column : top_columns()) headings.push_back(fmt::format(">{}", column.heading));
  TextTable table(std::move(headings), 40);
  const TopColumn* by = top_column(sort);
  for (const TopRow* row :
       sorted(rows, by == nullptr ? top_columns().front() : *by, by != nullptr && by > &top_columns()[1])) {
    std::vector<std::string> cells;
    for (const TopColumn& column : top_columns()) cells.push_back(column.text(column.value(*row)));
    table.add(std::move(cells));
  }
  return table.text();
}

}  // namespace ringpost::command
