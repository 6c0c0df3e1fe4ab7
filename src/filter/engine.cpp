#include "ringpost/filter/engine.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

#include "captures.hpp"
#include "evaluation.hpp"
#include "meta_watch.hpp"

namespace ringpost::filter {

namespace {

constexpr std::string_view kCacheMagic = "RPfilter1\n";

}  // namespace

class EngineBuilder {
 public:
  EngineBuilder(std::shared_ptr<const RuleSet> rules, const EngineOptions& options,
                const EvalRegistry& registry)
      : engine_(new Engine), registry_(registry) {
    engine_->rules_ = std::move(rules);
    engine_->options_ = options;
    engine_->view_settings_ = make_view_settings(engine_->rules_->settings());
    engine_->bayes_settings_ = make_bayes_settings(engine_->rules_->settings());
  }
  EngineBuilder& as_compiled() {
    engine_->compiled_ = true;
    return *this;
  }

  using MakeSet = std::function<Result<std::shared_ptr<const patterns::Set>>(
      std::size_t group, std::vector<patterns::Pattern>, patterns::Subjects)>;
  Result<std::shared_ptr<const Engine>> build(const MakeSet& make_set) {
    const std::size_t count = rules().size();
    engine_->active_.assign(count, false);
    engine_->spots_.assign(count, {});
    engine_->evals_.resize(count);
    engine_->unset_ = std::make_unique<std::atomic<signed char>[]>(count);
    for (std::size_t rule = 0; rule < count; ++rule)
      engine_->unset_[rule].store(-1, std::memory_order_relaxed);
    activate();
    order_metas();
    bind_evals();
    group();
    connect_metas();
    list_rules();
    for (std::size_t index = 0; index < engine_->groups_.size(); ++index) {
      Engine::Group& group = engine_->groups_[index];
      group.set = RP_TRY(make_set(index, patterns_of(group), subjects_of(group)));
      for (std::uint32_t n = 0; n < group.rules.size(); ++n)
        if (const std::string_view problem = group.set->problem(n); !problem.empty())
          complain(group.rules[n], problem);
    }
    return std::shared_ptr<const Engine>(std::move(engine_));
  }

 private:
  std::span<const Rule> rules() const { return engine_->rules_->rules(); }
  const Rule& rule(std::uint32_t index) const { return engine_->rules_->rule(index); }
  void complain(std::uint32_t index, std::string_view text) {
    engine_->problems_.push_back(
        {Severity::error, rule(index).place, fmt::format("{}: {}", rule(index).name, text)});
  }

  // A rule without a score in this set is never run, not even for a meta.
  bool may_run(const Rule& rule) const {
    const auto set = static_cast<unsigned>(engine_->options_.score_set);
    if (rule.score(engine_->options_.score_set) == 0) return false;
    if (rule.kind != RuleKind::eval) return true;
    if ((rule.flags.net || rule.area == RuleArea::dns) && (set & 1U) == 0) return false;
    return !(rule.flags.learn && (set & 2U) == 0);
  }
  // SpamAssassin waits for all metas that a meta names, and one without a score is never worked out: so the first never hits
  // either, whatever its other parts say, nor does one that names it.
  std::vector<bool> waiting_for_ever() const {
    std::vector<bool> waits(rules().size(), false);
    for (bool changed = true; changed;) {
      changed = false;
      for (std::uint32_t index = 0; index < rules().size(); ++index) {
        const auto held = [&](const MetaNode& node) {
          return node.kind == MetaNode::Kind::rule && node.rule != kNoRule &&
                 rule(node.rule).kind == RuleKind::meta &&
                 (waits[node.rule] || rule(node.rule).score(engine_->options_.score_set) == 0);
        };
        if (waits[index] || std::ranges::none_of(rule(index).meta, held)) continue;
        waits[index] = changed = true;
      }
    }
    return waits;
  }
  void activate() {
    const std::vector<bool> waits = waiting_for_ever();
    std::vector<std::uint32_t> open;
    const auto activate_one = [&](std::uint32_t index) {
      if (index == kNoRule || engine_->active_[index] || waits[index] || !may_run(rule(index))) return;
      engine_->active_[index] = true;
      open.push_back(index);
    };
    for (std::uint32_t index = 0; index < rules().size(); ++index) {
      if (!rule(index).hidden() || engine_->options_.keep_hidden) activate_one(index);
      if (!names_given(rule(index).pattern.expression).empty()) activate_one(index);
    }
    while (!open.empty()) {
      const Rule& user = rule(open.back());
      open.pop_back();
      for (const MetaNode& node : user.meta)
        if (node.kind == MetaNode::Kind::rule) activate_one(node.rule);
    }
  }

