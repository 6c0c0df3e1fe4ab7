#include <map>

#include <gtest/gtest.h>

#include "ringpost/filter/dns_answers.hpp"
#include "ringpost/filter/engine.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/filter/scan.hpp"

#include "view_fixture.hpp"

namespace ringpost::filter {
namespace {

constexpr std::string_view kRelayed =
    "Received: from mx.far.example (mx.far.example [203.0.113.7]) by us.example with ESMTP; Thu, 1 Jan 2026 "
    "00:00:00 +0000\n"
    "Received: from home.far.example (home.far.example [203.0.113.99]) by mx.far.example with ESMTP; "
    "Thu, 1 Jan 2026 00:00:00 +0000\n"
    "From: someone@bad-sender.example\n";

// Rules, a mail, and a DNS that knows some names; asks in rounds as the server does.
class Asked {
 public:
  using Records = std::vector<dns::Data>;
  Asked(const std::string& rules, std::string mail,
        const std::vector<std::pair<std::string, Records>>& zone = {}, ScoreSet set = ScoreSet::net)
      : mail_(std::move(mail)) {
    const std::vector<RuleFile> files{
        {"t.cf", std::string(kRegistrars) +
                     "internal_networks 192.0.2.0/24\ntrusted_networks 192.0.2.0/24\n" + rules}};
    rules_ = load_rules(files, {});
    engine_ = Engine::interim(rules_, {.score_set = set});
    facts_.dns = std::make_shared<DnsAnswers>();
    facts_.envelope_from = "someone@bad-sender.example";
    view_.emplace(mail_, engine_->view_settings(), facts_, scratch_);
    std::map<std::string, Records> known;
    for (const auto& [name, records] : zone) known[name] = records;
    for (; rounds_ < 10; ++rounds_) {
      const auto questions = wanted_questions(*engine_, *view_, facts_);
      if (questions.empty()) break;
      for (const dns::Question& question : questions) {
        questions_.push_back(to_string(question));
        dns::Answer answer;
        const auto found = known.find(to_string(question));
        answer.status = found == known.end() ? dns::Status::nxdomain : dns::Status::ok;
        if (found != known.end()) answer.records = found->second;
        facts_.dns->add(question, std::move(answer));
      }
    }
    Scan scan(engine_, *view_, facts_, scratch_);
    while (scan.advance()) {
    }
    verdict_ = scan.verdict();
  }
  bool hits(std::string_view rule) const {
    return std::ranges::any_of(verdict_.hits,
                               [&](const Hit& hit) { return rules_->rule(hit.rule).name == rule; });
  }
  bool asked(std::string_view question) const {
    return std::ranges::find(questions_, question) != questions_.end();
  }
  const std::vector<std::string>& questions() const { return questions_; }
  unsigned rounds() const { return rounds_; }
  const Engine& engine() const { return *engine_; }

