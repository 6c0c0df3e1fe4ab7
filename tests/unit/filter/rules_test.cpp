#include "ringpost/filter/rules.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/view_settings.hpp"

#include "filter/arithmetic.hpp"
#include "filter/replace_tags.hpp"

namespace ringpost::filter {
namespace {

std::shared_ptr<const RuleSet> load(std::string text, LoadOptions options = {}) {
  const RuleFile file{"local.cf", std::move(text)};
  return load_rules({&file, 1}, options);
}

std::string problems(const RuleSet& rules) {
  std::string text;
  for (const Problem& problem : rules.problems())
    text += rules.place_text(problem.place) + ": " + problem.text + "\n";
  return text;
}

const Rule& rule(const RuleSet& rules, std::string_view name) {
  static const Rule none;
  const std::uint32_t index = rules.find(name);
  EXPECT_NE(index, kNoRule) << name;
  return index == kNoRule ? none : rules.rule(index);
}

TEST(Rules, reads_every_kind) {
  const auto rules = load(R"(
header H1   Subject =~ /free/i        # a comment
header H2   From:addr !~ m{@example\.com$} [if-unset: nobody@example.net]
header H3   exists:X-Mailer
header H4   eval:check_for_x('a b', "c", 1.5, word)
body B1     /one\#two/
rawbody R1  /<b>/
full F1     /^From/m
uri U1      m|^https?://|
mimeheader M1 Content-Type =~ /pdf/
meta META1  H1 && (B1 || !R1) > 0
describe H1 Says that it is free
tflags B1   multiple maxhits=3 nosubject
score H1    1 2 3 -4.5
score H2    0.7
priority H3 -100
)");
  EXPECT_EQ(problems(*rules), "");
  EXPECT_EQ(rule(*rules, "H1").kind, RuleKind::header);
  EXPECT_EQ(rule(*rules, "H1").header, "Subject");
  EXPECT_EQ(rule(*rules, "H1").description, "Says that it is free");
  EXPECT_EQ(rule(*rules, "H1").scores, (std::array<double, 4>{1, 2, 3, -4.5}));
  EXPECT_TRUE(rule(*rules, "H2").negated);
  EXPECT_EQ(rule(*rules, "H2").header, "From:addr");
  EXPECT_EQ(rule(*rules, "H2").if_unset, "nobody@example.net");
  EXPECT_EQ(rule(*rules, "H2").score(ScoreSet::bayes_net), 0.7);
  EXPECT_EQ(rule(*rules, "H3").kind, RuleKind::exists);
  EXPECT_EQ(rule(*rules, "H3").priority, -100);
  EXPECT_EQ(rule(*rules, "H4").function, "check_for_x");
  EXPECT_EQ(rule(*rules, "H4").arguments, (std::vector<std::string>{"a b", "c", "1.5", "word"}));
  EXPECT_EQ(rule(*rules, "B1").pattern.expression, "one#two");
  EXPECT_TRUE(rule(*rules, "B1").flags.multiple);
  EXPECT_EQ(rule(*rules, "B1").flags.hits_max, 3U);
  EXPECT_TRUE(rule(*rules, "B1").flags.nosubject);
  EXPECT_EQ(rule(*rules, "M1").kind, RuleKind::mimeheader);
  EXPECT_FALSE(rule(*rules, "META1").meta.empty());
}

TEST(Rules, gives_default_scores) {
  const auto rules =
      load("body A /a/\nbody T_B /b/\nbody C /c/\ntflags C nice\nbody T_D /d/\ntflags T_D nice\n");
  EXPECT_EQ(rule(*rules, "A").score(ScoreSet::plain), 1);
  EXPECT_EQ(rule(*rules, "T_B").score(ScoreSet::net), 0.01);
  EXPECT_EQ(rule(*rules, "C").score(ScoreSet::bayes), -1);
  EXPECT_EQ(rule(*rules, "T_D").score(ScoreSet::bayes_net), -0.01);
}

TEST(Rules, adds_relative_scores) {
  const auto rules = load("body A /a/\nscore A 1 2 3 4\nscore A (0.5)\nscore A (1) (1) (1) (-1)\n");
  EXPECT_EQ(rule(*rules, "A").scores, (std::array<double, 4>{2.5, 3.5, 4.5, 3.5}));
}

TEST(Rules, names_errors_with_their_line_and_reads_on) {
  const auto rules = load(
      "body A /a/x/\nbody\nbody 1X /a/\nheader B Subject /b/\nscore C one\nbody D /d/\nwhatisthis 1\nmeta E "
      "A &&\n"
      "header F Subject:nonsense =~ /x/\nbody G /a(/e\n");
  EXPECT_EQ(problems(*rules),
            "local.cf:1: body A: '/' inside the expression needs a backslash\n"
            "local.cf:2: body: an expression begins with / or m and a delimiter\n"
            "local.cf:3: body 1X: '1X' is no name of a rule; it has letters, digits and '_', and begins with "
            "no digit\n"
            "local.cf:4: header B: =~ or !~ is missing; write NAME FIELD =~ /expression/\n"
            "local.cf:5: score C: 'one' is no number; write it as 1.5 or -0.1\n"
            "local.cf:7: there is no setting 'whatisthis'; take the line out\n"
            "local.cf:9: header F: ':nonsense' is no modifier of a header; they are raw, addr, name, host, "
            "domain, ip, revip, first and last\n"
            "local.cf:10: body G: unknown letter 'e' behind the expression\n"
            "local.cf:8: E: there is no rule A, so it counts as 0\n"
            "local.cf:8: E: the expression ends too early\n");
  EXPECT_EQ(rule(*rules, "D").kind, RuleKind::body);
}

TEST(Rules, say_what_an_unknown_word_was_meant_to_be) {
  EXPECT_EQ(problems(*load("requierd_score 4\nscoer A 1\n")),
            "local.cf:1: there is no setting 'requierd_score'; did you mean 'required_score'?\n"
            "local.cf:2: there is no setting 'scoer'; did you mean 'score'?\n");
}

// SpamAssassin takes "-1" and "1+2" for one word each, which is none of a meta; with blanks they are what they say.
TEST(Rules, of_metas_have_numbers_as_spamassassin_reads_them) {
  for (const char* bad : {"A -1", "A-1", "-1 + 2", "1+2", ".5 + A", "1. + A", "1.5.2", "A +2"}) {
    const auto rules = load(std::string("body A /a/\nmeta M ") + bad + "\n");
    EXPECT_NE(problems(*rules).find("local.cf:2: M: '"), std::string::npos) << bad;
    EXPECT_NE(problems(*rules).find("is no number; put blanks"), std::string::npos) << bad;
    EXPECT_TRUE(rule(*rules, "M").meta.empty()) << bad;
  }
  for (const char* good :
       {"A - 1", "- 1 + 2", "1 + 2", "0.5 + A", "A >= 2", "!A", "A * 10 > 25", "- A", "B2-B2"})
    EXPECT_EQ(problems(*load(std::string("body A /a/\nbody B2 /b/\nmeta M ") + good + "\n")), "") << good;
  EXPECT_EQ(problems(*load("body A /a/\nif version+1 > -1\nscore A 2\nendif\n")), "");
}

TEST(Rules, names_once_what_has_no_effect) {
  const auto rules = load(
      "dcc_timeout 3\ndcc_timeout 4\nloadplugin Mail::SpamAssassin::Plugin::TextCat\n"
      "loadplugin Mail::SpamAssassin::Plugin::Bayes\n");
  EXPECT_EQ(problems(*rules),
            "local.cf:1: 'dcc_timeout' has no effect here\n"
            "local.cf:3: the plugin Mail::SpamAssassin::Plugin::TextCat is not part of this filter, so its "
            "rules are left out\n");
}

TEST(Rules, obeys_conditions) {
  const auto rules = load(R"(
ifplugin Mail::SpamAssassin::Plugin::FreeMail
body A /a/
if !plugin(Mail::SpamAssassin::Plugin::FreeMail)
body B /b/
else
body C /c/
endif
else
body D /d/
if (version >= 3.004002)
body E /e/
else
body F /f/
endif
endif
if can(Mail::SpamAssassin::Conf::feature_capture_rules) && version >= 4.000000 && perl_version >= 5.010
body G /g/
endif
if (local_tests_only)
body H /h/
endif
if can(Mail::SpamAssassin::Conf::compat_welcomelist_blocklist)
body I /i/
endif
)");
  EXPECT_EQ(problems(*rules), "");
  std::string names;
  for (const Rule& rule : rules->rules()) names += rule.name;
  EXPECT_EQ(names, "ACG");
}

TEST(Rules, know_the_functions_of_plugins) {
  const auto rules = load(R"(
if has(Mail::SpamAssassin::Plugin::BodyEval::check_stock_info)
body A /a/
endif
if has(Mail::SpamAssassin::Plugin::BodyEval::check_nothing)
body B /b/
endif
if has(Mail::SpamAssassin::Plugin::NoSuch::check_stock_info)
body C /c/
endif
)");
  EXPECT_EQ(problems(*rules), "");
  ASSERT_EQ(rules->rules().size(), 1U);
  EXPECT_EQ(rules->rules()[0].name, "A");
}

TEST(Rules, skips_a_file_for_another_version) {
  const std::vector<RuleFile> files{{"old.cf", "require_version 3.2\nbody A /a/\n"},
                                    {"new.cf", "require_version 4.000001\nbody B /b/\n"}};
  const auto rules = load_rules(files, {});
  EXPECT_EQ(rules->find("A"), kNoRule);
  EXPECT_NE(rules->find("B"), kNoRule);
  EXPECT_EQ(rules->problems().size(), 1U);
}

TEST(Rules, names_unbalanced_conditions) {
  EXPECT_EQ(problems(*load("endif\nif 1\nbody A /a/\n")),
            "local.cf:1: 'endif' without an 'if'\nlocal.cf:2: this 'if' has no 'endif'\n");
}

TEST(Rules, skips_the_rest_of_a_file_whose_conditions_nest_too_deep) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t n = 0; n < depth; ++n) text += "if 1\n";
    text += "body INSIDE /a/\n";
    for (std::size_t n = 0; n < depth; ++n) text += "endif\n";
    return load(text + "body BEHIND /b/\n");
  };
  EXPECT_NE(nested(kConditionDepthMax)->find("BEHIND"), kNoRule);
  EXPECT_EQ(problems(*nested(kConditionDepthMax)), "");
  EXPECT_EQ(nested(kConditionDepthMax + 1)->find("BEHIND"), kNoRule);
  EXPECT_EQ(problems(*nested(kConditionDepthMax + 1)),
            "local.cf:101: 'if' nests too deep, so the rest of the file is skipped\n");
}

