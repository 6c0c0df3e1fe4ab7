// The spam filter between the end of a body and the spool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/intake/filtering.hpp"
#include "ringpost/intake/intake.hpp"
#include "ringpost/scan/data_unstuffer.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::intake {
namespace {

using spool::testing::Machine;
using spool::testing::Station;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kRules =
    "report_safe 0\nadd_header all Status _YESNO_ _SCORE_ _TESTS_\nbody PILLS /pills/\nscore PILLS 6\n"
    "header __FRIEND EnvelopeFrom =~ /^anna@/\nmeta FRIEND __FRIEND\nscore FRIEND 1\n";
const std::string kSpam = "From: anna@example.com\r\nSubject: x\r\n\r\npills\r\n";
const std::string kHam = "From: anna@example.com\r\nSubject: x\r\n\r\nhello\r\n";

// Says how often it was asked, and after which text.
class Counting final : public FactSource {
 public:
  Task<void> add(const filter::Engine&, const filter::MessageView& message, filter::Facts&) override {
    ++asked;
    body = std::string(message.body_block());
    co_return;
  }
  void judged(const filter::Engine&, const filter::MessageView&, const filter::Verdict& verdict) override {
    score = verdict.score;
  }
  int asked = 0;
  double score = -1;
  std::string body;
};

class IntakeFilter : public ::testing::Test {
 public:
  IntakeFilter() {
    at_.open();
    intake_ = std::make_unique<Intake>(machine_.core(), *at_.spool,
                                       std::make_shared<const Settings>(Settings{.hostname = "mx.example"}));
  }
  ~IntakeFilter() override {
    intake_.reset();
    at_.close();
  }
  void filter(filter::FilterOptions options) {
    const filter::RuleFile file{"local.cf", std::string(kRules)};
    const auto rules = filter::load_rules({&file, 1}, {});
    intake_->set_filter(std::make_shared<const FilterSettings>(
        FilterSettings{.engine = filter::Engine::interim(rules, {}), .options = std::move(options)}));
  }
  Task<void> do_take(std::string text, Origin origin, std::optional<Verdict>& verdict) {
    mail::Envelope to;
    to.set_reverse_path("anna@example.com");
    to.add_recipient({.address = "bert@example.org"});
    verdict = co_await intake_->take(std::as_bytes(std::span(text)), origin, to);
  }
  Verdict take(std::string text, Direction direction = Direction::inbound) {
    std::optional<Verdict> verdict;
    EXPECT_TRUE(machine_.run(do_take(std::move(text), {.direction = direction}, verdict)));
    return std::move(*verdict);
  }
  std::string stored(const Verdict& verdict) {
    EXPECT_FALSE(verdict.refusal);
    return verdict.refusal ? "" : at_.body(verdict.id).value();
  }

