#include "text_table.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace ringpost::command {

namespace {

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

std::string cut(std::string text, std::size_t width) {
  if (width_of(text) <= width) return text;
  std::size_t seen = 0, at = 0;
  for (; at < text.size(); ++at)
    if (begins_character(text[at]) && ++seen > width - 3) break;
  return text.substr(0, at) + "...";
}

}  // namespace

std::size_t width_of(std::string_view utf8) {
  return static_cast<std::size_t>(std::ranges::count_if(utf8, begins_character));
}

std::string printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  // C1 controls in UTF-8: some terminals obey them.
  for (std::size_t i = 0; i + 1 < clean.size(); ++i)
    if (clean[i] == '\xC2' && static_cast<unsigned char>(clean[i + 1]) < 0xA0) clean.replace(i, 2, "?");
  return clean;
}

TextTable::TextTable(std::vector<std::string> headings, std::size_t cell_width_max)
    : headings_(std::move(headings)), cell_width_max_(cell_width_max) {
  for (std::string& heading : headings_) {
    right_.push_back(heading.starts_with('>'));
    if (right_.back()) heading.erase(0, 1);
  }
}

void TextTable::add(std::vector<std::string> row) {
  row.resize(headings_.size());
  for (std::string& cell : row) cell = cut(printable(cell), cell_width_max_);
  rows_.push_back(std::move(row));
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    widths.push_back(width_of(headings_[column]));
    for (const auto& row : rows_) widths.back() = std::max(widths.back(), width_of(row[column]));
  }
  std::string out;
  const auto add_row = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const std::string padding(widths[column] - width_of(row[column]), ' ');
      line += right_[column] ? padding + row[column] : row[column] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  add_row(headings_);
  for (const auto& row : rows_) add_row(row);
  return out;
}

std::string size_text(std::int64_t bytes) {
  constexpr std::array kUnits = std::to_array<std::string_view>({"KiB", "MiB", "GiB", "TiB"});
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string age_text(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string time_text(std::string_view rfc3339) {
  std::string text(rfc3339);
  std::ranges::replace(text, 'T', ' ');
  return text;
}

}  // namespace ringpost::command