TEST(Rules, names_so_many_problems_and_counts_the_rest) {
  std::string text;
  for (std::size_t n = 0; n < 3 * kProblemsMax; ++n) text += "scoer" + std::to_string(n) + " 1\n";
  const auto rules = load(text);
  EXPECT_LE(rules->problems().size(), kProblemsMax + 1);
  EXPECT_NE(problems(*rules).find(std::to_string(2 * kProblemsMax)), std::string::npos);
}

TEST(Rules, takes_lines_of_its_language) {
  const auto rules =
      load("body A /a/\ndescribe A english\nlang de describe A deutsch\nlang en describe A english too\n");
  EXPECT_EQ(rule(*rules, "A").description, "english too");
}

TEST(Rules, reads_includes_and_stops_at_circles) {
  LoadOptions options;
  options.read = [](const std::string& path) -> Result<std::string> {
    if (path == "rules/b.cf") return "body B /b/\ninclude b.cf\n";
    return fail(ErrorKind::permanent, path + " is not there");
  };
  const RuleFile file{"rules/a.cf", "include b.cf\ninclude c.cf\nbody A /a/\n"};
  const auto rules = load_rules({&file, 1}, options);
  EXPECT_NE(rules->find("A"), kNoRule);
  EXPECT_NE(rules->find("B"), kNoRule);
  EXPECT_EQ(
      problems(*rules),
      "rules/b.cf:2: include: rules/b.cf includes itself\nrules/a.cf:2: include: rules/c.cf is not there\n");
}

