#include "ringpost/crypto/hash.hpp"

#include "ringpost/crypto/secret.hpp"

namespace ringpost::crypto {
namespace {

TEST(Sha256, gives_the_published_digests) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha1, gives_the_published_digests_one_after_the_other) {
  Sha1 hash;
  EXPECT_EQ(to_hex(hash.of("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(hash.of("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(to_hex(hash.of("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Sha256, gives_the_same_digest_for_any_split) {
  const std::string text(1000, 'q');
  const Sha256Digest whole = sha256(text);
  Sha256 hash;
  for (const std::size_t step : {1UL, 7UL, 63UL, 64UL, 65UL, 999UL}) {
    for (std::size_t at = 0; at < text.size(); at += step)
      hash.update(std::string_view(text).substr(at, step));
    EXPECT_EQ(hash.finish(), whole) << step;
  }
}

TEST(Sha256, forgets_on_reset) {
  Sha256 hash;
  hash.update("left over");
  hash.reset();
  hash.update("abc");
  EXPECT_EQ(hash.finish(), sha256("abc"));
}

TEST(Sha256, goes_on_after_a_move) {
  Sha256 first;
  first.update("a");
  Sha256 second(std::move(first));
  second.update("bc");
  EXPECT_EQ(second.finish(), sha256("abc"));
}

TEST(Hex, writes_two_lower_case_digits_for_each_byte) {
  const std::array bytes{std::byte{0}, std::byte{0x0a}, std::byte{0xff}};
  EXPECT_EQ(to_hex(bytes), "000aff");
  EXPECT_EQ(to_hex({}), "");
}

TEST(Secret, compares_equal_only_what_is) {
  EXPECT_TRUE(equal_in_constant_time(std::string_view("secret"), std::string_view("secret")));
  EXPECT_FALSE(equal_in_constant_time(std::string_view("secret"), std::string_view("secreT")));
  EXPECT_FALSE(equal_in_constant_time(std::string_view("secret"), std::string_view("secre")));
  EXPECT_TRUE(equal_in_constant_time(std::string_view(), std::string_view()));
}

TEST(Secret, wipes_text_and_its_spare_capacity) {
  std::string secret = "a password that lies on the heap";
  secret.resize(4);
  const char* memory = secret.data();
  const std::size_t capacity = secret.capacity();
  wipe(secret);
  ASSERT_EQ(secret.data(), memory);
  EXPECT_TRUE(secret.empty());
  secret.resize_and_overwrite(capacity, [](char* p, std::size_t n) {
    EXPECT_TRUE(std::all_of(p, p + n, [](char c) { return c == 0; }));
    return std::size_t{0};
  });
}

TEST(Secret, gives_other_random_bytes_each_time) {
  std::array<std::byte, 32> first{};
  std::array<std::byte, 32> second{};
  ASSERT_TRUE(random_bytes(first));
  ASSERT_TRUE(random_bytes(second));
  EXPECT_NE(first, second);
  EXPECT_TRUE(random_bytes({}));
}

}  // namespace
}  // namespace ringpost::crypto
