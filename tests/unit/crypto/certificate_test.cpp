#include "ringpost/crypto/certificate.hpp"

#include <openssl/err.h>

#include "ringpost/crypto/limits.hpp"
#include "ringpost/crypto/openssl.hpp"

namespace ringpost::crypto {
namespace {

constexpr WallTime k2030{1'893'456'000'000'000'000};  // 2030-01-01 00:00:00 UTC

SelfSignedRequest request() {
  return {.common_name = "mx1.example.com",
          .names = {"*.Example.net", "127.0.0.1", "::1", "mx1.example.com"},
          .not_before = k2030,
          .valid_for = std::chrono::hours{24} * 90};
}

TEST(SelfSigned, says_what_was_asked_for) {
  const auto made = make_self_signed(request());
  ASSERT_TRUE(made) << made.error().text;
  const auto info = certificate_info(made->certificate_pem);
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_EQ(info->subject, "CN=mx1.example.com");
  EXPECT_EQ(info->issuer, info->subject);
  EXPECT_THAT(info->names, testing::ElementsAre("mx1.example.com", "*.example.net", "127.0.0.1", "::1"));
  EXPECT_EQ(info->not_before, k2030);
  EXPECT_EQ(info->not_after, k2030 + std::chrono::hours{24} * 90);
  EXPECT_EQ(info->key, "EC prime256v1");
  EXPECT_EQ(info->sha256.size(), 64U);
  EXPECT_TRUE(info->self_signed);
}

TEST(SelfSigned, makes_a_key_that_belongs_to_its_certificate) {
  const auto made = make_self_signed(request());
  ASSERT_TRUE(made);
  const auto key = read_private_key(made->key_pem);
  const auto certificates = read_certificates(made->certificate_pem);
  ASSERT_TRUE(key && certificates);
  EXPECT_EQ(X509_check_private_key(certificates->front().get(), key->get()), 1);
}

TEST(SelfSigned, makes_another_key_and_serial_each_time) {
  const auto first = make_self_signed(request());
  const auto second = make_self_signed(request());
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->key_pem, second->key_pem);
  EXPECT_NE(certificate_info(first->certificate_pem)->sha256,
            certificate_info(second->certificate_pem)->sha256);
}

TEST(SelfSigned, leaves_a_long_name_out_of_the_subject) {
  for (const std::size_t size : {kCommonNameBytesMax, kCommonNameBytesMax + 1}) {
    auto asked = request();
    asked.common_name = std::string(60, 'a') + "." + std::string(size - 61, 'b');
    const auto made = make_self_signed(asked);
    ASSERT_TRUE(made) << made.error().text;
    const auto info = certificate_info(made->certificate_pem);
    EXPECT_EQ(info->subject.empty(), size > kCommonNameBytesMax);
    EXPECT_EQ(info->names.front(), asked.common_name);
  }
}

TEST(SelfSigned, refuses_what_is_no_name) {
  for (const char* bad : {"", "a b", "a,DNS:b", "a..b", ".a", "a.", "*", "a.*.b", "a\nb"}) {
    auto asked = request();
    asked.common_name = bad;
    EXPECT_FALSE(make_self_signed(asked)) << bad;
  }
}

TEST(SelfSigned, refuses_one_name_too_many) {
  auto asked = request();
  asked.names.clear();
  while (asked.names.size() + 1 < kSelfSignedNamesMax)
    asked.names.push_back(fmt::format("n{}", asked.names.size()));
  EXPECT_TRUE(make_self_signed(asked));
  asked.names.push_back("last");
  EXPECT_FALSE(make_self_signed(asked));
}

TEST(SelfSigned, refuses_a_validity_of_no_time) {
  auto asked = request();
  asked.valid_for = Duration::zero();
  EXPECT_FALSE(make_self_signed(asked));
}

TEST(CertificateInfo, covers_its_names_and_one_label_for_a_star) {
  const auto made = make_self_signed(request());
  const auto info = certificate_info(made->certificate_pem);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->covers("mx1.example.com"));
  EXPECT_TRUE(info->covers("MX1.Example.COM."));
  EXPECT_TRUE(info->covers("mail.example.net"));
  EXPECT_TRUE(info->covers("127.0.0.1"));
  EXPECT_TRUE(info->covers("0:0::1"));
  EXPECT_FALSE(info->covers("example.net"));
  EXPECT_FALSE(info->covers("a.b.example.net"));
  EXPECT_FALSE(info->covers(".example.net"));
  EXPECT_FALSE(info->covers("mx2.example.com"));
  EXPECT_FALSE(info->covers("127.0.0.2"));
  EXPECT_FALSE(info->covers(""));
}

TEST(CertificateInfo, shows_no_end_as_the_last_moment_that_there_is) {
  auto asked = request();
  asked.not_before = WallTime{0};
  asked.valid_for = Duration::max();
  const auto made = make_self_signed(asked);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(certificate_info(made->certificate_pem)->not_after.seconds(),
            WallTime{Duration::max().count()}.seconds());
}

TEST(Pem, tells_a_key_from_a_certificate) {
  const auto made = make_self_signed(request());
  EXPECT_EQ(certificate_info(made->key_pem).error().text,
            "holds a private key and no certificate: are the two swapped?");
  EXPECT_EQ(read_private_key(made->certificate_pem).error().text,
            "holds a certificate and no private key: are the two swapped?");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Pem, takes_key_and_certificates_from_one_text) {
  const auto first = make_self_signed(request());
  const auto second = make_self_signed(request());
  const std::string text = first->key_pem + first->certificate_pem + "a remark\n" + second->certificate_pem;
  EXPECT_EQ(read_certificates(text)->size(), 2U);
  EXPECT_TRUE(read_private_key(text));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Pem, says_which_certificate_is_damaged) {
  const auto made = make_self_signed(request());
  std::string damaged = made->certificate_pem;
  damaged[damaged.size() / 2] = '!';
  const auto read = read_certificates(made->certificate_pem + damaged);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().text, testing::StartsWith("certificate 2 is damaged ("));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Pem, refuses_what_is_empty_or_none) {
  EXPECT_EQ(certificate_info("").error().text, "is empty");
  EXPECT_EQ(read_private_key("").error().text, "is empty");
  EXPECT_THAT(certificate_info("hello").error().text, testing::HasSubstr("holds no certificate"));
  EXPECT_THAT(read_private_key("hello").error().text, testing::HasSubstr("holds no private key"));
}

TEST(Pem, refuses_a_text_over_the_limit) {
  const auto made = make_self_signed(request());
  std::string text = made->certificate_pem;
  text.append(kPemBytesMax - text.size(), '\n');
  EXPECT_TRUE(certificate_info(text));
  text += '\n';
  EXPECT_THAT(certificate_info(text).error().text, testing::StartsWith("over "));
}

// openssl genpkey -algorithm ed25519 -aes-128-cbc, passphrase "secret".
constexpr std::string_view kUnderPassphrase = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjYGDzJ01FEVQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEK5wJv6I5fPaoDMqLjSvhSYEQL3j
gvd5kQNFC6xUOhvOYJlBGwa+9nkDAlf8odo1leV4FAVc5oG6A63rWFiIq7klg4xn
FfbfXlnbuWmt5hDHlaI=
-----END ENCRYPTED PRIVATE KEY-----
)";

TEST(Pem, refuses_a_key_under_a_passphrase_and_says_how_to_mend_it) {
  const auto read = read_private_key(kUnderPassphrase);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().text, testing::HasSubstr("passphrase; write it without one: openssl pkey"));
}

}  // namespace
}  // namespace ringpost::crypto
