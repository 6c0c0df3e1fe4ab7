// Files of the simulated disk, beside plain bytes.
#include "io/sim_contents.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "io/sim_chance.hpp"

namespace ringpost::io::sim {
namespace {

using Plain = std::vector<std::byte>;

Plain whole(const Contents& contents) {
  Plain bytes(contents.size());
  contents.read(0, bytes);
  return bytes;
}

TEST(SimContents, begin_empty_and_grow_with_zeros) {
  Contents contents;
  EXPECT_EQ(contents.size(), 0U);
  contents.resize(10'000);
  EXPECT_EQ(whole(contents), Plain(10'000));
}

TEST(SimContents, what_grows_again_has_forgotten_what_was_there) {
  Contents contents;
  contents.resize(5000);
  contents.write(0, Plain(5000, std::byte{7}));
  contents.resize(100);
  contents.resize(5000);
  Plain expected(5000);
  std::fill_n(expected.begin(), 100, std::byte{7});
  EXPECT_EQ(whole(contents), expected);
}

TEST(SimContents, a_copy_keeps_what_it_was) {
  Contents contents;
  contents.resize(3 * Contents::kPage);
  contents.write(100, Plain(8000, std::byte{1}));
  const Contents before = contents;
  const Plain bytes = whole(contents);
  contents.write(4000, Plain(500, std::byte{2}));
  EXPECT_EQ(whole(before), bytes);
  EXPECT_FALSE(before.same(contents, 0, contents.size()));
  EXPECT_TRUE(before.same(contents, 4500, contents.size()));
}

TEST(SimContents, are_like_plain_bytes_under_anything) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    Contents contents[2];
    Plain plain[2];
    for (int step = 0; step < 300; ++step) {
      const std::size_t which = random.below(2);
      const std::uint64_t size = plain[which].size();
      switch (random.below(6)) {
        case 0: {
          const std::uint64_t to = random.one_in(4) ? random.below(size + 1) : size + random.below(9000);
          contents[which].resize(to);
          plain[which].resize(to);
          break;
        }
        case 1:
          if (random.one_in(10)) contents[which] = contents[1 - which], plain[which] = plain[1 - which];
          break;
        case 2: {
          const std::uint64_t bound = std::min(size, std::uint64_t{plain[1 - which].size()});
          const std::uint64_t end = random.below(bound + 1), begin = random.below(end + 1);
          contents[which].take_over(contents[1 - which], begin, end);
          std::copy_n(plain[1 - which].begin() + static_cast<std::ptrdiff_t>(begin), end - begin,
                      plain[which].begin() + static_cast<std::ptrdiff_t>(begin));
          break;
        }
        default: {
          const std::uint64_t end = random.below(size + 1), begin = random.below(end + 1);
          const Plain bytes(end - begin, static_cast<std::byte>(random.below(3)));
          contents[which].write(begin, bytes);
          std::ranges::copy(bytes, plain[which].begin() + static_cast<std::ptrdiff_t>(begin));
        }
      }
      ASSERT_EQ(contents[which].size(), plain[which].size()) << seed;
      ASSERT_EQ(whole(contents[which]), plain[which]) << "seed " << seed << ", step " << step;
      const std::uint64_t both = std::min(plain[0].size(), plain[1].size());
      const std::uint64_t from = random.below(both + 1);
      ASSERT_EQ(contents[0].same(contents[1], from, both),
                std::equal(plain[0].begin() + static_cast<std::ptrdiff_t>(from),
                           plain[0].begin() + static_cast<std::ptrdiff_t>(both),
                           plain[1].begin() + static_cast<std::ptrdiff_t>(from)));
    }
  }
}

}  // namespace
}  // namespace ringpost::io::sim
