// Mails and rules that were made to hurt: each gets a verdict, for a counted amount of work.
#include <gtest/gtest.h>

#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/parts.hpp"
#include "ringpost/filter/scan.hpp"
#include "ringpost/filter/view_limits.hpp"

namespace ringpost::filter {
namespace {

constexpr std::string_view kRules =
    "util_rb_tld com org\n"
    "header HAS_SUBJECT Subject =~ /./\nscore HAS_SUBJECT 1\n"
    "body OFFER /offer/i\nscore OFFER 1\n"
    "body GAPS /o[\\W_]{0,3}f[\\W_]{0,3}f[\\W_]{0,3}[e3][\\W_]{0,3}r/i\nscore GAPS 1\n"
    "body BOTH /offer\\b.{0,90}\\b(?:today|tonight)/i\nscore BOTH 1\n"
    "body EXPLODES /^(?:a|aa|a(?=a))+$/\nscore EXPLODES 1\n"
    "rawbody RAW_OFFER /offer/\nscore RAW_OFFER 1\n"
    "rawbody RAW_TAG /<table/\nscore RAW_TAG 1\n"
    "rawbody RAW_GAPS /o.{1,5}f.{1,5}f/\nscore RAW_GAPS 1\n"
    "full ANYTHING /offer/\nscore ANYTHING 1\n"
    "uri ANY_URI /./\nscore ANY_URI 1\n";

struct Judged {
  Verdict verdict;
  std::size_t steps = 0;
  ParseFlags flags;
  std::string hits;
};

Judged judge(std::string_view mail, bool compiled = true) {
  const RuleFile file{"local.cf", std::string(kRules)};
  const auto rules = load_rules({&file, 1}, {});
  const auto engine = compiled ? Engine::compiled(rules, {}) : Engine::interim(rules, {});
  patterns::Scratch scratch;
  const Facts facts;
  const MessageView view(mail, engine->view_settings(), facts, scratch);
  Scan scan(engine, view, facts, scratch);
  Judged judged;
  while (scan.advance()) ++judged.steps;
  judged.verdict = scan.verdict();
  judged.flags = view.flags();
  for (const Hit& hit : judged.verdict.hits)
    judged.hits += (judged.hits.empty() ? "" : " ") + engine->rules().rule(hit.rule).name;
  return judged;
}

std::string mail_of(std::string_view type, std::string_view body, std::string_view more = "") {
  return "From: a@example.com\nSubject: An offer\nMIME-Version: 1.0\nContent-Type: " + std::string(type) +
         "\n" + std::string(more) + "\n" + std::string(body);
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t n = 0; n < times; ++n) all += text;
  return all;
}

TEST(BadInput, an_expression_that_explodes_is_given_up_and_counted) {
  for (const bool compiled : {true, false}) {
    const Judged judged = judge(mail_of("text/plain", std::string(1500, 'a') + "!\n\nthe offer\n"), compiled);
    EXPECT_GE(judged.verdict.gave_up, 1U);
    EXPECT_FALSE(judged.hits.contains("EXPLODES"));
    EXPECT_TRUE(judged.hits.contains("OFFER")) << judged.hits;
  }
}

TEST(BadInput, html_that_is_one_tag_in_another_has_a_verdict) {
  const std::string html = repeated("<div style=\"color:#fff\"><font size=1><table>", 30'000) + "offer" +
                           repeated("</table></font></div>", 30'000);
  const Judged judged = judge(mail_of("text/html", html));
  EXPECT_TRUE(judged.hits.contains("HAS_SUBJECT"));
  EXPECT_LT(judged.verdict.bytes_read, 64U * 1024 * 1024);
}

TEST(BadInput, html_that_swells_is_cut) {
  // A page whose text is many times its source, in entities and in lines of nothing.
  const Judged judged =
      judge(mail_of("text/html", repeated("&zwnj;<br>", 300'000) + repeated("<p>offer</p>", 50'000)));
  EXPECT_TRUE(judged.hits.contains("HAS_SUBJECT"));
  EXPECT_LT(judged.verdict.bytes_read, 64U * 1024 * 1024);
}

TEST(BadInput, a_thousand_parts_and_more_are_taken_up_to_the_limit) {
  std::string body;
  for (int n = 0; n < 3'000; ++n)
    body += "--x\nContent-Type: text/plain\n\noffer " + std::to_string(n) + "\n";
  const Judged judged = judge(mail_of("multipart/mixed; boundary=x", body + "--x--\n"));
  EXPECT_TRUE(judged.flags.part_limit_reached);
  EXPECT_TRUE(judged.hits.contains("OFFER"));
}

TEST(BadInput, base64_that_lies_is_read_as_far_as_it_goes) {
  for (const std::string_view body :
       {"b2ZmZXI=", "b2ZmZXI", "b2Zm\nZXI=\n====\n\xff\xff", "!!!!b2ZmZXI=", "=", "b", ""}) {
    const Judged judged = judge(mail_of("text/plain", body, "Content-Transfer-Encoding: base64\n"));
    EXPECT_TRUE(judged.hits.contains("HAS_SUBJECT")) << body;
  }
  EXPECT_TRUE(judge(mail_of("text/plain", "b2ZmZXI=", "Content-Transfer-Encoding: base64\n"))
                  .hits.contains("RAW_OFFER"));
}

TEST(BadInput, of_a_mail_of_fifty_megabytes_each_view_takes_its_part) {
  const Judged judged = judge(mail_of("text/plain", "offer\n\n" + std::string(50U * 1024 * 1024, 'x')));
  EXPECT_TRUE(judged.hits.contains("OFFER"));
  EXPECT_LE(judged.verdict.bytes_read, kScanBytesMax + 64U * 1024 * 1024);
}

TEST(BadInput, charsets_that_do_not_decode_leave_their_bytes) {
  for (const std::string_view charset :
       {"x-none", "utf-16", "utf-7", "iso-2022-jp", "gb18030", "\"\"", "utf-8"}) {
    const Judged judged =
        judge(mail_of("text/plain; charset=" + std::string(charset), "offer \xff\xfe\x80 \x1b$B offer\n"));
    EXPECT_TRUE(judged.hits.contains("HAS_SUBJECT")) << charset;
  }
}

TEST(BadInput, text_built_to_make_new_states_costs_no_more_than_searching) {
  std::string body;
  std::uint32_t random = 7;
  for (int n = 0; n < 40'000; ++n) {
    random = random * 1'664'525 + 1'013'904'223;
    body += "of3fer_. -OFFER\xc3\xa9"[random >> 28U];
  }
  const Judged compiled = judge(mail_of("text/plain", body));
  EXPECT_EQ(compiled.hits, judge(mail_of("text/plain", body), false).hits);
  EXPECT_LT(compiled.verdict.bytes_read, 64U * 1024 * 1024);
}

TEST(BadInput, uris_without_end_are_counted_up_to_the_limit) {
  std::string body;
  for (int n = 0; n < 20'000; ++n) body += "http://a" + std::to_string(n) + ".example.com/ ";
  const Judged judged = judge(mail_of("text/plain", body));
  EXPECT_TRUE(judged.hits.contains("ANY_URI"));
}

}  // namespace
}  // namespace ringpost::filter
