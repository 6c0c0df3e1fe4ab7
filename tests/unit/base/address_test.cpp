#include "ringpost/base/address.hpp"

#include <cstring>
#include <unordered_set>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ringpost {
namespace {

std::string reprinted_address(std::string_view text) {
  const auto address = parse_address(text);
  return address ? to_string(*address) : "refused";
}
std::string reprinted_endpoint(std::string_view text) {
  const auto endpoint = parse_endpoint(text);
  return endpoint ? to_string(*endpoint) : "refused";
}
std::string reprinted_network(std::string_view text) {
  const auto network = parse_network(text);
  return network ? to_string(*network) : "refused";
}

TEST(IpAddress, reads_and_prints_both_versions) {
  EXPECT_EQ(reprinted_address("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(reprinted_address("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(reprinted_address("::"), "::");
  EXPECT_EQ(to_string(IpAddress{}), "");
}

TEST(IpAddress, refuses_what_is_no_address) {
  EXPECT_FALSE(parse_address({}));  // a view of nothing, whose pointer is null
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "fe80::1%eth0", "[::1]",
        ":::", "localhost", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"})
    EXPECT_EQ(reprinted_address(text), "refused") << text;
  EXPECT_EQ(reprinted_address(std::string_view("1.2.3.4\0", 8)), "refused");
}

TEST(IpAddress, is_never_an_ipv4_mapped_one) {
  EXPECT_EQ(*parse_address("::ffff:192.0.2.1"), IpAddress::ipv4(192, 0, 2, 1));
  EXPECT_TRUE(parse_address("::fffe:192.0.2.1")->is_ipv6());
}

TEST(IpAddress, knows_loopback_and_any) {
  EXPECT_TRUE(parse_address("127.255.0.1")->is_loopback());
  EXPECT_TRUE(parse_address("::1")->is_loopback());
  EXPECT_EQ(IpAddress::loopback(IpVersion::ipv6), *parse_address("::1"));
  EXPECT_FALSE(parse_address("128.0.0.1")->is_loopback());
  EXPECT_FALSE(parse_address("1::1")->is_loopback());
  EXPECT_TRUE(parse_address("0.0.0.0")->is_any());
  EXPECT_TRUE(parse_address("::")->is_any());
  EXPECT_FALSE(IpAddress{}.is_any());
}

TEST(Endpoint, reads_and_prints_with_its_port) {
  EXPECT_EQ(reprinted_endpoint("0.0.0.0:25"), "0.0.0.0:25");
  EXPECT_EQ(reprinted_endpoint("[::]:65535"), "[::]:65535");
  EXPECT_EQ(reprinted_endpoint("127.0.0.1:0"), "127.0.0.1:0");
  EXPECT_EQ(reprinted_endpoint("[::ffff:1.2.3.4]:25"), "1.2.3.4:25");
}

TEST(Endpoint, refuses_a_missing_port_or_brackets) {
  for (const char* text : {"0.0.0.0", "0.0.0.0:", "0.0.0.0:65536", "0.0.0.0:025", "0.0.0.0:+5", "::1:25",
                           "[::1]", "[::1]25", "[1.2.3.4]:25", "[]:25", ":25", "example.com:25"})
    EXPECT_EQ(reprinted_endpoint(text), "refused") << text;
}

TEST(Endpoint, survives_the_way_through_a_socket_address) {
  for (const char* text : {"192.0.2.1:2525", "[2001:db8::1]:587"}) {
    sockaddr_storage storage;
    const auto size = to_socket_address(*parse_endpoint(text), storage);
    const auto back = from_socket_address(reinterpret_cast<const sockaddr*>(&storage), size);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(to_string(*back), text);
    EXPECT_FALSE(from_socket_address(reinterpret_cast<const sockaddr*>(&storage), size - 1).has_value());
  }
  sockaddr_storage storage;
  EXPECT_EQ(to_socket_address(Endpoint{}, storage), 0U);
  EXPECT_FALSE(from_socket_address(reinterpret_cast<const sockaddr*>(&storage), sizeof storage).has_value());
}

TEST(Endpoint, of_a_dual_stack_peer_is_the_ipv4_one) {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = htons(25);
  const std::array<std::uint8_t, 16> octets{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7};
  std::memcpy(&mapped.sin6_addr, octets.data(), octets.size());
  const auto peer = from_socket_address(reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped);
  ASSERT_TRUE(peer.has_value());
  EXPECT_EQ(to_string(*peer), "192.0.2.7:25");
}

TEST(Endpoint, hashes_apart_from_its_neighbours) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint8_t host = 0; host < 100; ++host)
    for (std::uint16_t port = 0; port < 100; ++port)
      hashes.insert(std::hash<Endpoint>{}(Endpoint{IpAddress::ipv4(10, 0, 0, host), port}));
  EXPECT_EQ(hashes.size(), 10'000U);
}

TEST(Network, reads_and_prints) {
  EXPECT_EQ(reprinted_network("127.0.0.0/8"), "127.0.0.0/8");
  EXPECT_EQ(reprinted_network("2001:db8::/32"), "2001:db8::/32");
  EXPECT_EQ(reprinted_network("::1"), "::1");
  EXPECT_EQ(reprinted_network("192.0.2.1/32"), "192.0.2.1");
  EXPECT_EQ(reprinted_network("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(reprinted_network("::ffff:10.0.0.0/104"), "10.0.0.0/8");
}

TEST(Network, refuses_bad_prefixes_and_names_the_network_meant) {
  for (const char* text :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10/8", "::ffff:10.0.0.0/95"})
    EXPECT_EQ(reprinted_network(text), "refused") << text;
  EXPECT_EQ(parse_network("10.1.2.3/8").error().text,
            "\"10.1.2.3/8\" has bits set after its prefix; the network is \"10.0.0.0/8\"");
}

TEST(Network, contains_its_first_and_last_address_and_no_more) {
  const Network network = *parse_network("192.0.2.64/27");
  EXPECT_TRUE(network.contains(*parse_address("192.0.2.64")));
  EXPECT_TRUE(network.contains(*parse_address("192.0.2.95")));
  EXPECT_FALSE(network.contains(*parse_address("192.0.2.63")));
  EXPECT_FALSE(network.contains(*parse_address("192.0.2.96")));
  EXPECT_TRUE(network.contains(*parse_address("::ffff:192.0.2.70")));
  EXPECT_FALSE(parse_network("::/0")->contains(*parse_address("192.0.2.70")));
  EXPECT_TRUE(parse_network("0.0.0.0/0")->contains(*parse_address("192.0.2.70")));
  EXPECT_FALSE(Network{}.contains(IpAddress{}));
}

TEST(Network, of_an_address_cuts_at_any_bit) {
  EXPECT_EQ(to_string(Network::of(*parse_address("2001:db8:1:2:3::4"), 64)), "2001:db8:1:2::/64");
  EXPECT_EQ(to_string(Network::of(*parse_address("2001:db8:ffff::"), 33)), "2001:db8:8000::/33");
  EXPECT_EQ(to_string(Network::of(IpAddress::ipv4(10, 1, 2, 3), 99)), "10.1.2.3");
}

}  // namespace
}  // namespace ringpost