TEST(Rules, name_a_circle_of_includes_once) {
  LoadOptions options;
  options.read = [](const std::string&) -> Result<std::string> {
    return "include a.cf\ninclude ./b.cf\ninclude b.cf\nbody B /b/\n";
  };
  const RuleFile file{"a.cf", "include b.cf\ninclude a.cf\ninclude b.cf\n"};
  EXPECT_EQ(problems(*load_rules({&file, 1}, options)),
            "b.cf:1: include: a.cf includes itself\nb.cf:2: include: b.cf includes itself\n");
}

TEST(Rules, refuse_scores_that_no_number_can_be_compared_with) {
  for (const char* bad : {"nan", "inf", "-inf", "infinity", "1e308", "0x10", "1000001", "-1000001", "1-2"}) {
    const auto rules = load(std::string("body A /a/\nscore A 2\nscore A ") + bad +
                            "\nrequired_score 7\nrequired_score " + bad + "\n");
    EXPECT_EQ(rule(*rules, "A").score(ScoreSet::plain), 2) << bad;
    EXPECT_EQ(rules->required_score(), 7) << bad;
    EXPECT_EQ(problems(*rules),
              fmt::format("local.cf:3: score A: '{0}' is no number; write it as 1.5 or -0.1\n"
                          "local.cf:5: required_score: a number is wanted, not '{0}'\n",
                          bad));
  }
  const auto rules = load("body A /a/\nscore A +1000000\nscore A (900000)\n");
  EXPECT_EQ(problems(*rules), "");
  EXPECT_EQ(rule(*rules, "A").score(ScoreSet::plain), 1e6);
}

