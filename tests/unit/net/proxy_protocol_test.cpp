#include "ringpost/net/proxy_protocol.hpp"

#include <string>

#include <gtest/gtest.h>

namespace ringpost::net {
namespace {

ProxyHeader parse(std::string_view text) {
  return parse_proxy_header(std::as_bytes(std::span(text)));
}

std::string v2(char version_command, char family, std::string_view body) {
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += version_command;
  text += family;
  text += static_cast<char>(body.size() >> 8U);
  text += static_cast<char>(body.size() & 255U);
  return text + std::string(body);
}

const std::string kV1 = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n";
const std::string kV2 =
    v2(0x21, 0x11, std::string_view("\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x00\x19", 12));

TEST(ProxyHeader, version_1_names_the_client) {
  const auto header = parse(kV1 + "EHLO x\r\n");
  EXPECT_EQ(header.verdict, ProxyVerdict::complete);
  EXPECT_EQ(header.size, kV1.size());
  EXPECT_EQ(to_string(header.client.value()), "192.0.2.1:56324");
}

TEST(ProxyHeader, version_2_names_the_client) {
  const auto header = parse(kV2 + "EHLO x\r\n");
  EXPECT_EQ(header.verdict, ProxyVerdict::complete);
  EXPECT_EQ(header.size, kV2.size());
  EXPECT_EQ(to_string(header.client.value()), "192.0.2.1:56324");
}

TEST(ProxyHeader, every_prefix_of_a_good_header_is_incomplete) {
  for (const std::string& whole : {kV1, kV2})
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(parse(std::string_view(whole).substr(0, size)).verdict, ProxyVerdict::incomplete) << size;
}

TEST(ProxyHeader, local_and_unknown_speak_for_the_balancer) {
  for (const std::string& text :
       {std::string("PROXY UNKNOWN\r\n"), v2(0x20, 0x00, ""), v2(0x21, 0x31, "whatever")}) {
    const auto header = parse(text);
    EXPECT_EQ(header.verdict, ProxyVerdict::complete);
    EXPECT_FALSE(header.client);
  }
}

TEST(ProxyHeader, everything_else_is_refused) {
  for (const std::string& text :
       {std::string("EHLO x\r\n"), std::string("PROXY TCP4 192.0.2.1\r\n"),
        std::string("PROXY TCP9 ::1 ::1 1 2\r\n"),
        std::string("PROXY TCP4 192.0.2.1 198.51.100.1 99999 25\r\n"), "PROXY " + std::string(200, 'x'),
        v2(0x31, 0x11, "123456789012"), v2(0x22, 0x11, "123456789012"), v2(0x21, 0x11, "short")})
    EXPECT_EQ(parse(text).verdict, ProxyVerdict::malformed) << text;
}

TEST(ProxyHeader, a_header_at_the_size_limit_is_read_and_one_over_it_refused) {
  const std::string limit(4096 - 16, 'x');
  EXPECT_EQ(parse(v2(0x21, 0x31, limit)).verdict, ProxyVerdict::complete);
  EXPECT_EQ(parse(v2(0x21, 0x31, limit + "x").substr(0, 16)).verdict, ProxyVerdict::malformed);
}

}  // namespace
}  // namespace ringpost::net
