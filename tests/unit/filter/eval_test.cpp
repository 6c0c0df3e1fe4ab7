#include <gtest/gtest.h>

#include "filter/rule_dates.hpp"
#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

ViewOf html(std::string_view text) {
  return ViewOf("Subject: offer\nContent-Type: text/html\n\n" + std::string(text));
}

TEST(EvalHtml, answers_from_the_facts) {
  ViewOf view = html(
      "<html><body><img src=http://a.com/i width=100 height=10><font size=7 color=#fffffe>x</font></html>");
  EXPECT_TRUE(view.hits("html_test", {"html"}));
  EXPECT_TRUE(view.hits("html_test", {"font_low_contrast"}));
  EXPECT_FALSE(view.hits("html_test", {"embeds"}));
  EXPECT_TRUE(view.hits("html_tag_exists", {"body"}));
  EXPECT_FALSE(view.hits("html_tag_exists", {"center"}));
  EXPECT_TRUE(view.hits("html_tag_balance", {"body", "!= 0"}));
  EXPECT_FALSE(view.hits("html_tag_balance", {"html", "!= 0"}));
  EXPECT_TRUE(view.hits("html_range", {"max_size", "6", "inf"}));
  EXPECT_FALSE(view.hits("html_range", {"max_size", "5", "6"}));
  EXPECT_TRUE(view.hits("html_image_only", {"0", "400"}));
  EXPECT_TRUE(view.hits("html_image_ratio", {"0.000", "0.002"}));
  EXPECT_TRUE(view.hits("html_eval", {"length", "< 384"}));
}

TEST(EvalHtml, matches_texts) {
  ViewOf view = html("<!-- saved from url=(0022) --><title>" + std::string(30, 't') +
                     "</title><a href=http://a.com/>go</a>");
  EXPECT_TRUE(view.hits("html_text_match", {"comment", "saved from url=\\(\\d{4}\\)"}));
  EXPECT_TRUE(view.hits("html_text_match", {"anchor", "^go$"}));
  EXPECT_FALSE(view.hits("html_text_match", {"anchor", "stop"}));
  EXPECT_TRUE(view.hits("html_title_subject_ratio", {"3.5"}));
  EXPECT_FALSE(view.hits("html_title_subject_ratio", {"9"}));
}

TEST(EvalHtml, sees_links_that_go_elsewhere) {
  EXPECT_TRUE(
      html("<a href=http://evil.org/>https://bank.com/</a>").hits("check_https_http_mismatch", {"1", "10"}));
  EXPECT_FALSE(html("<a href=http://www.bank.com/>https://bank.com/</a>")
                   .hits("check_https_http_mismatch", {"1", "10"}));
  EXPECT_TRUE(html("<a href=http://192.0.2.1/>https://bank.com/</a>").hits("check_https_ip_mismatch"));
  EXPECT_TRUE(html("<iframe src=http://a.com/>").hits("check_iframe_src"));
}

TEST(EvalMime, looks_at_encodings_and_types) {
  ViewOf view("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n");
  EXPECT_TRUE(view.hits("check_for_mime", {"mime_base64_count"}));
  EXPECT_TRUE(view.hits("check_for_mime", {"mime_base64_encoded_text"}));
  EXPECT_FALSE(view.hits("check_for_mime", {"mime_qp_count"}));
  EXPECT_FALSE(view.hits("check_for_mime_html_only"));
  EXPECT_TRUE(html("x").hits("check_for_mime_html_only"));
  EXPECT_TRUE(ViewOf("Content-Type: text/plain\n\n\xE4\n").hits("check_for_ascii_text_illegal"));
  EXPECT_TRUE(ViewOf("Content-Transfer-Encoding: quoted-printable\n\n" + std::string(79, 'x') + "\n")
                  .hits("check_for_mime", {"mime_qp_long_line"}));
  EXPECT_FALSE(ViewOf("Content-Transfer-Encoding: quoted-printable\n\n" + std::string(78, 'x') + "\n")
                   .hits("check_for_mime", {"mime_qp_long_line"}));
}

std::string alternative(std::string_view text, std::string_view page) {
  return "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n" +
         std::string(text) + "\n--b\nContent-Type: text/html\n\n" + std::string(page) + "\n--b--\n";
}

TEST(EvalMime, compares_alternatives) {
  ViewOf same(alternative("one two three", "<p>one two three</p>"));
  EXPECT_FALSE(same.hits("multipart_alternative_difference", {"99", "100"}));
  ViewOf other(alternative("some words", "<p>one two three</p>"));
  EXPECT_TRUE(other.hits("multipart_alternative_difference", {"99", "100"}));
  ViewOf wordy(alternative("a b c d e f g h", "<p>x y</p>"));
  EXPECT_TRUE(wordy.hits("multipart_alternative_difference_count", {"3", "1"}));
  EXPECT_TRUE(ViewOf(alternative("", "<p>" + std::string(200, 'x')))
                  .hits("check_mime_multipart_ratio", {"0.00", "0.01"}));
}

