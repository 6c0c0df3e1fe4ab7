#include <array>
#include <thread>

#include <gtest/gtest.h>

#include "ringpost/filter/dns_answers.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/scan.hpp"

namespace ringpost::filter {
namespace {

std::shared_ptr<const RuleSet> load(std::string text) {
  const RuleFile file{"local.cf", std::move(text)};
  auto rules = load_rules({&file, 1}, {});
  for (const Problem& problem : rules->problems())
    if (problem.severity != Severity::note) ADD_FAILURE() << problem.text;
  return rules;
}

EvalRegistry evals() {
  EvalRegistry registry;
  registry.add("check_times", {1, 1}, [](const EvalCall&, std::span<const std::string> arguments) {
    return EvalAnswer::times(static_cast<std::uint32_t>(std::stoul(arguments[0])));
  });
  registry.let_count("check_times");
  registry.add("check_dns_fact", {0, 0}, [](const EvalCall& call, std::span<const std::string>) {
    return call.facts.dns ? EvalAnswer::of(true) : EvalAnswer::needs(Fact::dns);
  });
  registry.add("check_twice", {0, 0}, [](const EvalCall& call, std::span<const std::string>) {
    return EvalAnswer::of(++call.scratch.of<int>() == 1);
  });
  return registry;
}

constexpr std::string_view kMail =
    "From: \"Bob\" <bob@example.com>\r\n"
    "To: anna@example.org\r\n"
    "Subject: A free offer\r\n"
    "Content-Type: text/plain; charset=us-ascii\r\n"
    "\r\n"
    "Dear friend,\r\n"
    "\r\n"
    "buy now, buy now! See http://www.example.net/offer\r\n"
    "\r\n"
    "Last paragraph of this mail\r\n";

Verdict judge(const Engine& engine, std::string_view mail, const Facts& facts = {}) {
  patterns::Scratch scratch;
  const MessageView view(mail, engine.view_settings(), facts, scratch);
  Scan scan(std::shared_ptr<const Engine>(std::shared_ptr<void>(), &engine), view, facts, scratch);
  while (scan.advance()) {
  }
  return scan.verdict();
}

std::string names(const Engine& engine, const Verdict& verdict) {
  std::string text;
  for (const Hit& hit : verdict.hits) {
    text += (text.empty() ? "" : " ") + engine.rules().rule(hit.rule).name;
    if (hit.count > 1) text += "*" + std::to_string(hit.count);
  }
  return text;
}

// What hits is the same before and after compiling, and from the cache.
std::string hits(const std::string& rules, std::string_view mail = kMail, const EngineOptions& options = {}) {
  const auto set = load(rules);
  const EvalRegistry registry = evals();
  const auto interim = Engine::interim(set, options, registry);
  const auto compiled = Engine::compiled(set, options, registry);
  const auto restored = Engine::restored(set, options, compiled->cache(), registry);
  EXPECT_TRUE(restored.has_value());
  const std::string found = names(*compiled, judge(*compiled, mail));
  EXPECT_EQ(names(*interim, judge(*interim, mail)), found);
  if (restored) EXPECT_EQ(names(**restored, judge(**restored, mail)), found);
  return found;
}

// Three more rules for the same text, so that there is a database.
std::string with_others(const std::string& kind, const std::string& rules) {
  return rules + kind + " Z1 " + (kind == "header" ? "Subject =~ " : "") + "/zzzz1/\n" + kind + " Z2 " +
         (kind == "header" ? "Subject =~ " : "") + "/zzzz2/\n" + kind + " Z3 " +
         (kind == "header" ? "Subject =~ " : "") + "/zzzz3/\n";
}

TEST(Engine, matches_headers) {
  EXPECT_EQ(hits(with_others(
                "header",
                "header A Subject =~ /FREE/i\nheader B Subject =~ /\\boff/\nheader C Subject !~ /free/\n"
                "header D Subject !~ /nothing/\nheader E exists:To\nheader F exists:Cc\n"
                "header G From:addr =~ /^bob\\@example\\.com$/\nheader H From:name =~ /^Bob$/\n")),
            "A B D E G H");
}

TEST(Engine, takes_absent_headers_as_empty) {
  EXPECT_EQ(hits("header A Cc =~ /^$/\nheader B Cc =~ /x/\nheader C Cc !~ /x/\nheader D Cc =~ /none/ "
                 "[if-unset: none]\n"
                 "header E Cc !~ /none/ [if-unset: none]\n"),
            "A C D");
}

TEST(Engine, matches_paragraphs_one_by_one) {
  EXPECT_EQ(hits(with_others("body",
                             "body A /buy now/\nbody B /friend,\\s+buy/\nbody C /^Last/\nbody D /free "
                             "offer$/\nbody E /^buy.*buy/\n"
                             "body F /mail\\s$/\n")),
            "A C D E F");
}

TEST(Engine, counts_multiple_hits_and_scores_each) {
  const auto set = load(with_others("body",
                                    "body A /buy/\ntflags A multiple\nscore A 0.5\nbody B /[a-z]/\ntflags B "
                                    "multiple maxhits=5\nmeta C A >= 2 && B == 5\n"
                                    "body D /free/\ntflags D nosubject\nbody E /buy/\ntflags E nosubject\n"));
  const auto engine = Engine::compiled(set, {}, evals());
  const Verdict verdict = judge(*engine, kMail);
  EXPECT_EQ(names(*engine, verdict), "A*2 B*5 C E");
  EXPECT_DOUBLE_EQ(verdict.score, 2 * 0.5 + 5 + 1 + 1);
}

TEST(Engine, matches_uris_parts_raw_text_and_the_whole) {
  EXPECT_EQ(hits("util_rb_tld net\nuri A m{^http://www\\.example\\.net/}\nuri B /example\\.org/\nmimeheader "
                 "C Content-Type =~ "
                 "/us-ascii/\n"
                 "mimeheader D Content-Type !~ /us-ascii/\nmimeheader E Content-Id !~ /x/\nrawbody F "
                 "/friend,\\n\\nbuy/\nfull G /^From:/\nfull H /\\nSubject: A/\n"),
            "A C E F G H");
}

TEST(Engine, works_metas_out) {
  EXPECT_EQ(hits("body __A /buy/\nbody __B /sell/\nmeta C __A && !__B\nmeta D __A && __B\nmeta __E __A + "
                 "__B\nmeta F __E == 1\nmeta G F && C\n"
                 "meta H NO_SUCH_RULE || __A\nmeta I NO_SUCH_RULE\n"),
            "C F G H");
}

// Metas that no hit touches keep what they are worth without any, over each other too; one that is not touched may be true.
TEST(Engine, works_out_metas_that_nothing_touches) {
  std::string text =
      "body __OFFER /free offer/\nbody __NONE /zzzz/\nmeta A !__NONE\nmeta B A + 1\nmeta C B > 1 && "
      "!__OFFER\n"
      "meta D __NONE || __OFFER\nmeta E (__NONE + D) == 1\nmeta F A - 2\nmeta G F && D\nmeta M1 __OFFER\n";
  std::string expected = "A B D E F G";
  for (unsigned n = 2; n <= kMetaChainMax; ++n)
    text += "meta M" + std::to_string(n) + " M" + std::to_string(n - 1) + " && !__NONE\n";
  const auto engine = Engine::compiled(load(std::move(text)), {});
  const std::string hits = names(*engine, judge(*engine, kMail));
  EXPECT_TRUE(hits.starts_with(expected + " M1 ")) << hits;
  EXPECT_EQ(judge(*engine, kMail).hits.size(), 6U + kMetaChainMax);
}

// Each needs the one before it, or nests inside itself: what is too deep is named and never hits, and nothing runs out of stack.
TEST(Engine, holds_out_against_metas_that_nest_thousands_deep) {
  constexpr unsigned kDeep = 20'000;
  std::string text = "body __A /buy/\nmeta M1 __A\n";
  for (unsigned n = 2; n <= kDeep; ++n)
    text += "meta M" + std::to_string(n) + " M" + std::to_string(n - 1) + " && __A\n";
  text += "meta PARENTHESES " + std::string(kDeep, '(') + "__A" + std::string(kDeep, ')') + "\n";
  text += "meta NEGATIONS " + std::string(kDeep, '!') + "__A\n";
  // The other way round: the first line names the last.
  for (unsigned n = 1; n < kDeep; ++n)
    text += "meta R" + std::to_string(n) + " R" + std::to_string(n + 1) + " && __A\n";
  text += "meta R" + std::to_string(kDeep) + " __A\n";
  const RuleFile file{"local.cf", std::move(text)};
  const auto rules = load_rules({&file, 1}, {});
  EXPECT_GE(rules->problems().size(), 4U);
  const auto engine = Engine::interim(rules, {});
  EXPECT_EQ(judge(*engine, kMail).hits.size(), 2 * kMetaChainMax);
}

TEST(Engine, keeps_to_the_score_set) {
  const std::string rules =
      "body A /buy/\nscore A 0 1 0 1\nbody __P /buy/\nmeta B A && __P\nscore B 1 1 1 0\nmeta C A || __P\n";
  EXPECT_EQ(hits(rules), "C");
  EXPECT_EQ(hits(rules, kMail, {.score_set = ScoreSet::net}), "A B C");
  EXPECT_EQ(hits(rules, kMail, {.score_set = ScoreSet::bayes_net}), "A C");
}

// As SpamAssassin 4.0.1 has it.
TEST(Engine, never_hits_a_meta_that_names_a_meta_without_score) {
  EXPECT_EQ(hits("body __A /buy/\nmeta Z __A\nscore Z 0\nmeta B Z || __A\nmeta C B || __A\nmeta D __A\n"),
            "D");
}

TEST(Engine, asks_eval_functions) {
  EXPECT_EQ(hits("header A eval:check_times('2')\nheader B eval:check_times('0')\nmeta C A == 2\n"), "A C");
  const auto set =
      load("body A eval:check_dns_fact()\nbody B eval:check_twice()\nbody C eval:check_twice()\n");
  const auto engine = Engine::compiled(set, {}, evals());
  const Verdict verdict = judge(*engine, kMail);
  EXPECT_EQ(names(*engine, verdict), "B");
  EXPECT_EQ(verdict.missing, std::vector<Fact>{Fact::dns});
  Facts facts;
  facts.dns = std::make_shared<DnsAnswers>();
  EXPECT_EQ(names(*engine, judge(*engine, kMail, facts)), "A B");
}

TEST(Engine, leaves_network_and_bayes_rules_to_their_score_sets) {
  const std::string rules =
      "body A eval:check_times('1')\ntflags A net\nbody B eval:check_times('1')\ntflags B learn\nmeta C A + "
      "1\n";
  EXPECT_EQ(hits(rules), "C");
  EXPECT_EQ(hits(rules, kMail, {.score_set = ScoreSet::net}), "A C");
  EXPECT_EQ(hits(rules, kMail, {.score_set = ScoreSet::bayes_net}), "A B C");
}

TEST(Engine, names_functions_and_expressions_that_are_none) {
  const auto set =
      load("body A eval:no_such_function()\nbody B /(/\nbody C eval:check_times()\nbody D /buy/\n");
  const auto engine = Engine::interim(set, {}, evals());
  ASSERT_EQ(engine->problems().size(), 3U);
  EXPECT_EQ(names(*engine, judge(*engine, kMail)), "D");
}

TEST(Engine, hands_captures_on) {
  EXPECT_EQ(hits("header __TO To:addr =~ /(?<WHO>\\w+)@/\nbody A /paragraph of %{WHO}/\nbody B /Dear "
                 "%{WHO2}/\nheader __DEAR Subject =~ /A (?<WHAT>\\w+) offer/\n"
                 "body C /^A %{WHAT} off/\n"),
            "C");
}

TEST(Engine, refuses_the_cache_of_other_rules) {
  const auto one = load(with_others("body", "body A /buy now/\n"));
  const auto two = load(with_others("body", "body A /buy then/\n"));
  const std::string cache = Engine::compiled(one, {}, evals())->cache();
  EXPECT_TRUE(Engine::restored(one, {}, cache, evals()).has_value());
  EXPECT_FALSE(Engine::restored(two, {}, cache, evals()).has_value());
  EXPECT_FALSE(Engine::restored(one, {}, cache.substr(0, cache.size() - 1), evals()).has_value());
  EXPECT_FALSE(Engine::restored(one, {}, cache + "x", evals()).has_value());
  EXPECT_NE(Engine::cache_key(*one, {}), Engine::cache_key(*two, {}));
  EXPECT_EQ(Engine::cache_key(*one, {}),
            Engine::cache_key(*load(with_others("body", "body A /buy now/\n")), {}));
}

TEST(Engine, counts_autolearn_points_where_they_belong) {
  const auto set = load(
      "header H Subject =~ /free/\nscore H 1\nbody B /buy/\nscore B 2\nbody N /buy/\nscore N 4\ntflags N "
      "noautolearn\n"
      "meta M H && B\nscore M 3\nbody F /buy/\nscore F 0.5\ntflags F autolearn_force\n");
  const AutolearnPoints points = judge(*Engine::compiled(set, {}, evals()), kMail).autolearn;
  EXPECT_DOUBLE_EQ(points.all, 6.5);
  EXPECT_DOUBLE_EQ(points.head, 1 + 1.5);
  EXPECT_DOUBLE_EQ(points.body, 2 + 1.5 + 0.5);
  EXPECT_TRUE(points.forced);
}

// One engine, and so one copy of its databases, for all cores: each has but its own scratch, and all come to the same.
TEST(Engine, serves_all_cores_at_once) {
  std::string text = "meta B A0 && !A1\n";
  for (int i = 0; i < 40; ++i)
    text += "body A" + std::to_string(i) + (i % 2 == 0 ? " /buy\\W+now/\n" : " /b(u)y\\1\\s+later/\n");
  const auto engine = Engine::compiled(load(std::move(text)), {}, evals());
  const std::string expected = names(*engine, judge(*engine, kMail));
  EXPECT_TRUE(expected.contains("A38") && expected.ends_with(" B")) << expected;
  constexpr int kCores = 4, kMails = 50;
  std::array<int, kCores> same{};
  std::vector<std::thread> cores;
  for (int core = 0; core < kCores; ++core)
    cores.emplace_back([&, core] {
      for (int mail = 0; mail < kMails; ++mail)
        same[static_cast<std::size_t>(core)] += names(*engine, judge(*engine, kMail)) == expected ? 1 : 0;
    });
  for (std::thread& core : cores) core.join();
  for (const int count : same) EXPECT_EQ(count, kMails);
}

TEST(Engine, stays_within_its_budget) {
  // Each mail line costs one expression that no database holds off; many of them, and a mail that is large.
  std::string rules;
  for (int i = 0; i < 700; ++i)
    rules += "full A" + std::to_string(i) + " /(.)x\\1y" + std::to_string(i) + "z/\n";
  const auto engine = Engine::interim(load(rules), {}, evals());
  const std::string mail = std::string(kMail) + std::string(512 * 1024, 'a');
  const Verdict verdict = judge(*engine, mail);
  EXPECT_TRUE(verdict.cut_short);
  EXPECT_LE(verdict.bytes_read, kScanBytesMax + 2 * mail.size());
}

}  // namespace
}  // namespace ringpost::filter