  Machine machine_{std::make_shared<io::SimWorld>(3)};
  Station at_{machine_};
  std::unique_ptr<Intake> intake_;
};

TEST_F(IntakeFilter, marks_what_comes_in_and_leaves_all_else) {
  filter({});
  EXPECT_THAT(stored(take(kSpam)), HasSubstr("\r\nX-Spam-Status: Yes 7.0 FRIEND,PILLS\r\n"));
  EXPECT_THAT(stored(take(kHam)), HasSubstr("\r\nX-Spam-Status: No 1.0 FRIEND\r\n"));
  for (const Direction direction : {Direction::internal, Direction::outbound})
    EXPECT_THAT(stored(take(kSpam, direction)), Not(HasSubstr("X-Spam")));
}

TEST_F(IntakeFilter, judges_what_goes_out_when_that_is_wanted) {
  filter({.outbound = filter::OutboundAction::reject});
  const Verdict verdict = take(kSpam, Direction::outbound);
  ASSERT_TRUE(verdict.refusal);
  EXPECT_EQ(verdict.refusal->code, 550);
  EXPECT_THAT(stored(take(kHam, Direction::outbound)), Not(HasSubstr("X-Spam")));
  EXPECT_FALSE(take(kSpam, Direction::internal).refusal);
}

TEST_F(IntakeFilter, refuses_and_discards_by_score_and_keeps_nothing) {
  filter({.reject_score = 7.0});
  EXPECT_EQ(take(kSpam).refusal->code, 550);
  filter({.reject_score = 7.1});
  EXPECT_FALSE(take(kSpam).refusal);
  EXPECT_EQ(at_.spool->message_count(), 1U);
  filter({.reject_score = 7.0, .discard_score = 7.0});
  EXPECT_FALSE(take(kSpam).refusal);
  EXPECT_EQ(at_.spool->message_count(), 1U);
}

TEST_F(IntakeFilter, writes_nothing_of_a_large_body_before_the_verdict) {
  filter({.spam = filter::SpamAction::reject});
  const Bytes before = machine_.core().buffers().in_use();
  ASSERT_TRUE(take(kSpam + std::string(5 * kWholeBodyMax, 'x') + "\r\n").refusal);
  EXPECT_EQ(at_.spool->message_count(), 0U);
  EXPECT_EQ(machine_.core().buffers().in_use().count, before.count);
}

TEST_F(IntakeFilter, keeps_every_byte_around_each_size_at_which_something_changes) {
  filter({.scan_size = Bytes{2 * kWholeBodyMax}});
  for (const std::size_t at : {kWholeBodyMax, 2 * kWholeBodyMax, 3 * kWholeBodyMax})
    for (const int by : {-9000, -600, -1, 0, 1, 600}) {
      const std::size_t size = at + static_cast<std::size_t>(by) - kSpam.size();
      const std::string text = kSpam + std::string(size, 'x') + "\r\n";
      const std::string found = stored(take(text));
      EXPECT_TRUE(found.ends_with(text)) << at << ' ' << by;
      EXPECT_THAT(found.substr(0, 500), HasSubstr("X-Spam-Status: Yes 7.0 FRIEND,PILLS\r\nFrom:"));
    }
}

TEST_F(IntakeFilter, loses_nothing_when_a_reload_turns_it_off_in_the_middle_of_a_body) {
  const std::string text = kSpam + std::string(3 * kWholeBodyMax, 'x') + "\r\n";
  std::optional<Verdict> verdict;
  const auto flow = [](IntakeFilter& test, const std::string& body,
                       std::optional<Verdict>& result) -> Task<void> {
    const Origin origin{.direction = Direction::inbound};
    mail::Envelope to;
    to.set_reverse_path("anna@example.com");
    to.add_recipient({.address = "bert@example.org"});
    auto draft = test.intake_->begin(origin, to, body.size());
    scan::BodyFactsPass pass;
    std::size_t rooms = 0;
    for (std::span<const std::byte> rest = std::as_bytes(std::span(body)); !rest.empty();) {
      if (draft->space().empty()) {
        EXPECT_FALSE(co_await test.intake_->more_room(*draft, origin, to));
        if (++rooms == 2) test.intake_->set_filter(nullptr);
        continue;
      }
      const std::size_t count = std::min(rest.size(), draft->space().size());
      pass.step(rest.first(count), draft->space().data());
      draft->advance(count);
      rest = rest.subspan(count);
    }
    result = co_await test.intake_->finish(std::move(*draft), origin, to, pass.finish());
  };
  filter({.scan_size = Bytes{8 * kWholeBodyMax}});
  ASSERT_TRUE(machine_.run(flow(*this, text, verdict)));
  EXPECT_TRUE(stored(*verdict).ends_with("\r\n" + text));
}

TEST_F(IntakeFilter, asks_its_sources_once_and_tells_them_the_verdict) {
  filter({});
  Counting source;
  intake_->set_fact_sources({&source});
  take(kSpam);
  EXPECT_EQ(source.asked, 1);
  EXPECT_EQ(source.body, "pills\n");
  EXPECT_EQ(source.score, 7.0);
  take(kSpam + std::string(100'000, 'x') + "\r\n");
  EXPECT_EQ(source.asked, 2);
  intake_->set_fact_sources({});
}

TEST_F(IntakeFilter, lets_the_envelope_say_what_is_to_become_of_it) {
  filter({.spam = filter::SpamAction::junk});
  const Verdict junk = take(kSpam);
  filter({.spam = filter::SpamAction::quarantine});
  const Verdict aside = take(kSpam);
  EXPECT_EQ(at_.load(junk.id)->envelope.facts().flags, mail::kJunk);
  EXPECT_EQ(at_.load(aside.id)->envelope.facts().flags, mail::kQuarantined);
  EXPECT_THAT(stored(aside),
              HasSubstr("\r\nX-Ringpost-Quarantine: score=7.0 required=5.0 tests=FRIEND,PILLS\r\n"));
  EXPECT_THAT(stored(aside), Not(HasSubstr("X-Spam-Status")));
}

}  // namespace
}  // namespace ringpost::intake
