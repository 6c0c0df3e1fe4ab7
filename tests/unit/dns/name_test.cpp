#include "ringpost/dns/name.hpp"

#include <array>

#include <gtest/gtest.h>

#include "ringpost/dns/limits.hpp"

namespace ringpost::dns {
namespace {

using namespace std::string_literals;

Name name(std::string_view text) {
  auto parsed = Name::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed ? *parsed : Name();
}

std::span<const std::byte> octets(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Name, is_lower_cased_and_absolute) {
  EXPECT_EQ(name("MX1.Example.COM").wire(), "\3mx1\7example\3com\0"s);
  EXPECT_EQ(name("mx1.example.com."), name("MX1.example.com"));
  EXPECT_EQ(name("MX1.Example.COM.").to_string(), "mx1.example.com");
  EXPECT_EQ(std::hash<Name>{}(name("A.b")), std::hash<Name>{}(name("a.B.")));
}

TEST(Name, knows_the_root) {
  EXPECT_TRUE(name(".").is_root());
  EXPECT_EQ(name("."), Name());
  EXPECT_EQ(Name().to_string(), ".");
  EXPECT_EQ(Name().parent(), Name());
  EXPECT_EQ(Name().label_count(), 0U);
  EXPECT_EQ(Name().first_label(), "");
}

TEST(Name, takes_a_label_of_63_octets_and_refuses_64) {
  EXPECT_TRUE(Name::parse(std::string(kLabelBytesMax, 'a') + ".com"));
  const auto longer = Name::parse(std::string(kLabelBytesMax + 1, 'a') + ".com");
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().kind, ErrorKind::permanent);
}

TEST(Name, takes_255_octets_on_the_wire_and_refuses_256) {
  const std::string three =
      std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + ".";
  const auto whole = Name::parse(three + std::string(61, 'd'));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->wire().size(), kNameBytesMax);
  EXPECT_TRUE(Name::parse(three + std::string(61, 'd') + "."));
  EXPECT_FALSE(Name::parse(three + std::string(62, 'd')));
  EXPECT_FALSE(Name::parse(three + std::string(61, 'd') + ".e"));
  // One octet a label: 127 labels are 255 octets.
  std::string many;
  for (int i = 0; i < 127; ++i) many += "x.";
  EXPECT_TRUE(Name::parse(many));
  EXPECT_FALSE(Name::parse(many + "x"));
}

TEST(Name, refuses_what_is_not_a_name) {
  for (const std::string_view text : {"", "..", ".com", "a..b", "a b", "a\tb", "m\xc3\xbcller.de", "a\\",
                                      "a\\25", "a\\256", "a\\ b", "a\x7f"})
    EXPECT_FALSE(Name::parse(text)) << text;
  EXPECT_FALSE(Name::parse(std::string_view("a\0b", 3)));
}

TEST(Name, reads_and_prints_escapes) {
  EXPECT_EQ(name("a\\.b.c").wire(), "\3a.b\1c\0"s);
  EXPECT_EQ(name("a\\046b.c"), name("a\\.b.c"));
  EXPECT_EQ(name("\\000\\255").wire(), "\2\0\xff\0"s);
  for (const std::string_view text :
       {"a\\.b.c", "\\000\\255.x", "\\\\.x", "\\\"q\\\".x", "_dmarc.example.com"}) {
    EXPECT_EQ(name(text).to_string(), text);
    EXPECT_EQ(name(name(text).to_string()), name(text));
  }
  EXPECT_EQ(name("\\065").wire(), "\1a\0"s) << "an escaped capital is still a capital";
}

TEST(Name, reads_the_wire_form_only_when_it_is_whole) {
  const std::string wire = "\3MX1\7example\3com\0"s;
  const auto whole = Name::from_wire(octets(wire));
  ASSERT_TRUE(whole);
  EXPECT_EQ(*whole, name("mx1.example.com"));
  for (std::size_t size = 0; size < wire.size(); ++size)
    EXPECT_FALSE(Name::from_wire(octets(std::string_view(wire).substr(0, size)))) << size;
  EXPECT_FALSE(Name::from_wire(octets(wire + "x")));
  EXPECT_FALSE(Name::from_wire(octets("\xc0\x0c"s))) << "a pointer is not a label";
  EXPECT_FALSE(Name::from_wire(octets("\x40"s + std::string(64, 'a') + "\0"s)));
}

TEST(Name, gives_its_labels_and_parents) {
  const Name host = name("a.bc.def");
  EXPECT_EQ(host.label_count(), 3U);
  EXPECT_EQ(host.first_label(), "a");
  EXPECT_EQ(host.parent(), name("bc.def"));
  EXPECT_EQ(host.parent().parent().parent(), Name());
}

TEST(Name, knows_whether_it_lies_within_a_zone) {
  EXPECT_TRUE(name("mx.example.com").is_within(name("EXAMPLE.com")));
  EXPECT_TRUE(name("example.com").is_within(name("example.com")));
  EXPECT_TRUE(name("example.com").is_within(Name()));
  EXPECT_FALSE(name("badexample.com").is_within(name("example.com")));
  EXPECT_FALSE(name("com").is_within(name("example.com")));
  // The octets of the zone end this name, but not at the edge of a label.
  EXPECT_FALSE(name("x\\001a").is_within(name("a")));
}

TEST(Name, is_put_under_a_zone_within_the_limit) {
  EXPECT_EQ(*name("_dmarc").under(name("example.com")), name("_dmarc.example.com"));
  EXPECT_EQ(*name("a").under(Name()), name("a"));
  std::string many;
  for (int i = 0; i < 126; ++i) many += "x.";
  EXPECT_TRUE(name("y").under(name(many)));
  EXPECT_FALSE(name("yy").under(name(many)));
}

TEST(Name, reverses_addresses) {
  EXPECT_EQ(reverse_name(IpAddress::ipv4(192, 0, 2, 1)), name("1.2.0.192.in-addr.arpa"));
  EXPECT_EQ(reverse_labels(IpAddress::ipv4(192, 0, 2, 1)), name("1.2.0.192"));
  // The example of RFC 3596 §2.5.
  const std::array<std::uint8_t, 16> octets = {0x43, 0x21, 0, 0, 0,    1,    0,    2,
                                               0,    3,    0, 4, 0x05, 0x67, 0x89, 0xab};
  EXPECT_EQ(reverse_name(IpAddress::ipv6(octets)),
            name("b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.IP6.ARPA"));
}

}  // namespace
}  // namespace ringpost::dns
