#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/filter/networks.hpp"
#include "ringpost/filter/registrar.hpp"
#include "ringpost/filter/uris.hpp"

#include "filter/mail_addresses.hpp"
#include "filter/uri_reference.hpp"
#include "filter/uri_text.hpp"
#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> uris_in(std::string text, std::string_view lines = {}) {
  const ViewOf view("Subject: s\n\n" + text, lines);
  return {view->uris().begin(), view->uris().end()};
}

std::vector<std::string> uris_in_html(std::string_view html) {
  const ViewOf view("Content-Type: text/html\n\n" + std::string(html));
  return {view->uris().begin(), view->uris().end()};
}

TEST(ViewUris, finds_links_in_text) {
  EXPECT_THAT(uris_in("see http://a.com/x, (http://b.com/y) www.c.org. and <https://d.net>"),
              ElementsAre("http://a.com/x", "http://b.com/y", "http://www.c.org", "https://d.net"));
  EXPECT_THAT(uris_in("mail me@e.com or mailto:you@f.com?subject=x"),
              ElementsAre("mailto:me@e.com", "mailto:you@f.com?subject=x", "mailto:you@f.com"));
  EXPECT_THAT(uris_in("bare g.com/z and h.invalid and 1.2.3"), ElementsAre("http://g.com/z"));
  EXPECT_THAT(uris_in("a.com, nothing"), IsEmpty());
}

TEST(ViewUris, tells_what_a_program_would_link) {
  const ViewOf view("Subject: s\n\nx.com www.y.com\n");
  ASSERT_EQ(view->uri_details().size(), 2U);
  EXPECT_TRUE(view->uri_details()[0].has_type("unlinked"));
  EXPECT_FALSE(view->uri_details()[1].has_type("unlinked"));
  EXPECT_TRUE(view->uri_details()[1].has_type("schemeless"));
}

TEST(ViewUris, undoes_disguises) {
  EXPECT_THAT(uris_in("http://%77ww.a.com"), ElementsAre("http://%77ww.a.com", "http://www.a.com"));
  EXPECT_THAT(uris_in("http://0x7f.0.0.010/"), testing::Contains("http://127.0.0.8/"));
  EXPECT_THAT(uris_in("http://2130706433/x"), testing::Contains("http://127.0.0.1/x"));
  EXPECT_THAT(uris_in("http://a.com:80/x"), testing::Contains("http://a.com/x"));
  EXPECT_THAT(uris_in_html("<a href='http:/\\a.com?q'>"), testing::Contains("http://a.com/?q"));
}

TEST(ViewUris, follows_redirectors) {
  EXPECT_THAT(uris_in("http://r.com/?to=http://evil.org/x&y"), testing::Contains("http://evil.org/x"));
  EXPECT_THAT(uris_in("http://r.com/go/evil.org/x", "redirector_pattern m{^http://r\\.com/go/(.*)}i\n"),
              testing::Contains("http://evil.org/x"));
}

TEST(ViewUris, names_hosts_and_domains) {
  const ViewOf view("Subject: s\n\nhttp://www.shop.co.uk/ http://192.0.2.1/\n");
  ASSERT_EQ(view->uri_details().size(), 2U);
  EXPECT_THAT(view->uri_details()[0].domains, ElementsAre("shop.co.uk"));
  EXPECT_EQ(view->uri_details()[0].hosts[0].first, "www.shop.co.uk");
  EXPECT_THAT(view->uri_details()[1].domains, ElementsAre("192.0.2.1"));
}

TEST(ViewUris, takes_them_from_html_and_signatures) {
  const ViewOf view(
      "Content-Type: text/html\nDKIM-Signature: v=1; d=sig.com; s=x\n\n<a href=\"http://a.com/\">click</a>");
  const auto details = view->uri_details();
  const auto find = [&](std::string_view uri) { return std::ranges::find(details, uri, &UriDetail::uri); };
  ASSERT_NE(find("http://a.com/"), details.end());
  EXPECT_THAT(find("http://a.com/")->anchor_texts, ElementsAre("click"));
  ASSERT_NE(find("domainkeys:sig.com"), details.end());
  EXPECT_THAT(find("domainkeys:sig.com")->cleaned, IsEmpty());
}