  // Depth first; circles and long chains were taken out when the rules were read.
  void order_metas() {
    std::vector<bool> seen(rules().size(), false);
    const std::function<void(std::uint32_t)> visit = [&](std::uint32_t index) {
      if (seen[index] || !engine_->active_[index] || rule(index).kind != RuleKind::meta) return;
      seen[index] = true;
      for (const MetaNode& node : rule(index).meta)
        if (node.kind == MetaNode::Kind::rule && node.rule != kNoRule) visit(node.rule);
      engine_->metas_.push_back(index);
    };
    for (std::uint32_t index = 0; index < rules().size(); ++index) visit(index);
  }

  // What it takes to find out what a rule is worth, roughly: PCRE2 over a mail's text most.
  double cost_of(std::uint32_t index, const std::vector<double>& of_metas) const {
    const Rule& one = rule(index);
    const double size = std::log2(1 + static_cast<double>(one.pattern.expression.size()));
    switch (one.kind) {
      case RuleKind::meta:
        return of_metas[index];
      case RuleKind::exists:
      case RuleKind::declared:
        return 0.1;
      case RuleKind::header:
      case RuleKind::mimeheader:
        return size;
      case RuleKind::eval:
        return 4;
      default:
        return 4 * size;
    }
  }
  // The most that a rule is worth.
  float most_of(const Rule& one) const {
    const EvalRegistry::Entry* entry = one.kind == RuleKind::eval ? registry_.find(one.function) : nullptr;
    const bool many = one.flags.multiple || (entry != nullptr && entry->counts);
    return many ? std::numeric_limits<float>::infinity() : 1;
  }
  // Not below.
  static float rounded_up(double most) {
    const auto rounded = static_cast<float>(most);
    return static_cast<double>(rounded) < most
               ? std::nextafter(rounded, std::numeric_limits<float>::infinity())
               : rounded;
  }
  void connect_metas() {
    std::vector<std::vector<std::uint32_t>> users(rules().size());
    std::vector<double> values(rules().size(), 0), costs(rules().size(), 0);
    engine_->roots_.assign(rules().size(), 0);
    for (const Rule& one : rules()) {
      engine_->most_.push_back(most_of(one));
      engine_->kinds_.push_back(one.kind);
    }
    for (std::uint32_t place = 0; place < engine_->metas_.size(); ++place) {
      const std::uint32_t meta = engine_->metas_[place];
      const auto cost = [&](std::uint32_t index) { return cost_of(index, costs); };
      for (const MetaNode& node : rule(meta).meta)
        if (node.kind == MetaNode::Kind::rule && node.rule != kNoRule) costs[meta] += cost(node.rule);
      engine_->roots_[meta] = engine_->trees_.add(rule(meta).meta, cost);
      const MetaTrees::Tree tree = engine_->meta(meta);
      const Range any = range_with(tree, tree.root(), [&](std::uint32_t part) {
        return engine_->active_[part] ? Range{0, engine_->most(part)} : Range{};
      });
      engine_->most_[meta] = rounded_up(std::max(any.most, any.least < 0 ? 1 : 0.0));
      engine_->clauses_.add(tree, [&](std::uint32_t part) { return engine_->most(part) > 0; });
      const MetaWatch watch(
          tree, [&](std::uint32_t part) { return values[part]; },
          [&](std::uint32_t part) { return watch_cost(part); });
      for (const std::uint32_t part : watch.rules())
        if (engine_->active_[part] && (users[part].empty() || users[part].back() != place))
          users[part].push_back(place);
      values[meta] = meta_worth(watch.rest());
      engine_->rest_.push_back(values[meta]);
      if (values[meta] != 0) engine_->resting_.push_back(place);
    }
    for (const auto& list : users) {
      engine_->users_begin_.push_back(static_cast<std::uint32_t>(engine_->users_.size()));
      engine_->users_.insert(engine_->users_.end(), list.begin(), list.end());
    }
    engine_->users_begin_.push_back(static_cast<std::uint32_t>(engine_->users_.size()));
  }

