// Rows in columns, aligned for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringpost::command {

class TextTable {
 public:
  // A heading that begins with '>' stands to the right, as numbers do.
  explicit TextTable(std::vector<std::string> headings, std::size_t cell_width_max);
  void add(std::vector<std::string> row);
  bool empty() const { return rows_.empty(); }
  // Columns end two blanks apart; the last is not padded.
  std::string text() const;

 private:
  std::vector<std::string> headings_;
  std::vector<bool> right_;
  std::size_t cell_width_max_;
  std::vector<std::vector<std::string>> rows_;
};

// How many columns of a terminal the text takes: characters, not bytes.
std::size_t width_of(std::string_view utf8);
// What a terminal must not get from a peer becomes '?'.
std::string printable(std::string_view text);

// For cells: "1.4 MiB", "2h13m", "2026-11-22 08:00:00Z".
std::string size_text(std::int64_t bytes);
std::string age_text(std::int64_t seconds);
std::string time_text(std::string_view rfc3339);

}  // namespace ringpost::command
