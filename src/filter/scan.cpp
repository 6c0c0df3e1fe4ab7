#include "ringpost/filter/scan.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/filter/limits.hpp"

#include "captures.hpp"
#include "evaluation.hpp"

namespace ringpost::filter {

using patterns::Match;

namespace {

constexpr std::size_t kSuspectsUsual = 256;

constexpr std::size_t kStatesAtOnce = 8;

// Each rule that is not 0 for sure: most are, and seen eight at a time. There are so many zeros behind the states.
void for_each_open(std::span<const MetaClauses::State> states, const auto& visit) {
  constexpr std::uint64_t kAllZero = 0x0101010101010101ULL * MetaClauses::kZero;
  for (std::size_t first = 0; first + kStatesAtOnce <= states.size(); first += kStatesAtOnce) {
    std::uint64_t word = 0;
    std::memcpy(&word, &states[first], sizeof word);
    if (word == kAllZero) continue;
    for (std::size_t at = first; at < first + kStatesAtOnce; ++at)
      if (states[at] != MetaClauses::kZero) visit(static_cast<std::uint32_t>(at - 1));
  }
}

}  // namespace

Scan::Scan(std::shared_ptr<const Engine> engine, const MessageView& message, const Facts& facts,
           patterns::Scratch& scratch)
    : engine_(std::move(engine)),
      message_(message),
      facts_(facts),
      scratch_(scratch),
      hits_(engine_->begin().begin(), engine_->begin().end()),
      meta_values_(std::make_unique_for_overwrite<double[]>(hits_.size())),
      candidate_(hits_.size(), Candidate::no) {
  group_ends_.reserve(engine_->groups().size());
  suspects_.reserve(kSuspectsUsual);
}

bool Scan::advance() {
  switch (stage_) {
    case Stage::prepare:
      if (!message_.prepare_next()) stage_ = Stage::groups;
      return true;
    case Stage::groups: {
      // Groups of short texts share a step.
      const std::uint64_t before = bytes_read_;
      while (next_ < engine_->groups().size() && bytes_read_ - before < kStepBytes) scan_group(next_);
      if (next_ == engine_->groups().size()) {
        stage_ = Stage::evals;
        next_ = 0;
      }
      return true;
    }
    case Stage::known_metas:
      for (const std::uint32_t rule : engine_->existing()) hits(rule);
      settle_metas();
      stage_ = Stage::metas;
      return true;
    case Stage::evals:
      // Hidden ones wait until a meta asks.
      while (next_ < engine_->open_evals().size()) {
        const std::uint32_t rule = engine_->open_evals()[next_++];
        if (hits_[rule] != kUnknown) continue;
        hits(rule);
        return true;
      }
      stage_ = Stage::known_metas;
      next_ = 0;
      return true;
    case Stage::metas:
      for (const std::uint64_t before = bytes_read_;
           next_ < engine_->judged().size() && bytes_read_ - before < kStepBytes; ++next_)
        hits(engine_->judged()[next_]);
      if (next_ < engine_->judged().size()) return true;
      stage_ = Stage::done;
      return false;
    case Stage::done:
      return false;
  }
  return false;
}

// Everything that any expression reads is counted here.
bool Scan::charge(std::size_t bytes) {
  if (cut_short_) return false;
  bytes_read_ += bytes;
  cut_short_ = cut_short_ || bytes_read_ > kScanBytesMax;
  return !cut_short_;
}

std::uint32_t Scan::max_of(std::uint32_t rule) const {
  if ((engine_->traits(rule) & Engine::kMultiple) == 0) return 1;
  const RuleFlags& flags = engine_->rules().rule(rule).flags;
  return flags.hits_max == 0 ? kHitsMax : std::min(flags.hits_max, kHitsMax);
}

std::uint32_t Scan::hits(std::uint32_t rule) {
  if (hits_[rule] == kUnknown) {
    // Circles were taken out when the rules were read, so this ends.
    const std::uint32_t found = evaluate_now(rule);
    hits_[rule] = static_cast<std::int32_t>(found);
  }
  return static_cast<std::uint32_t>(hits_[rule]);
}

std::uint32_t Scan::evaluate_now(std::uint32_t rule) {
  const bool negated = (engine_->traits(rule) & Engine::kNegated) != 0;
  switch (engine_->kind(rule)) {
    case RuleKind::declared:
      return 0;
    case RuleKind::meta:
      return run_meta(rule);
    case RuleKind::eval:
      return run_eval(rule);
    case RuleKind::exists:
      return message_.has_header(engine_->groups()[engine_->spot(rule).group].request) ? 1 : 0;
    case RuleKind::header: {
      const Engine::Group& group = engine_->groups()[engine_->spot(rule).group];
      const auto text = message_.header(group.request);
      if (!text) return engine_->hits_unset(rule, scratch_) != negated ? 1 : 0;
      const std::uint32_t found = search_one(rule, *text, negated ? 1 : max_of(rule));
      return negated ? 1 - std::min(found, 1U) : found;
    }
    case RuleKind::mimeheader:
      return search_parts(rule);
    case RuleKind::full:
      return search_one(rule, message_.full(), max_of(rule));
    case RuleKind::body:
    case RuleKind::uri:
    case RuleKind::rawbody:
      return search_lines(rule, lines_of(rule));
  }
  return 0;
}

std::span<const std::string> Scan::lines_of(std::uint32_t rule) const {
  if (engine_->kind(rule) == RuleKind::uri) return message_.uris();
  if (engine_->kind(rule) == RuleKind::rawbody) return message_.rawbody();
  const auto lines = message_.body();
  return (engine_->traits(rule) & Engine::kNoSubject) != 0 && !lines.empty() ? lines.subspan(1) : lines;
}

// The subjects that the database named for a rule, once its group was scanned.
std::span<const Scan::Suspect> Scan::suspects_of(std::uint32_t rule) const {
  const std::uint32_t group = engine_->spot(rule).group;
  const std::size_t begin = group == 0 ? 0 : group_ends_[group - 1];
  const auto found = std::ranges::equal_range(std::span(suspects_).subspan(begin, group_ends_[group] - begin),
                                              rule, {}, &Suspect::rule);
  return {found.begin(), found.end()};
}

std::uint32_t Scan::search_lines(std::uint32_t rule, std::span<const std::string> lines) {
  const std::uint32_t max = max_of(rule);
  std::uint32_t found = 0;
  const auto search = [&](const std::string& line) {
    found += search_one(rule, line, max - found);
    return found < max;
  };
  if (candidate_[rule] == Candidate::listed) {
    for (const Suspect& suspect : suspects_of(rule))
      if (!search(lines[suspect.subject])) break;
    return found;
  }
  for (const std::string& line : lines)
    if (!search(line)) break;
  return found;
}

std::uint32_t Scan::search_one(std::uint32_t rule, std::string_view subject, std::uint32_t max) {
  if (!charge(subject.size())) return 0;
  const Engine::Spot spot = engine_->spot(rule);
  const patterns::Set& set = *engine_->groups()[spot.group].set;
  const Engine::Captures* captures =
      (engine_->traits(rule) & Engine::kCaptures) != 0 ? engine_->captures(rule) : nullptr;
  if (captures != nullptr && !captures->takes.empty()) {
    if (set.search(spot.index, subject, scratch_) != Match::yes) return 0;
    // One that gives too is not asked for itself again.
    if (!std::exchange(captured_, true))
      for (const std::uint32_t giver : engine_->capturing()) hits(giver);
    const auto pattern = with_captured(engine_->rules().rule(rule).pattern, captures_);
    if (!pattern) return 0;
    const auto expression = patterns::Expression::compile(*pattern);
    return expression ? expression->count(subject, max, scratch_) : 0;
  }
  std::uint32_t found = 0;
  if (max > 1) {
    found = set.count(spot.index, subject, max, scratch_);
  } else {
    const Match match = set.search(spot.index, subject, scratch_);
    found = match == Match::yes ? 1 : 0;
    gave_up_ += match == Match::gave_up ? 1 : 0;
  }
  if (found > 0 && captures != nullptr) take_captures(rule, subject);
  return found;
}

void Scan::take_captures(std::uint32_t rule, std::string_view subject) {
  const patterns::Expression* expression = engine_->captures(rule)->expression.get();
  std::array<patterns::Span, 32> spans{};
  if (expression == nullptr || expression->search(subject, 0, scratch_, spans) != Match::yes) return;
  for (const std::string& name : engine_->captures(rule)->gives) {
    const unsigned group = expression->group(name);
    if (group == 0 || group >= spans.size() || spans[group].start >= spans[group].end ||
        spans[group].end > subject.size())
      continue;
    std::vector<std::string>& values = captures_[name];
    std::string value(subject.substr(spans[group].start, spans[group].end - spans[group].start));
    if (values.size() < kCapturesMax && std::ranges::find(values, value) == values.end())
      values.push_back(std::move(value));
  }
}

// Part by part until one hits; a negated one hits when none does.
std::uint32_t Scan::search_parts(std::uint32_t rule) {
  const Rule& one = engine_->rules().rule(rule);
  const Engine::Group& group = engine_->groups()[engine_->spot(rule).group];
  std::string all;
  std::uint32_t found = 0;
  for (std::size_t part = 0; part < message_.part_count() && found == 0; ++part) {
    if (part + 1 > one.flags.part_last) break;
    if (part + 1 < one.flags.part_first) continue;
    auto text = message_.part_header(part, group.request.name, group.request.raw);
    if (!text) text = one.if_unset.value_or("");
    if (!one.flags.concat) {
      found = search_one(rule, *text, max_of(rule));
      continue;
    }
    all += *text;
    if (!all.ends_with('\n')) all += '\n';
  }
  if (one.flags.concat) found = search_one(rule, all, max_of(rule));
  return one.negated ? 1 - std::min(found, 1U) : found;
}

std::uint32_t Scan::run_eval(std::uint32_t rule) {
  const EvalFunction& function = engine_->eval(rule);
  if (!function) return 0;
  const EvalAnswer answer = function({message_, facts_, eval_scratch_});
  if (answer.missing != Fact::none && std::ranges::find(missing_, answer.missing) == missing_.end())
    missing_.push_back(answer.missing);
  return static_cast<std::uint32_t>(std::min<double>(answer.hits, engine_->most(rule)));
}

// Most metas are decided by what the databases said, and most of these by nothing at all: only those are worked out that name
// a rule which hit or is not known. Parts come before those that name them.
void Scan::settle_metas() {
  const auto metas = engine_->metas();
  // Metas are not known yet: they tell when their turn comes.
  for (const std::uint32_t meta : metas)
    if (hits_[meta] == kUnknown) hits_[meta] = 0;
  std::vector<MetaClauses::State> states(hits_.size() + 1 + kStatesAtOnce, MetaClauses::kZero);
  for (std::size_t rule = 0; rule < hits_.size(); ++rule)
    states[rule + 1] = MetaClauses::state_of(hits_[rule]);
  constexpr std::size_t kBits = 64;
  std::vector<std::uint64_t> changed((metas.size() + kBits - 1) / kBits, 0);
  const auto tell_users = [&](std::uint32_t rule) {
    for (const std::uint32_t user : engine_->users_of(rule))
      changed[user / kBits] |= std::uint64_t{1} << (user % kBits);
  };
  for_each_open(states, tell_users);
  for (const std::uint32_t place : engine_->resting()) {
    hits_[metas[place]] = static_cast<std::int32_t>(settle_meta(metas[place], engine_->rest(place)));
    states[metas[place] + 1] = MetaClauses::state_of(hits_[metas[place]]);
  }
  for (std::size_t word = 0; word < changed.size(); ++word)
    for (; changed[word] != 0;) {
      const auto place = static_cast<std::uint32_t>(word * kBits) +
                         static_cast<std::uint32_t>(std::countr_zero(changed[word]));
      changed[word] &= changed[word] - 1;
      if (work_out(place, states)) tell_users(metas[place]);
    }
}

// What can be said of a meta; true: its users may change.
bool Scan::work_out(std::uint32_t place, std::span<MetaClauses::State> states) {
  const std::uint32_t rule = engine_->metas()[place];
  MetaClauses::State state = MetaClauses::kMayBeZero | MetaClauses::kMayHit;
  Range result{0, 1};
  if (engine_->clauses().has(place)) state = engine_->clauses().state(place, states);
  if (state == MetaClauses::kMayBeZero) {
    result = {};
  } else if (state == MetaClauses::kMayHit || !engine_->clauses().has(place)) {
    const MetaTrees::Tree tree = engine_->meta(rule);
    result = range_with(tree, tree.root(), [this](std::uint32_t part) { return bounds_of(part); });
  }
  hits_[rule] = result.known() ? static_cast<std::int32_t>(settle_meta(rule, result.least)) : kUnknown;
  states[rule + 1] = MetaClauses::state_of(hits_[rule]);
  return !result.known() || meta_worth(result.least) != engine_->rest(place);
}

std::uint32_t Scan::run_meta(std::uint32_t rule) {
  return settle_meta(rule, evaluate_with(
                               engine_->meta(rule), [this](std::uint32_t part) { return value(part); },
                               [this](std::uint32_t part) { return bounds_of(part); }));
}

std::uint32_t Scan::settle_meta(std::uint32_t rule, double result) {
  if (result == 0) return 0;
  meta_values_[rule] = meta_worth(result);
  return 1;
}

double Scan::value(std::uint32_t rule) {
  hits(rule);
  return bounds_of(rule).least;
}

Range Scan::bounds_of(std::uint32_t rule) const {
  const std::int32_t found = hits_[rule];
  if (found == kUnknown) return {0, engine_->most(rule)};
  return Range::exactly(found > 0 && (engine_->traits(rule) & Engine::kMeta) != 0 ? meta_values_[rule]
                                                                                  : found);
}

}  // namespace ringpost::filter