  // How often a rule is anything but 0 before somebody asks, roughly.
  double watch_cost(std::uint32_t index) const {
    const Rule& one = rule(index);
    if (!engine_->active_[index]) return 0;
    if (one.kind == RuleKind::eval || one.negated) return 20;  // a hidden one is not known at all
    if (one.kind == RuleKind::meta) return 3;
    return one.kind == RuleKind::exists ? 8 : one.kind == RuleKind::header ? 2 : 1;
  }
  void list_rules() {
    std::vector<std::uint32_t> metas, by_name;
    for (std::uint32_t index = 0; index < rules().size(); ++index) {
      const Rule& one = rule(index);
      const auto trait = [](bool is, std::uint8_t bit) { return is ? bit : std::uint8_t{0}; };
      engine_->traits_.push_back(static_cast<std::uint8_t>(
          trait(one.hidden(), Engine::kHidden) | trait(one.negated, Engine::kNegated) |
          trait(engine_->captures(index) != nullptr, Engine::kCaptures) |
          trait(one.flags.nosubject, Engine::kNoSubject) | trait(one.flags.multiple, Engine::kMultiple) |
          trait(one.kind == RuleKind::meta, Engine::kMeta)));
      engine_->begin_.push_back(engine_->active_[index] && one.kind != RuleKind::declared ? -1 : 0);
      if (!engine_->active_[index]) continue;
      by_name.push_back(index);
      if (one.kind == RuleKind::exists) engine_->existing_.push_back(index);
      if (one.kind == RuleKind::eval && !one.hidden()) engine_->open_evals_.push_back(index);
      if (!one.hidden() || engine_->options_.keep_hidden)
        (one.kind == RuleKind::meta ? metas : engine_->judged_).push_back(index);
    }
    engine_->judged_.insert(engine_->judged_.end(), metas.begin(), metas.end());
    std::ranges::sort(by_name, {},
                      [this](std::uint32_t index) -> const std::string& { return rule(index).name; });
    engine_->name_ranks_.assign(rules().size(), 0);
    for (std::uint32_t rank = 0; rank < by_name.size(); ++rank) engine_->name_ranks_[by_name[rank]] = rank;
  }

  void bind_evals() {
    for (std::uint32_t index = 0; index < rules().size(); ++index) {
      const Rule& one = rule(index);
      if (one.kind != RuleKind::eval || !engine_->active_[index]) continue;
      const EvalRegistry::Entry* entry = registry_.find(one.function);
      if (entry == nullptr) {
        engine_->active_[index] = false;
        engine_->problems_.push_back(
            {Severity::unsupported, one.place,
             fmt::format("{}: there is no function {}() here", one.name, one.function)});
        continue;
      }
      auto made = entry->make(
          {one.name, one.area, one.arguments, engine_->rules_->settings(), shared_, engine_->rules_.get()});
      if (made) {
        engine_->evals_[index] = std::move(*made);
        if (entry->needs == Fact::dns) engine_->asking_.push_back(index);
        continue;
      }
      engine_->active_[index] = false;
      complain(index, made.error().text);
    }
  }