TEST(Rules, take_the_first_of_two_scores) {
  const auto rules = load("body A /a/\nscore A 1.5 2\n");
  EXPECT_EQ(rule(*rules, "A").scores, (std::array<double, 4>{1.5, 1.5, 1.5, 1.5}));
  EXPECT_EQ(problems(*rules), "local.cf:2: score A: 1 or 4 numbers are expected, so the first counts\n");
  EXPECT_EQ(rules->problems()[0].severity, Severity::note);
}

TEST(Rules, know_truth_in_all_spellings) {
  for (const auto& [text, truth] : {std::pair{"yes", true}, std::pair{"Yes", true}, std::pair{"1", true},
                                    std::pair{"no", false}, std::pair{"NO", false}, std::pair{"0", false}})
    for (const char* key :
         {"use_bayes", "parse_dkim_uris", "skip_rbl_checks", "skip_uribl_checks", "bayes_auto_learn"}) {
      const auto rules = load(fmt::format("{} {}\n", key, text));
      EXPECT_EQ(problems(*rules), "");
      EXPECT_EQ(rules->settings().flag(key, !truth), truth) << key << ' ' << text;
    }
  const auto rules = load("use_bayes 0\nuse_bayes maybe\nuse_bayes\n");
  EXPECT_EQ(problems(*rules),
            "local.cf:2: use_bayes: 1 (yes) or 0 (no) is wanted, not 'maybe'\n"
            "local.cf:3: use_bayes: 1 (yes) or 0 (no) is wanted\n");
  EXPECT_FALSE(rules->settings().flag("use_bayes", true));
}

TEST(Rules, of_settings_obey_yes_and_no) {
  const auto off = load("use_bayes no\nparse_dkim_uris no\nfold_headers no\n");
  EXPECT_FALSE(make_bayes_settings(off->settings()).used);
  EXPECT_FALSE(make_view_settings(off->settings()).parse_dkim_uris);
  EXPECT_FALSE(make_bayes_settings(load("use_bayes_rules no\n")->settings()).used);
  EXPECT_FALSE(make_bayes_settings(load("bayes_auto_learn no\n")->settings()).autolearns);
}