TEST(EvalBody, measures) {
  EXPECT_TRUE(ViewOf("A: b\n\n" + std::string(128, 'x')).hits("check_body_length", {"128"}));
  EXPECT_FALSE(ViewOf("A: b\n\n" + std::string(129, 'x')).hits("check_body_length", {"128"}));
  EXPECT_TRUE(ViewOf("A: b\n\nThe word wide a b c\n").hits("tvd_vertical_words", {"20", "100"}));
  std::string shout;
  for (int i = 0; i < 40; ++i) shout += "BUY NOW ";
  EXPECT_TRUE(ViewOf("A: b\n\n" + shout).hits("check_for_uppercase", {"75", "100"}));
  EXPECT_TRUE(ViewOf("A: b\n\nTrade Date: today\nCompany: Foo\nSymbol: X\n").hits("check_stock_info", {"2"}));
}

TEST(EvalHeader, compares_fields) {
  ViewOf view("From: a@mail.one.com\nReturn-Path: <b@two.com>\nTo: joe@x.com\nSubject: joe, hello\n\n");
  EXPECT_TRUE(view.hits("check_equal_from_domains"));
  EXPECT_FALSE(view.hits("check_for_matching_env_and_hdr_from"));
  EXPECT_TRUE(view.hits("check_for_to_in_subject", {"user"}));
  EXPECT_FALSE(view.hits("check_for_missing_to_header"));
  EXPECT_TRUE(ViewOf("From: a@b.com\n\n").hits("check_for_missing_to_header"));
  EXPECT_TRUE(ViewOf("Subject: ONE TWO THREE\n\n").hits("subject_is_all_caps"));
  EXPECT_FALSE(ViewOf("Subject: Re: ONE TWO\n\n").hits("subject_is_all_caps"));
  EXPECT_TRUE(ViewOf("X: %RND_TEXT\n\n").hits("check_unresolved_template"));
  EXPECT_TRUE(ViewOf("Subject: a\nSubject: b\n\n").hits("check_header_count_range", {"Subject", "2", "999"}));
  EXPECT_FALSE(
      ViewOf("Subject: a\nSubject: a\n\n").hits("check_header_count_range", {"Subject", "2", "999"}));
  EXPECT_TRUE(ViewOf("Subject: \xE4\xF6\xFC\n\n").hits("check_illegal_chars", {"Subject", "0.00", "2"}));
  EXPECT_FALSE(ViewOf("Subject: \xC3\xA4\xC3\xB6\n\n").hits("check_illegal_chars", {"Subject", "0.00", "2"}));
}

TEST(EvalHeader, looks_at_recipients) {
  const std::string sorted = "To: a@x.com, b@x.com, c@x.com, d@x.com, e@x.com, f@x.com, g@x.com\n\n";
  EXPECT_TRUE(ViewOf(sorted).hits("sorted_recipients"));
  EXPECT_FALSE(ViewOf("To: b@x.com, a@x.com\n\n").hits("sorted_recipients"));
  EXPECT_TRUE(ViewOf("To: ab1@x.com, ab2@x.com, ab3@x.com, ab4@x.com, ab5@x.com\n\n")
                  .hits("similar_recipients", {"0.65", "undef"}));
}

constexpr std::string_view kReceived =
    "Received: from a.com (b.com [192.0.2.1]) by c.com (Postfix) with SMTP id X1234; Thu, 22 Aug 2002 "
    "12:00:00 +0000\n";

TEST(EvalReceived, judges_dates_against_received) {
  ViewOf late(std::string(kReceived) + "Date: Thu, 22 Aug 2002 16:00:00 +0000\n\n");
  EXPECT_TRUE(late.hits("check_for_shifted_date", {"3", "6"}));
  EXPECT_FALSE(late.hits("check_for_shifted_date", {"6", "12"}));
  ViewOf old(std::string(kReceived) + "Date: Thu, 15 Aug 2002 12:00:00 +0000\n\n");
  EXPECT_TRUE(old.hits("check_for_shifted_date", {"undef", "-96"}));
  EXPECT_EQ(old.eval("received_within_months", {"0", "2"}).missing, Fact::arrival);
}