  static Engine::Input input_of(RuleKind kind) {
    switch (kind) {
      case RuleKind::rawbody:
        return Engine::Input::rawbody;
      case RuleKind::full:
        return Engine::Input::full;
      case RuleKind::uri:
        return Engine::Input::uri;
      case RuleKind::mimeheader:
        return Engine::Input::mimeheader;
      case RuleKind::header:
      case RuleKind::exists:
        return Engine::Input::header;
      default:
        return Engine::Input::body;
    }
  }
  void group() {
    std::map<std::pair<Engine::Input, std::string>, std::uint32_t> known;
    for (std::uint32_t index = 0; index < rules().size(); ++index) {
      const Rule& one = rule(index);
      const bool matches = one.kind == RuleKind::header || one.kind == RuleKind::exists ||
                           one.kind == RuleKind::mimeheader || one.kind == RuleKind::body ||
                           one.kind == RuleKind::rawbody || one.kind == RuleKind::full ||
                           one.kind == RuleKind::uri;
      if (!engine_->active_[index] || !matches) continue;
      const auto [found, fresh] = known.try_emplace({input_of(one.kind), one.header},
                                                    static_cast<std::uint32_t>(engine_->groups_.size()));
      if (fresh)
        engine_->groups_.push_back(
            {input_of(one.kind), one.header, HeaderRequest::parse(one.header), {}, nullptr});
      Engine::Group& group = engine_->groups_[found->second];
      engine_->spots_[index] = {found->second, static_cast<std::uint32_t>(group.rules.size())};
      if (one.kind == RuleKind::exists) continue;  // it needs the header alone
      group.rules.push_back(index);
      Engine::Captures captures{names_given(one.pattern.expression), names_taken(one.pattern.expression),
                                nullptr};
      if (!captures.gives.empty()) {
        engine_->capturing_.push_back(index);
        if (auto made = patterns::Expression::compile(one.pattern))
          captures.expression = std::make_shared<const patterns::Expression>(*std::move(made));
      }
      if (!captures.gives.empty() || !captures.takes.empty())
        engine_->captures_.emplace_back(index, std::move(captures));
    }
  }
  std::vector<patterns::Pattern> patterns_of(const Engine::Group& group) const {
    std::vector<patterns::Pattern> patterns;
    for (const std::uint32_t index : group.rules) {
      patterns::Pattern pattern = rule(index).pattern;
      // What it takes is not known yet: the set tells where it may match.
      if (engine_->captures(index) != nullptr)
        pattern.expression =
            with_captures(pattern.expression, [](std::string_view) { return std::string("(?s:.*)"); });
      patterns.push_back(std::move(pattern));
    }
    return patterns;
  }
  static patterns::Subjects subjects_of(const Engine::Group& group) {
    switch (group.input) {
      case Engine::Input::body:
      case Engine::Input::uri:
        return patterns::Subjects::lines;
      case Engine::Input::rawbody:
      case Engine::Input::full:
        return patterns::Subjects::long_whole;
      default:
        break;
    }
    constexpr std::array<std::string_view, 3> kLong{"ALL", "Received", "X-Spam-Relays-"};
    const bool is_long =
        std::ranges::any_of(kLong, [&](std::string_view name) { return group.header.starts_with(name); });
    return is_long ? patterns::Subjects::long_whole : patterns::Subjects::whole;
  }

