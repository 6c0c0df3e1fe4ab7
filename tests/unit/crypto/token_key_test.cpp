// The examples of RFC 7515, appendices A.1 to A.3.
#include "ringpost/crypto/token_key.hpp"

#include <string>

#include <gtest/gtest.h>

namespace ringpost::crypto {
namespace {

constexpr std::string_view kRsa =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
    "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
    "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
    "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
    "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
    "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
    "oQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kCurve =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kClaims =
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}
constexpr std::string_view kSecretHex =
    "0323354b2b0fa5bc837e0665777ba68f5ab328e6f054c928a90f84b2d2502ebfd3fb5a92d20647ef968ab4c377623d22"
    "3d2e2172052e4f08c0cd9af567d080a3";
constexpr std::string_view kSecretSignature =
    "7418dfb49799e0254ffa607dd8adbbba16d4254d69d6bff05b58055853848d79";
constexpr std::string_view kRsaSignature =
    "702e218943e88fd11eb5d82dbf7845f34106ae1b81fff7731116add1717d83656d420afd3c96eedd73a2663e5166687b"
    "000b87226e0187ed1073f945e582adfcef16d85a798ee8c66ddb3db8975b17d09402beedd5d9d97007108db28160d5f8"
    "040ca7445762b81fbe7ff9d92e0ae76f24f25b33bbe6f44ae61eb1040acb20044d3ef9128ed40130795bd4bd3b41eeca"
    "d066ab651981fde48df77f372dc38b9fafdd3befb18b5da3cc3c2eb02f9e3a41d612caad15911273a05f23b9e838faaf"
    "849d698429ef5a1e88798236c3d40e604522a544c8f27a7a2db80663d16cf7caea56de405cb2215a45b2c25566b55ac1"
    "a748a070dfc8a32a469543d019eefb47";
constexpr std::string_view kCurveSignature =
    "0ed1215379636c483c2f7f155807d402a3b228033af97c7e17819ac3169ea665c50a07d38c3c70e5d8f12daf084a5480"
    "a66590c5f293509a8f3f7f8a83a354d5";

std::string text(std::string_view header) {
  return std::string(header) + std::string(kClaims);
}

void check(std::string_view key_text, std::string_view algorithm, std::string_view header,
           std::string signature) {
  const auto key = TokenKey::make(key_text);
  ASSERT_TRUE(key) << key.error().text;
  EXPECT_EQ((*key)->algorithm(), algorithm);
  EXPECT_TRUE((*key)->signed_by_it(text(header), signature));
  EXPECT_FALSE((*key)->signed_by_it(text(header) + "x", signature));
  EXPECT_FALSE((*key)->signed_by_it(text(header), signature.substr(1)));
  EXPECT_FALSE((*key)->signed_by_it(text(header), ""));
  signature[5] = static_cast<char>(signature[5] ^ 1);
  EXPECT_FALSE((*key)->signed_by_it(text(header), signature));
}

TEST(TokenKey, checks_each_algorithm) {
  check(from_hex(kSecretHex), "HS256", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        from_hex(kSecretSignature));
  check(kRsa, "RS256", "eyJhbGciOiJSUzI1NiJ9", from_hex(kRsaSignature));
  check(kCurve, "ES256", "eyJhbGciOiJFUzI1NiJ9", from_hex(kCurveSignature));
}

TEST(TokenKey, a_curves_signature_of_zeros_is_none) {
  const auto key = TokenKey::make(kCurve);
  EXPECT_FALSE((*key)->signed_by_it("x", std::string(64, '\0')));
}

TEST(TokenKey, refuses_what_is_no_good_key) {
  EXPECT_FALSE(TokenKey::make(""));
  EXPECT_FALSE(TokenKey::make(std::string(31, 'x') + "\n"));
  EXPECT_TRUE(TokenKey::make(std::string(32, 'x') + "\n"));
  EXPECT_FALSE(TokenKey::make("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
  const auto secret = TokenKey::make("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  ASSERT_FALSE(secret);
  EXPECT_NE(secret.error().text.find("private"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::crypto
