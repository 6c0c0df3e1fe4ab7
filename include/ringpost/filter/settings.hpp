// What .cf files set besides rules: lists, numbers, templates; kept as they were written, in order.
//
// Layer:  pure. Immutable after loading; one for all cores, inside the RuleSet.
// Names:  keys are in lower case with '_' for '-', and in today's spelling (welcomelist_from for whitelist_from,
//         required_score for required_hits). A line is the words behind the key, comments and outer blanks removed.
// Use:    `text`, `number`, `flag` and `seconds` for settings where the last line wins; `lines` for lists and for those whose order counts
//         (clear_trusted_networks stands among the lines of trusted_networks as an entry with its own key).
// Limits: filter/limits.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

// Where a line of a rule file stands; `file` indexes RuleSet::files().
struct Place {
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  auto operator<=>(const Place&) const = default;
};

class Settings {
 public:
  struct Line {
    std::string
        key;  // the key that was written, in today's spelling: a list and its clear_, un... and delist lines
    std::string value;  // share one sequence
    Place place;
  };

  // The lines of a group, in the order of the files; empty for one that nobody set. The group of a key is the key itself but
  // for keys that change another's list: "clear_X", "unX" and "remove_X" are in the group of X.
  std::span<const Line> lines(std::string_view group) const;
  // The value of the last line of `key`.
  std::optional<std::string_view> text(std::string_view key) const;
  // The same as a number; `otherwise` when it was not set or is no number. The reader of rules names what is none.
  double number(std::string_view key, double otherwise) const;
  // The same of what is 1 or yes, 0 or no.
  bool flag(std::string_view key, bool otherwise) const;
  // The first word of the last line of `key` as a time in seconds: "15", "15s", "5m".
  std::optional<double> seconds(std::string_view key) const;
  // All blank-separated words of all lines with exactly this key.
  std::vector<std::string_view> words(std::string_view key) const;

  void add(Line line);
  // The groups in alphabetical order, for `filter list`.
  std::vector<std::string_view> groups() const;
  static std::string_view group_of(std::string_view key);

 private:
  std::map<std::string, std::vector<Line>, std::less<>> groups_;
};

}  // namespace ringpost::filter
