#include "patterns/windows.hpp"

#include <random>

#include <gtest/gtest.h>

#include "ringpost/patterns/limits.hpp"

#include "patterns/byte_sets.hpp"

namespace ringpost::patterns {
namespace {

Letters letters(std::initializer_list<std::pair<const char*, const char*>> list) {
  Letters made;
  for (const auto& [set, stay] : list) made.push_back({bytes_of(set), bytes_of(stay)});
  return made;
}

using Found = std::vector<std::pair<std::uint32_t, std::size_t>>;
Found found(const Windows& windows, std::string_view text) {
  Found all;
  windows.scan(text,
               [&](const Windows::Entry& entry, std::size_t end) { all.emplace_back(entry.member, end); });
  return all;
}

TEST(Windows, finds_runs_where_they_end) {
  Windows windows;
  windows.add(letters({{"ab", ""}, {"c", ""}}), {7, 1});
  windows.add(letters({{"x", "-_"}, {"y", ""}}), {9, 2});
  windows.finish();
  EXPECT_EQ(found(windows, "ac bc cc"), (Found{{7, 2}, {7, 5}}));
  EXPECT_EQ(found(windows, "x-_-y x y xy"), (Found{{9, 5}, {9, 12}}));
  EXPECT_EQ(found(windows, ""), Found{});
}

// The text stands between newlines.
TEST(Windows, sees_a_newline_at_either_end) {
  Windows windows;
  windows.add(letters({{" \n", ""}, {"a", ""}, {" \n", ""}}), {1, 1});
  windows.finish();
  EXPECT_EQ(found(windows, "a"), (Found{{1, 1}}));
  EXPECT_EQ(found(windows, "ba ab"), Found{});
}

// More than one block of lanes, some with gaps that the text does not use, and widths that leave gaps at their ends: each is found as if it were alone.
TEST(Windows, finds_each_of_many) {
  std::mt19937 random(2);
  const auto text_of = [&](std::size_t size) {
    std::string text;
    while (text.size() < size) text += static_cast<char>('a' + random() % 3);
    return text;
  };
  Windows windows;
  std::vector<std::string> words;
  for (std::uint32_t member = 0; member < kWindowsMax; ++member) {
    ASSERT_TRUE(windows.has_room(1));
    words.push_back(text_of(1 + random() % kWindowWidthMax));
    Letters run;
    for (const char c : words.back())
      run.push_back({bytes_of({&c, 1}), bytes_of(member % 3 == 0 ? "-" : "")});
    windows.add(run, {member, 1});
  }
  EXPECT_FALSE(windows.has_room(1));
  windows.finish();
  std::string bytes;
  windows.write(bytes);
  std::string_view rest = bytes;
  const auto again = Windows::read(rest, kWindowsMax);
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(rest.empty());
  std::string text = text_of(400);
  for (const std::size_t member : {0U, 99U, 300U, 599U}) text += words[member];
  Found expected;
  for (std::uint32_t member = 0; member < words.size(); ++member)
    for (std::size_t at = text.find(words[member]); at != std::string::npos;
         at = text.find(words[member], at + 1))
      expected.emplace_back(member, at + words[member].size());
  std::ranges::sort(expected);
  for (const Windows* each : {static_cast<const Windows*>(&windows), &*again}) {
    Found all = found(*each, text);
    std::ranges::sort(all);
    EXPECT_EQ(all, expected);
  }
}

TEST(Windows, refuses_bytes_that_are_none) {
  Windows windows;
  windows.add(letters({{"a", ""}, {"b", ""}}), {3, 1});
  std::string bytes;
  windows.write(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view part = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(Windows::read(part, 4).has_value()) << size;
  }
  std::string_view whole = bytes;
  EXPECT_FALSE(Windows::read(whole, 3).has_value());  // there is no member 3
  bytes[9] = static_cast<char>(kWindowWidthMax + 1);
  whole = bytes;
  EXPECT_FALSE(Windows::read(whole, 4).has_value());
}

}  // namespace
}  // namespace ringpost::patterns
