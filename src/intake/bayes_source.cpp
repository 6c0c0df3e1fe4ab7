#include "ringpost/intake/bayes_source.hpp"

#include <algorithm>

#include "ringpost/filter/scan.hpp"
#include "ringpost/intake/limits.hpp"
#include "ringpost/mail/address.hpp"

namespace ringpost::intake {

namespace {

std::int64_t seconds(WallTime time) {
  return time.nanoseconds / 1'000'000'000;
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

tables::Learned learned_as(filter::MailKind kind) {
  return kind == filter::MailKind::spam ? tables::Learned::spam : tables::Learned::ham;
}

// Nothing: this mail is not to be learned.
std::optional<tables::BayesLesson> lesson_of(const filter::Engine& engine, std::string_view text,
                                             filter::MailKind kind, std::int64_t now) {
  patterns::Scratch scratch;
  const filter::Facts facts;
  const filter::MessageView message(text, engine.view_settings(), facts, scratch);
  if (filter::is_ignored_by_bayes(message, engine.bayes_settings())) return std::nullopt;
  filter::BayesReader reader(message, engine.bayes_settings());
  while (reader.advance()) {
  }
  // A date that lies ahead would keep its tokens for ever.
  return tables::BayesLesson{.owner = {},
                             .message = filter::learning_id(message),
                             .as = learned_as(kind),
                             .time = std::min(filter::received_time(message).value_or(now), now),
                             .tokens = {reader.tokens().begin(), reader.tokens().end()}};
}

}  // namespace

BayesSource::BayesSource(shard::Core& core, tables::Bayes& bayes, bool per_user)
    : core_(core), bayes_(bayes), per_user_(per_user), refreshed_(core.now()), written_(core) {
  auto& registry = core.figures();
  registry.add("bayes_judged", "Messages of which Bayes had an opinion.", figures_.judged);
  registry.add("bayes_learned_spam",
               "Messages that were learned as spam, by themselves or as people moved them to Junk.",
               figures_.learned_spam);
  registry.add("bayes_learned_ham",
               "Messages that were learned as ham, by themselves or as people moved them out of Junk.",
               figures_.learned_ham);
  registry.add("bayes_dropped", "Messages that were not learned, for more came than could be written.",
               figures_.dropped);
  registry.add("bayes_write_failures", "Batches of lessons that could not be written.", figures_.failed);
}

const tables::BayesView& BayesSource::view() {
  if (const std::uint64_t newest = bayes_.generation(); !view_ || newest != generation_) {
    view_ = bayes_.view();
    generation_ = newest;
  }
  return *view_;
}

filter::BayesTotals BayesSource::totals_of(const std::string& owner) {
  const auto* known = view().owner(owner);
  if (known == nullptr) return {};
  return {known->spam.load(std::memory_order_relaxed), known->ham.load(std::memory_order_relaxed)};
}

// Mail to several has no one user, and a user who has taught too little is served by the site.
std::string BayesSource::owner_of(const filter::BayesSettings& settings, const filter::Facts& facts) {
  if (!per_user_ || facts.recipients.size() != 1) return {};
  const std::string user = lower_case(facts.recipients.front());
  return filter::is_trained(totals_of(user), settings) ? user : std::string();
}

Task<void> BayesSource::add(const filter::Engine& engine, const filter::MessageView& message,
                            filter::Facts& facts) {
  const filter::BayesSettings& settings = engine.bayes_settings();
  if (!settings.used || filter::is_ignored_by_bayes(message, settings)) co_return;
  filter::BayesReader reader(message, settings);
  Instant slice = core_.backend().now();
  while (reader.advance()) {
    if (core_.backend().now() - slice < kScanSlice) continue;
    co_await shard::Yield{core_};
    slice = core_.backend().now();
  }
  facts.bayes_tokens.assign(reader.tokens().begin(), reader.tokens().end());
  judge(settings, facts);
  // What commands learn meanwhile is taken in from time to time.
  if (core_.now() - refreshed_ >= kBayesRefresh) begin_writing();
}

void BayesSource::judge(const filter::BayesSettings& settings, filter::Facts& facts) {
  const std::string owner = owner_of(settings, facts);
  const filter::BayesTotals totals = totals_of(owner);
  if (!filter::is_trained(totals, settings)) return;
  const std::uint32_t id = view().owner(owner)->id;
  std::vector<tables::TokenKey> keys;
  keys.reserve(facts.bayes_tokens.size());
  for (const std::uint64_t token : facts.bayes_tokens) keys.push_back(tables::token_key(id, token));
  std::vector<tables::TokenCount> found(keys.size());
  view().tokens().look_up(keys, found);
  std::vector<filter::BayesCount> counts;
  counts.reserve(found.size());
  for (const tables::TokenCount& one : found) counts.push_back({one.spam, one.ham});
  const filter::BayesJudgement judgement = filter::judge(facts.bayes_tokens, counts, totals, settings);
  facts.bayes = judgement.probability;
  if (!judgement.probability) return;
  figures_.judged.add();
  // Tokens that were of use are young again; half a day is as exact as their age is kept.
  const std::int64_t now = seconds(core_.wall_now());
  tables::BayesUse use{.owner = owner, .time = now, .tokens = {}};
  for (const std::uint32_t position : judgement.significant)
    if (found[position].half_day < tables::half_day_of(now))
      use.tokens.push_back(facts.bayes_tokens[position]);
  if (use.tokens.empty() || uses_.size() >= kLessonsMax) return;
  uses_.push_back(std::move(use));
  begin_writing();
}

void BayesSource::judged(const filter::Engine& engine, const filter::MessageView& message,
                         const filter::Verdict& verdict) {
  const filter::Facts& facts = message.facts();
  if (facts.bayes_tokens.empty()) return;
  const auto kind = filter::autolearned(verdict, engine.rules(), engine.bayes_settings());
  if (!kind) return;
  // Users teach for themselves alone by hand; what is learned by itself is the site's.
  learn({.owner = {},
         .message = filter::learning_id(message),
         .as = learned_as(*kind),
         .only_if_new = true,
         .time = seconds(facts.arrival.value_or(core_.wall_now())),
         .tokens = facts.bayes_tokens});
}

Task<void> BayesSource::teach(std::shared_ptr<const filter::Engine> engine, std::string user,
                              filter::MailKind kind, std::string message) {
  const std::int64_t now = seconds(core_.wall_now());
  auto lesson = co_await shard::offload(
      core_, [&engine, &message, kind, now] { return lesson_of(*engine, message, kind, now); });
  if (!lesson) co_return;
  if (per_user_) lesson->owner = lower_case(std::move(user));
  learn(*std::move(lesson));
}

void BayesSource::learn(tables::BayesLesson lesson) {
  if (lessons_.size() >= kLessonsMax) {
    figures_.dropped.add();
    return;
  }
  (lesson.as == tables::Learned::spam ? figures_.learned_spam : figures_.learned_ham).add();
  lessons_.push_back(std::move(lesson));
  begin_writing();
}

void BayesSource::begin_writing() {
  if (writing_) return;
  writing_ = true;
  core_.spawn(write());
}

Task<void> BayesSource::write() {
  do {
    const auto lessons = std::exchange(lessons_, {});
    const auto uses = std::exchange(uses_, {});
    refreshed_ = core_.now();
    const std::int64_t now = seconds(core_.wall_now());
    const bool done = co_await shard::offload(core_, [&bayes = bayes_, &lessons, &uses, now] {
      bool good = bayes.refresh().has_value();
      if (!lessons.empty()) good = bayes.learn(lessons, now).has_value() && good;
      if (!uses.empty()) good = bayes.touch(uses).has_value() && good;
      return bayes.compact().has_value() && good;
    });
    if (!done) figures_.failed.add();
  } while (!lessons_.empty() || !uses_.empty());
  writing_ = false;
  written_.notify_all();
}

Task<void> BayesSource::stop() {
  while (writing_) co_await written_.wait();
}

}  // namespace ringpost::intake