  std::shared_ptr<Engine> engine_;
  const EvalRegistry& registry_;
  EvalShared shared_;
};

std::shared_ptr<const Engine> Engine::interim(std::shared_ptr<const RuleSet> rules,
                                              const EngineOptions& options, const EvalRegistry& registry) {
  auto made =
      EngineBuilder(std::move(rules), options, registry)
          .build([](std::size_t, std::vector<patterns::Pattern> patterns, patterns::Subjects subjects) {
            return patterns::Set::interim(std::move(patterns), subjects);
          });
  RP_ASSERT(made.has_value());
  return *std::move(made);
}

std::shared_ptr<const Engine> Engine::compiled(std::shared_ptr<const RuleSet> rules,
                                               const EngineOptions& options, const EvalRegistry& registry) {
  auto made =
      EngineBuilder(std::move(rules), options, registry)
          .as_compiled()
          .build([](std::size_t, std::vector<patterns::Pattern> patterns, patterns::Subjects subjects) {
            return patterns::Set::compiled(std::move(patterns), subjects);
          });
  RP_ASSERT(made.has_value());
  return *std::move(made);
}

// The cache: magic, then for each group the size of its set's bytes in 8 bytes, and these.
std::string Engine::cache() const {
  std::string out(kCacheMagic);
  for (const Group& group : groups_) {
    const std::string bytes = group.set->serialized();
    const std::uint64_t size = bytes.size();
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out += bytes;
  }
  return out;
}

Result<std::shared_ptr<const Engine>> Engine::restored(std::shared_ptr<const RuleSet> rules,
                                                       const EngineOptions& options, std::string_view cache,
                                                       const EvalRegistry& registry) {
  const auto stale = [] { return fail(ErrorKind::permanent, "the cache is of another rule set"); };
  if (!cache.starts_with(kCacheMagic)) return stale();
  cache.remove_prefix(kCacheMagic.size());
  auto made = EngineBuilder(std::move(rules), options, registry)
                  .as_compiled()
                  .build([&](std::size_t, std::vector<patterns::Pattern> patterns,
                             patterns::Subjects subjects) -> Result<std::shared_ptr<const patterns::Set>> {
                    std::uint64_t size = 0;
                    if (cache.size() < sizeof size) return stale();
                    std::memcpy(&size, cache.data(), sizeof size);
                    cache.remove_prefix(sizeof size);
                    if (size > cache.size()) return stale();
                    const std::string_view bytes = cache.substr(0, size);
                    cache.remove_prefix(size);
                    return patterns::Set::restored(std::move(patterns), subjects, bytes);
                  });
  if (made && !cache.empty()) return stale();
  return made;
}

std::string Engine::cache_key(const RuleSet& rules, const EngineOptions& options) {
  // Scores decide which rules run, metas which parts.
  std::vector<patterns::Pattern> texts;
  for (const Rule& rule : rules.rules())
    texts.push_back({fmt::format("{} {} {} {}\n{}{}", rule.name, to_string(rule.kind), rule.header,
                                 rule.score(options.score_set) != 0, rule.meta_text, rule.pattern.expression),
                     rule.pattern.flags});
  texts.push_back(
      {fmt::format("{} {} {}", kCacheMagic, static_cast<int>(options.score_set), options.keep_hidden), {}});
  return patterns::Set::cache_key(texts, patterns::Subjects::whole);
}

const Engine::Captures* Engine::captures(std::uint32_t rule) const {
  const auto found =
      std::ranges::lower_bound(captures_, rule, {}, &std::pair<std::uint32_t, Captures>::first);
  return found != captures_.end() && found->first == rule ? &found->second : nullptr;
}

bool Engine::hits_unset(std::uint32_t rule, patterns::Scratch& scratch) const {
  signed char known = unset_[rule].load(std::memory_order_relaxed);
  if (known < 0) {
    const Spot spot = spots_[rule];
    const std::string_view subject =
        rules_->rule(rule).if_unset ? std::string_view(*rules_->rule(rule).if_unset) : std::string_view{};
    known = groups_[spot.group].set->search(spot.index, subject, scratch) == patterns::Match::yes ? 1 : 0;
    unset_[rule].store(known, std::memory_order_relaxed);
  }
  return known != 0;
}

}  // namespace ringpost::filter