TEST(EvalReceived, sees_forgery) {
  EXPECT_TRUE(
      ViewOf("Received: from 198.51.100.1 (b.com [192.0.2.1]) by c.com (Postfix) with SMTP id X1234\n\n")
          .hits("helo_ip_mismatch"));
  EXPECT_TRUE(ViewOf("Received: from aol.com (unknown [192.0.2.1]) by c.com (Postfix) with SMTP id X1234\n\n")
                  .hits("check_for_no_rdns_dotcom_helo"));
  EXPECT_TRUE(ViewOf(std::string(kReceived) + "From: x@yahoo.com\n\n")
                  .hits("check_for_forged_yahoo_received_headers"));
  EXPECT_TRUE(ViewOf(std::string(kReceived) + "From: x@gmail.com\n\n")
                  .hits("check_for_forged_gmail_received_headers"));
  EXPECT_TRUE(ViewOf(std::string(kReceived) + "From: x@hotmail.com\n\n")
                  .hits("check_for_no_hotmail_received_headers"));
  EXPECT_FALSE(ViewOf(std::string(kReceived) + "From: x@example.com\n\n")
                   .hits("check_for_forged_yahoo_received_headers"));
  EXPECT_TRUE(ViewOf("Subject: x\n\n").hits("check_no_relays"));
}

TEST(RuleDates, are_read_leniently) {
  EXPECT_EQ(parse_rule_date("Thu, 1 Jan 1970 00:01:00 +0000"), 60);
  EXPECT_EQ(parse_rule_date("1 Jan 70 01:00:00 CET"), 0);
  EXPECT_EQ(parse_rule_date("Thu Aug 22 12:00:00 2002"), parse_rule_date("22 Aug 2002 00:00"));
  EXPECT_EQ(parse_rule_date("31 Feb 2002 00:00:00 +0000"), parse_rule_date("1 Mar 2002 00:00:00 +0000"));
  EXPECT_EQ(parse_rule_date("22 Aug 9999 00:00 GMT"), parse_rule_date("22 Aug 2037 00:00 GMT"));
  EXPECT_EQ(parse_rule_date("yesterday"), std::nullopt);
}

TEST(EvalLists, welcome_and_block) {
  const std::string mail =
      std::string(kReceived) +
      "From: boss@corp.com\nTo: me@x.com\nReply-To: r@bad.top\nSubject: the Report\n\nhttp://www.shop.org/\n";
  EXPECT_TRUE(ViewOf(mail, "welcomelist_from *@corp.com\n").hits("check_from_in_whitelist"));
  EXPECT_FALSE(ViewOf(mail, "welcomelist_from *@corp.com\nunwelcomelist_from *@corp.com\n")
                   .hits("check_from_in_welcomelist"));
  EXPECT_TRUE(ViewOf(mail, "blocklist_from boss@corp.com\n").hits("check_from_in_blocklist"));
  EXPECT_TRUE(ViewOf(mail, "welcomelist_from_rcvd *@corp.com b.com\n").hits("check_from_in_welcomelist"));
  EXPECT_FALSE(
      ViewOf(mail, "welcomelist_from_rcvd *@corp.com other.com\n").hits("check_from_in_welcomelist"));
  EXPECT_TRUE(ViewOf(mail, "def_welcomelist_from_rcvd *@corp.com [192.0.2]\n")
                  .hits("check_from_in_default_welcomelist"));
  EXPECT_TRUE(ViewOf(mail, "welcomelist_to m?@x.com\n").hits("check_to_in_welcomelist"));
  EXPECT_TRUE(ViewOf(mail, "blocklist_subject report\n").hits("check_subject_in_blocklist"));
  EXPECT_TRUE(ViewOf(mail, "enlist_addrlist (TOPS) *@*.top\n").hits("check_replyto_in_list", {"TOPS"}));
  EXPECT_TRUE(ViewOf(mail, "enlist_uri_host (SHOPS) shop.org\n").hits("check_uri_host_listed", {"SHOPS"}));
  EXPECT_FALSE(ViewOf(mail, "enlist_uri_host (SHOPS) shop.org !www.shop.org\n")
                   .hits("check_uri_host_listed", {"SHOPS"}));
  EXPECT_TRUE(ViewOf(mail, "blocklist_uri_host shop.org\n").hits("check_uri_host_in_blacklist"));
}