TEST(Rules, name_values_that_are_none) {
  for (const char* bad : {"required_score abc",
                          "required_score",
                          "required_score 5x",
                          "trusted_networks 300.2.3.4",
                          "trusted_networks 192.0.2.0/24 garbage",
                          "internal_networks 1.2.3.4/99",
                          "trusted_networks",
                          "welcomelist_from",
                          "whitelist_from_rcvd foo",
                          "bayes_min_ham_num abc",
                          "bayes_min_ham_num -1",
                          "bayes_min_ham_num 1.5",
                          "rbl_timeout abc",
                          "rbl_timeout",
                          "tflags R maxhits=abc",
                          "tflags R maxhits=-1",
                          "tflags R range=a-b",
                          "replace_tag A",
                          "replace_tag",
                          "replace_rules",
                          "clear_trusted_networks 10/8",
                          "enlist_addrlist a@example.com",
                          "uridnssub R zone A",
                          "redirector_pattern /(/",
                          "redirector_pattern x",
                          "envelope_sender_header",
                          "bayes_token_sources nothing",
                          "dns_available perhaps",
                          "score R",
                          "lang",
                          "lang de"}) {
    const auto rules = load(std::string("body R /r/\n") + bad + "\n");
    ASSERT_EQ(rules->problems().size(), 1U) << bad << '\n' << problems(*rules);
    EXPECT_EQ(rules->problems()[0].severity, Severity::error) << bad;
    EXPECT_EQ(rules->problems()[0].place.line, 2U) << bad;
  }
  EXPECT_EQ(problems(*load("lang\n")), "local.cf:1: lang: a language and a line are wanted\n");
}

TEST(Rules, keep_values_as_spamassassin_takes_them) {
  EXPECT_EQ(problems(*load(
                "trusted_networks 10/8 192.168. !172.16.1.1 [2001:db8::]/32 ::1\nclear_trusted_networks\n"
                "rbl_timeout 15s 3 example.com\nrbl_timeout 5\nwhitelist_from_rcvd *@a.b c.d\n"
                "def_whitelist_from_dkim *@a.b\nenlist_uri_host (NAME) a.b\ndns_available test: a.b\n"
                "rewrite_header Subject\nreport\nuse_bayes yes\nrequired_hits 4.5\n"
                "body R /r/\ntflags R net nice maxhits=3 publish domains_only a ns notrim range=1-3\n")),
            "");
  EXPECT_EQ(load("rbl_timeout 2m 3\n")->settings().seconds("rbl_timeout"), 120);
}

TEST(Rules, note_what_names_no_rule) {
  const auto rules = load(
      "body R /r/\nscore NOBODY 3\nreplace_rules NEITHER\nmeta M R && NOR && NOR\n"
      "tflags R net nosuchflag\n");
  EXPECT_EQ(problems(*rules),
            "local.cf:5: tflags R: 'nosuchflag' is no flag\n"
            "local.cf:3: replace_rules: there is no rule NEITHER; mend the name, or take it out\n"
            "local.cf:2: score: there is no rule NOBODY; mend the name, or take the line out\n"
            "local.cf:4: M: there is no rule NOR, so it counts as 0\n");
  for (const Problem& problem : rules->problems()) EXPECT_NE(problem.severity, Severity::error);
  EXPECT_TRUE(rule(*rules, "R").flags.net);
}

TEST(Rules, read_files_of_editors_that_mark_or_end_lines_otherwise) {
  EXPECT_NE(load("\xef\xbb\xbf"
                 "body A /a/\n")
                ->find("A"),
            kNoRule);
  const auto rules = load("body A /a/\rbody B /b/\r");
  EXPECT_EQ(problems(*rules), "");
  EXPECT_EQ(rules->rules().size(), 2U);
  EXPECT_EQ(problems(*load("body A /a/\r\nscore A 1\r\n")), "");
}

TEST(Rules, name_a_file_without_text) {
  const RuleFile file{"x.cf", "", "not read: no regular file"};
  EXPECT_EQ(problems(*load_rules({&file, 1}, {})), "rules: x.cf: not read: no regular file\n");
}

TEST(Rules, past_their_limit_are_named_once) {
  std::string text;
  for (std::size_t n = 0; n < kRulesMax + 3; ++n) text += fmt::format("body R{} /a/\n", n);
  const auto rules = load(text);
  EXPECT_EQ(rules->rules().size(), kRulesMax);
  EXPECT_EQ(problems(*rules),
            "local.cf:50001: there are more than 50000 rules: from here on 3 are left out\n");
}