 private:
  std::string mail_;
  std::shared_ptr<const RuleSet> rules_;
  std::shared_ptr<const Engine> engine_;
  Facts facts_;
  patterns::Scratch scratch_;
  std::optional<MessageView> view_;
  Verdict verdict_;
  std::vector<std::string> questions_;
  unsigned rounds_ = 0;
};

Asked::Records a(std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {IpAddress::ipv4(127, b, c, d)};
}
std::string mail(std::string_view body = "hello\n") {
  return std::string(kRelayed) + "\n" + std::string(body);
}

TEST(Dnsbl, asks_about_the_relays_that_its_set_names) {
  const Asked all("header A eval:check_rbl('x', 'all.list.example.')\ntflags A net\n", mail());
  EXPECT_TRUE(all.asked("7.113.0.203.all.list.example A"));
  EXPECT_TRUE(all.asked("99.113.0.203.all.list.example A"));
  const Asked last("header A eval:check_rbl('x-lastexternal', 'last.list.example')\ntflags A net\n", mail());
  EXPECT_EQ(last.questions(), std::vector<std::string>{"7.113.0.203.last.list.example A"});
  const Asked not_first("header A eval:check_rbl('x-notfirsthop', 'l.example')\ntflags A net\n", mail());
  EXPECT_EQ(not_first.questions(), std::vector<std::string>{"7.113.0.203.l.example A"});
  const Asked untrusted("header A eval:check_rbl('x-untrusted', 'l.example')\ntflags A net\n", mail());
  EXPECT_EQ(untrusted.questions(), std::vector<std::string>{"99.113.0.203.l.example A"});
}

TEST(Dnsbl, hits_by_what_the_list_answers) {
  const std::string rules =
      "header ANY eval:check_rbl('x-lastexternal', 'l.example')\nheader RE eval:check_rbl('x-lastexternal', "
      "'l.example', "
      "'^127\\.0\\.0\\.[45]$')\nheader EXACT eval:check_rbl_sub('x-lastexternal', '127.0.0.4')\n"
      "header MASK eval:check_rbl_sub('x-lastexternal', '8')\nheader TEXT eval:check_rbl_txt('t', "
      "'l.example', '(?i:open)')\n"
      "tflags ANY net\ntflags RE net\ntflags EXACT net\ntflags MASK net\ntflags TEXT net\n";
  const Asked four(
      rules, mail(),
      {{"7.113.0.203.l.example A", a(0, 0, 4)}, {"7.113.0.203.l.example TXT", {dns::Txt{"an Open relay"}}}});
  EXPECT_TRUE(four.hits("ANY") && four.hits("RE") && four.hits("EXACT") && four.hits("TEXT"));
  EXPECT_FALSE(four.hits("MASK"));
  const Asked ten(rules, mail(), {{"7.113.0.203.l.example A", a(0, 0, 10)}});
  EXPECT_TRUE(ten.hits("ANY") && ten.hits("MASK"));
  EXPECT_FALSE(ten.hits("RE") || ten.hits("EXACT") || ten.hits("TEXT"));
  // A parked domain answers everything.
  const Asked parked(rules, mail(), {{"7.113.0.203.l.example A", {IpAddress::ipv4(198, 51, 100, 4)}}});
  EXPECT_FALSE(parked.hits("ANY") || parked.hits("RE") || parked.hits("MASK"));
}

TEST(Dnsbl, asks_for_a_hidden_rule_of_the_same_set) {
  const Asked asked(
      "header __LIST eval:check_rbl('zen', 'zen.example')\ntflags __LIST net\nheader SUB "
      "eval:check_rbl_sub('zen', "
      "'127.0.0.2')\ntflags SUB net\n",
      mail(), {{"99.113.0.203.zen.example A", a(0, 0, 2)}});
  EXPECT_TRUE(asked.hits("SUB"));
}

TEST(Dnsbl, asks_about_senders) {
  const Asked asked(
      "header FROM eval:check_rbl_envfrom('d', 'dbl.example')\ntflags FROM net\n"
      "header GONE eval:check_dns_sender()\ntflags GONE net\n",
      mail(), {{"bad-sender.example.dbl.example A", a(0, 1, 2)}});
  EXPECT_TRUE(asked.hits("FROM"));
  EXPECT_TRUE(asked.asked("bad-sender.example MX"));
  EXPECT_TRUE(asked.hits("GONE"));
}

TEST(Dnsbl, does_not_run_without_the_network) {
  const std::string rules = "header ANY eval:check_rbl('x', 'l.example')\ntflags ANY net\n";
  EXPECT_TRUE(Asked(rules, mail(), {}, ScoreSet::plain).questions().empty());
  EXPECT_TRUE(Asked(rules + "skip_rbl_checks 1\n", mail()).questions().empty());
  EXPECT_TRUE(Asked(rules + "dns_available no\n", mail()).questions().empty());
}

TEST(Dnsbl, feeds_metas) {
  const Asked asked(
      "header __L eval:check_rbl('x', 'l.example')\ntflags __L net\nbody __BUY /buy/\nmeta BOTH __L && "
      "__BUY\n",
      mail("buy\n"), {{"7.113.0.203.l.example A", a(0, 0, 2)}});
  EXPECT_TRUE(asked.hits("BOTH"));
}

TEST(UriDnsbl, asks_about_domains_or_whole_hosts_once_each) {
  const Asked asked(
      "urirhssub R dbl.example. A 127.0.1.2\nbody R eval:check_uridnsbl('R')\ntflags R net\n"
      "urirhsbl W whole.example A\nbody W eval:check_uridnsbl('W')\ntflags W net notrim domains_only\n"
      "uridnsbl_skip_domain fine.com\n",
      mail("http://www.evil.com/a http://www.evil.com/b http://www.fine.com/ http://203.0.113.5/x\n"),
      {{"evil.com.dbl.example A", a(0, 1, 2)}, {"www.evil.com.whole.example A", a(0, 0, 2)}});
  EXPECT_TRUE(asked.hits("R") && asked.hits("W"));
  EXPECT_TRUE(asked.asked("5.113.0.203.dbl.example A"));
  EXPECT_FALSE(asked.asked("5.113.0.203.whole.example A"));
  EXPECT_FALSE(asked.asked("fine.com.dbl.example A"));
  EXPECT_EQ(std::ranges::count(asked.questions(), "evil.com.dbl.example A"), 1);
}

TEST(UriDnsbl, follows_servers_to_their_addresses_in_rounds) {
  const auto target = [](std::string_view name) {
    return Asked::Records{dns::Target{dns::Name::parse(name).value()}};
  };
  const std::vector<std::pair<std::string, Asked::Records>> zone{
      {"evil.com NS", target("ns.host.net")},
      {"ns.host.net A", {IpAddress::ipv4(203, 0, 113, 53)}},
      {"53.113.0.203.sbl.example A", a(0, 0, 2)},
      {"host.net.nsl.example A", a(0, 0, 2)},
      {"www.evil.com A", {IpAddress::ipv4(203, 0, 113, 80)}},
      {"80.113.0.203.sbl.example A", a(0, 0, 3)}};
  const Asked asked(
      "uridnssub NS_IP sbl.example A 127.0.0.2\nbody NS_IP eval:check_uridnsbl('NS_IP')\ntflags NS_IP net\n"
      "uridnssub HOST_IP sbl.example A 127.0.0.3\nbody HOST_IP eval:check_uridnsbl('HOST_IP')\ntflags "
      "HOST_IP net a\n"
      "urinsrhsbl NS_NAME nsl.example A\nbody NS_NAME eval:check_uridnsbl('NS_NAME')\ntflags NS_NAME net\n",
      mail("http://www.evil.com/\n"), zone);
  EXPECT_TRUE(asked.hits("NS_IP") && asked.hits("HOST_IP") && asked.hits("NS_NAME"));
  EXPECT_LE(asked.rounds(), kDnsRoundsMax);
}

TEST(UriDnsbl, understands_masks_ranges_and_exact_answers) {
  const auto hit = [](std::string_view test, std::uint8_t c, std::uint8_t d) {
    return Asked("urirhssub R l.example A " + std::string(test) +
                     "\nbody R eval:check_uridnsbl('R')\ntflags R net\n",
                 mail("http://evil.com/\n"), {{"evil.com.l.example A", a(0, c, d)}})
        .hits("R");
  };
  EXPECT_TRUE(hit("2", 0, 6));
  EXPECT_FALSE(hit("2", 0, 4));
  EXPECT_TRUE(hit("127.0.1.2-127.0.1.9", 1, 9));
  EXPECT_FALSE(hit("127.0.1.2-127.0.1.9", 1, 10));
  EXPECT_TRUE(hit("127.0.1.0/255.255.255.0", 1, 77));
  EXPECT_FALSE(hit("127.0.1.0/255.255.255.0", 2, 77));
}

TEST(UriDnsbl, names_a_rule_without_a_list) {
  const Asked asked("body R eval:check_uridnsbl('R')\ntflags R net\n", mail());
  ASSERT_EQ(asked.engine().problems().size(), 1U);
  EXPECT_NE(asked.engine().problems()[0].text.find("urirhsbl"), std::string::npos);
}

TEST(DnsAnswers, notes_no_more_questions_than_one_mail_may_ask) {
  DnsAnswers answers;
  for (std::size_t n = 0; n < kDnsQuestionsMax + 10; ++n)
    EXPECT_EQ(answers.find({dns::Name::parse("h" + std::to_string(n) + ".example").value(), dns::Type::a}),
              nullptr);
  EXPECT_EQ(answers.take_wanted().size(), kDnsQuestionsMax);
  EXPECT_TRUE(answers.take_wanted().empty());
}

}  // namespace
}  // namespace ringpost::filter