TEST(ViewUris, takes_bounded_time_on_runs_without_a_blank) {
  std::string text;
  for (int i = 0; i < 6'000; ++i) text += "mailto:";
  EXPECT_THAT(uris_in(text), IsEmpty());
}

TEST(UriReference, is_resolved_as_rfc3986_says) {
  const std::string_view base = "http://a/b/c/d;p?q";
  for (const auto& [reference, absolute] :
       std::vector<std::pair<std::string, std::string>>{{"g:h", "g:h"},
                                                        {"g", "http://a/b/c/g"},
                                                        {"./g", "http://a/b/c/g"},
                                                        {"g/", "http://a/b/c/g/"},
                                                        {"/g", "http://a/g"},
                                                        {"//g", "http://g"},
                                                        {"?y", "http://a/b/c/d;p?y"},
                                                        {"g?y", "http://a/b/c/g?y"},
                                                        {"#s", "http://a/b/c/d;p?q#s"},
                                                        {"", "http://a/b/c/d;p?q"},
                                                        {".", "http://a/b/c/"},
                                                        {"..", "http://a/b/"},
                                                        {"../g", "http://a/b/g"},
                                                        {"../../g", "http://a/g"},
                                                        {"../../../g", "http://a/g"},
                                                        {"http:g", "http://a/b/c/g"}})
    EXPECT_EQ(resolve_uri(base, reference), absolute) << reference;
  EXPECT_EQ(resolve_uri("", "//www.x.com/y"), "http://www.x.com/y");
}

TEST(Registrar, finds_the_registered_domain) {
  const ViewSettings settings =
      make_view_settings(settings_of("util_rb_tld com uk us\nutil_rb_2tld co.uk\nutil_rb_3tld a.b.com\n"));
  const RegistrarBoundaries& registrars = settings.registrars;
  EXPECT_EQ(registrars.trim_domain("www.foo.com"), "foo.com");
  EXPECT_EQ(registrars.trim_domain("www.foo.co.uk"), "foo.co.uk");
  EXPECT_EQ(registrars.trim_domain("x.y.a.b.com"), "y.a.b.com");
  EXPECT_EQ(registrars.trim_domain("www.a.ci.la.ca.us"), "a.ci.la.ca.us");
  EXPECT_EQ(registrars.trim_domain("x.pvt.k12.ca.us"), "x.pvt.k12.ca.us");
  EXPECT_EQ(registrars.trim_domain("..Foo..COM."), "foo.com");
  EXPECT_TRUE(registrars.is_valid_domain("a.com"));
  EXPECT_FALSE(registrars.is_valid_domain("com"));
  EXPECT_FALSE(registrars.is_valid_domain("a.none"));
  EXPECT_EQ(registrars.host_of_uri("http://user@WWW.Foo.com:80/x").host, "www.foo.com");
  EXPECT_EQ(registrars.host_of_uri("mailto:a@foo.com?x").domain, "foo.com");
  EXPECT_EQ(registrars.host_of_uri("javascript:x.com").host, "");
  EXPECT_EQ(registrars.host_of_uri("http://f%6Fo.com/").host, "");
  EXPECT_TRUE(is_valid_fqdn("a-b.c_d.example.com"));
  EXPECT_FALSE(is_valid_fqdn("example"));
  EXPECT_FALSE(is_valid_fqdn("exa_mple.com"));
  EXPECT_FALSE(is_valid_fqdn("-a.example.com"));
  EXPECT_FALSE(is_valid_fqdn(std::string(64, 'a') + ".com"));
}

TEST(Networks, are_read_in_every_form) {
  Networks networks;
  EXPECT_TRUE(networks.add("192.0.2"));
  EXPECT_TRUE(networks.add("!10.1/16"));
  EXPECT_TRUE(networks.add("10."));
  EXPECT_TRUE(networks.add("[2001:db8::]/32"));
  EXPECT_FALSE(networks.add("10.0.0.0/33"));
  EXPECT_FALSE(networks.add("example.com"));
  EXPECT_FALSE(networks.add(""));
  const auto contains = [&](std::string_view ip) { return networks.contains(*parse_address(ip)); };
  EXPECT_TRUE(contains("192.0.2.9"));
  EXPECT_TRUE(contains("10.2.3.4"));
  EXPECT_FALSE(contains("10.1.3.4"));
  EXPECT_TRUE(contains("2001:db8::9"));
  EXPECT_FALSE(contains("198.51.100.1"));
}

TEST(MailAddresses, are_found_and_told_from_quotations) {
  const ViewSettings settings = make_view_settings(settings_of("util_rb_tld com\n"));
  const auto find = [&](std::string_view text) {
    const MailAddressPlace place = find_mail_address(text, 0, settings.registrars);
    return std::string(text.substr(place.begin, place.size));
  };
  EXPECT_EQ(find("to me.too@mail.a.com."), "me.too@mail.a.com");
  EXPECT_EQ(find("..b@a.com"), "b@a.com");
  EXPECT_EQ(find("b@a.none"), "");
  EXPECT_EQ(find(std::string(64, 'x') + "@a.com"), std::string(64, 'x') + "@a.com");
  EXPECT_EQ(find(std::string(65, 'x') + "@a.com"), "");
  EXPECT_EQ(without_quoted_addresses("<b@a.com> wrote to c@a.com", settings.registrars),
            "  wrote to c@a.com");
  EXPECT_EQ(without_quoted_addresses("From b@a.com Subject: x", settings.registrars), "From   x");
  EXPECT_EQ(without_quoted_addresses("b@a.com Tel: 1", settings.registrars), "b@a.com Tel: 1");
  EXPECT_EQ(without_quoted_addresses("http://x.com/?b@a.com y", settings.registrars), "  y");
}

}  // namespace
}  // namespace ringpost::filter