TEST(Rules, keeps_settings_in_todays_spelling) {
  const auto rules = load(
      "required_hits 4.5\nwhitelist_from *@example.com a@b.c\nunwhitelist-from a@b.c\nreport "
      "first\nclear_report_template\n"
      "report \"  Score _SCORE_\"\nreport second\n");
  EXPECT_EQ(problems(*rules), "");
  EXPECT_EQ(rules->required_score(), 4.5);
  EXPECT_EQ(rules->settings().words("welcomelist_from"),
            (std::vector<std::string_view>{"*@example.com", "a@b.c"}));
  EXPECT_EQ(rules->settings().lines("welcomelist_from").back().key, "unwelcomelist_from");
  EXPECT_EQ(rules->report_template(), "  Score _SCORE_\nsecond\n");
}

TEST(Rules, keeps_headers_to_add) {
  const auto rules = load(
      "add_header all Level _STARS(*)_\nadd_header spam Flag \"YES\\tsir\"\nadd_header ham Flag "
      "no\nremove_header ham level\n"
      "report_safe 0\n");
  ASSERT_EQ(rules->headers_for_spam().size(), 3U);
  EXPECT_EQ(rules->headers_for_spam()[1].value, "YES\tsir");
  EXPECT_EQ(rules->headers_for_spam()[2].name, "Report");
  ASSERT_EQ(rules->headers_for_ham().size(), 1U);
  EXPECT_EQ(rules->headers_for_ham()[0].name, "Flag");
  EXPECT_EQ(rules->report_safe(), 0U);
}

TEST(Rules, leaves_out_metas_that_need_themselves) {
  const auto rules = load("meta A B + 1\nmeta B C\nmeta C A\nmeta D 1\n");
  EXPECT_EQ(rules->problems().size(), 3U);
  EXPECT_TRUE(rule(*rules, "A").meta.empty());
  EXPECT_FALSE(rule(*rules, "D").meta.empty());
}

TEST(Rules, leaves_out_metas_that_stand_on_too_many) {
  const auto chain = [](unsigned length) {
    std::string text = "meta M1 1\n";
    for (unsigned n = 2; n <= length; ++n) text += fmt::format("meta M{} M{} && 1\n", n, n - 1);
    return text;
  };
  EXPECT_EQ(problems(*load(chain(kMetaChainMax))), "");
  const auto rules = load(chain(kMetaChainMax + 1));
  EXPECT_EQ(rules->problems().size(), 1U);
  EXPECT_TRUE(rule(*rules, fmt::format("M{}", kMetaChainMax + 1)).meta.empty());
}

TEST(Rules, hands_net_on_to_metas) {
  const auto rules = load("body A /a/\ntflags A net\nmeta B A && 1\n");
  EXPECT_TRUE(rule(*rules, "B").flags.net);
}

std::optional<double> nothing_known(std::uint32_t) {
  return std::nullopt;
}

TEST(Rules, sums_rules_by_a_glob) {
  const auto rules = load("body __A1 /a/\nbody __A2 /b/\nbody B /c/\nmeta __A3 rules_matching(__A*) >= 2\n");
  EXPECT_EQ(problems(*rules), "");
  const double two = evaluate(rule(*rules, "__A3").meta, [](std::uint32_t) { return 1.0; }, nothing_known);
  const double none = evaluate(rule(*rules, "__A3").meta, [](std::uint32_t) { return 0.0; }, nothing_known);
  EXPECT_EQ(two, 1);
  EXPECT_EQ(none, 0);
}

TEST(Rules, of_a_meta_are_not_asked_for_when_what_is_known_decides) {
  const auto rules = load("body __A /a/\nbody __B /b/\nmeta __C __A && __B\n");
  const auto& meta = rule(*rules, "__C").meta;
  const auto all_are = [](double value) { return [value](std::uint32_t) { return std::optional(value); }; };
  EXPECT_EQ(evaluate_known(meta, nothing_known), std::nullopt);
  EXPECT_EQ(evaluate_known(meta, all_are(0)), 0);
  EXPECT_EQ(evaluate_known(meta, all_are(1)), 1);
}

double calculated(std::string_view text) {
  const auto nodes = parse_arithmetic(
      text,
      [](std::string_view, std::optional<std::string_view>,
         std::vector<MetaNode>& made) -> Result<std::uint32_t> { return add_number(made, 2); });
  return nodes ? evaluate(*nodes, [](std::uint32_t) { return 0.0; }, nothing_known) : -999;
}