TEST(EvalFreemail, knows_who_has_a_free_address) {
  const std::string_view lines = "freemail_domains free.com *.free.org\n";
  EXPECT_TRUE(ViewOf("From: Bob@Free.com\n\n", lines).hits("check_freemail_from"));
  EXPECT_TRUE(ViewOf("From: bob@mail.free.org\n\n", lines).hits("check_freemail_from"));
  EXPECT_FALSE(ViewOf("From: bob@a.b.free.org\n\n", lines).hits("check_freemail_from"));
  EXPECT_FALSE(ViewOf("From: abuse@free.com\n\n", lines).hits("check_freemail_from"));
  EXPECT_TRUE(ViewOf("From: a@b.com\nReply-To: bob7@free.com\n\n", lines)
                  .hits("check_freemail_header", {"Reply-To", "\\d@"}));
  EXPECT_TRUE(ViewOf("From: a@free.com\nReply-To: b@free.com\n\n", lines)
                  .hits("check_freemail_replyto", {"replyto"}));
  EXPECT_TRUE(
      ViewOf("From: a@free.com\n\nwrite to c@free.com\n", lines).hits("check_freemail_replyto", {"reply"}));
  EXPECT_FALSE(
      ViewOf("From: a@free.com\n\nwrite to a@free.com\n", lines).hits("check_freemail_replyto", {"reply"}));
}

TEST(EvalImages, measures_pictures) {
  // The head of a GIF of 2 by 3.
  ViewOf view(
      "Content-Type: image/gif; name=a.gif\nContent-Transfer-Encoding: base64\n\nR0lGODlhAgADAIAAAA==\n");
  EXPECT_TRUE(view.hits("image_count", {"gif", "1", "1"}));
  EXPECT_FALSE(view.hits("image_count", {"png", "1"}));
  EXPECT_TRUE(view.hits("image_size_exact", {"gif", "3", "2"}));
  EXPECT_TRUE(view.hits("pixel_coverage", {"all", "6", "6"}));
  EXPECT_TRUE(view.hits("image_named", {"a.gif"}));
}

TEST(EvalUri, sees_redirectors_and_bounces_of_own_mail) {
  EXPECT_TRUE(ViewOf("A: b\n\nhttp://a.com/?http://b.org/x\n").hits("check_for_http_redirector"));
  EXPECT_FALSE(ViewOf("A: b\n\nhttp://a.com/?http://www.a.com/x\n").hits("check_for_http_redirector"));
  const std::string bounce = "A: b\n\nReturned:\n> Received: from x\n>  by mx.own.com with SMTP\n";
  const std::string folded = "A: b\n\nReturned:\nReceived: from x\n  by mx.own.com with SMTP\n";
  EXPECT_FALSE(ViewOf(folded).hits("have_any_bounce_relays"));
  EXPECT_TRUE(ViewOf(folded, "welcomelist_bounce_relays mx*.own.com\n").hits("have_any_bounce_relays"));
  EXPECT_TRUE(
      ViewOf(folded, "welcomelist_bounce_relays mx*.own.com\n").hits("check_welcomelist_bounce_relays"));
  EXPECT_FALSE(
      ViewOf(folded, "welcomelist_bounce_relays mx.other.com\n").hits("check_whitelist_bounce_relays"));
  EXPECT_FALSE(
      ViewOf(bounce, "welcomelist_bounce_relays mx.other.com\n").hits("check_whitelist_bounce_relays"));
}

TEST(EvalAuth, answers_from_facts_or_names_the_missing_one) {
  ViewOf without("From: a@b.com\n\n");
  EXPECT_EQ(without.eval("check_for_spf_pass").missing, Fact::spf);
  EXPECT_EQ(without.eval("check_dkim_signed").missing, Fact::dkim);
  EXPECT_EQ(without.eval("check_bayes", {"0.99", "1.00"}).missing, Fact::bayes);
  Facts facts;
  facts.spf = SpfFact{.mail_from = AuthResult::pass};
  facts.dkim = {{.domain = "b.com", .selector = "s", .result = AuthResult::pass}};
  facts.bayes = 0.995;
  facts.envelope_from = "x@b.com";
  ViewOf with("From: a@b.com\n\n", "welcomelist_auth *@b.com\n", facts);
  EXPECT_TRUE(with.hits("check_for_spf_pass"));
  EXPECT_FALSE(with.hits("check_for_spf_helo_pass"));
  EXPECT_TRUE(with.hits("check_dkim_valid_author_sig"));
  EXPECT_TRUE(with.hits("check_dkim_valid", {"b.com"}));
  EXPECT_FALSE(with.hits("check_dkim_valid", {"c.com"}));
  EXPECT_TRUE(with.hits("check_for_spf_welcomelist_from"));
  EXPECT_TRUE(with.hits("check_for_dkim_whitelist_from"));
  EXPECT_TRUE(with.hits("check_bayes", {"0.99", "1.00"}));
  EXPECT_FALSE(with.hits("check_bayes", {"0.95", "0.99"}));
}

TEST(EvalSupport, refuses_a_wrong_number_of_arguments) {
  EXPECT_THROW(html("x").hits("html_range", {"length"}), std::runtime_error);
  EXPECT_THROW(html("x").hits("html_text_match", {"title", "("}), std::runtime_error);
}

}  // namespace
}  // namespace ringpost::filter