TEST(Arithmetic, binds_as_perl_does) {
  EXPECT_EQ(calculated("1 + 2 * 3 - 4 / 2"), 5);
  EXPECT_EQ(calculated("!0 + !5"), 1);
  EXPECT_EQ(calculated("(1 + 1) * 3 > 5 && 7"), 7);
  EXPECT_EQ(calculated("0 || 3 && 4"), 4);
  EXPECT_EQ(calculated("A || 5"), 2);
  EXPECT_EQ(calculated("1 - 1 - 1"), -1);
  EXPECT_EQ(calculated("- 3 + 1"), -2);
  EXPECT_EQ(calculated("3 == 3.0"), 1);
  EXPECT_EQ(calculated("2 != 2"), 0);
  EXPECT_EQ(calculated("5 ^ 1"), 4);
  EXPECT_EQ(calculated("1/0"), 0);
  EXPECT_EQ(calculated("()"), 0);
  EXPECT_EQ(calculated("A+A+A"), 6);
}

TEST(Arithmetic, chooses) {
  EXPECT_EQ(calculated("1 ? 3 : 4"), 3);
  EXPECT_EQ(calculated("0 ? 3 : 4"), 4);
  EXPECT_EQ(calculated("1 > 2 || A ? 1 + 2 : 4 + 5"), 3);
  EXPECT_EQ(calculated("0 ? 1 : 0 ? 2 : 5"), 5);
  EXPECT_EQ(calculated("1 ? 0 ? 6 : 7 : 8"), 7);
  EXPECT_EQ(calculated("(1 ? 2 : 3) * 5"), 10);
  for (const char* bad : {"1 ?", "1 ? 2", "1 ? : 2", "1 : 2", "? 1 : 2", "1 ? 2 :"})
    EXPECT_EQ(calculated(bad), -999) << bad;
  std::string chain;
  for (int n = 0; n < 5000; ++n) chain += "0 ? 1 : ";
  EXPECT_EQ(calculated(chain + "2"), -999);
}

TEST(Rules, of_a_choice_are_asked_for_when_it_falls_on_them) {
  const auto rules = load("body A /a/\nbody B /b/\nbody C /c/\nmeta M A ? B : C\n");
  EXPECT_EQ(problems(*rules), "");
  std::string asked;
  const auto value = [&](std::uint32_t index) {
    asked += rules->rule(index).name;
    return rules->rule(index).name == "A" ? 0.0 : 1.0;
  };
  EXPECT_EQ(evaluate(rule(*rules, "M").meta, value, nothing_known), 1);
  EXPECT_EQ(asked, "AC");
}

TEST(Arithmetic, refuses_what_is_none) {
  for (const char* bad : {"", "1 +", "(1", "1)", "1 2", "&& 1", "1 $ 2", "1x"})
    EXPECT_EQ(calculated(bad), -999) << bad;
  EXPECT_EQ(calculated(std::string(5000, '(') + "1" + std::string(5000, ')')), -999);
  EXPECT_EQ(calculated(std::string(5000, '!') + "1"), -999);
}

TEST(ReplaceTags, puts_letters_in) {
  ReplaceTags tags;
  tags.tags = {{"A", "[a@]"}, {"B", "(?:b|<A>)"}};
  tags.between = {{"W2", "[_ ]?"}};
  tags.after = {{"P2", "{1,2}"}};
  tags.before = {{"N", "n"}};
  EXPECT_EQ(*tags.apply("x<A>y<C>"), "x[a@]y<C>");
  EXPECT_EQ(*tags.apply("<inter W2><post P2><A><B>"), "[_ ]?[a@]{1,2}[_ ]?(?:b|[a@]){1,2}");
  EXPECT_EQ(*tags.apply("<pre N><A>"), "n[a@]");
  EXPECT_EQ(*tags.apply("(?<!a)b>c"), "(?<!a)b>c");
}

TEST(ReplaceTags, refuses_to_grow_without_bound) {
  ReplaceTags tags;
  tags.tags = {
      {"A",
       "<A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A><A>"}};
  EXPECT_FALSE(tags.apply("<A><A><A><A><A><A><A><A><A><A>").has_value());
}

}  // namespace
}  // namespace ringpost::filter
