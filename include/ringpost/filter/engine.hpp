// Rules ready to run: expressions grouped by what they look at, eval functions bound, metas in reach.
//
// Layer:  pure. A cache goes out and comes in as bytes.
// Owner:  a shared_ptr, immutable, one for all cores; a reload swaps it as a whole. A Scan keeps the one that it began with.
// Runs:   only rules that can matter: those with a score in the score set, and what their metas need.
// Time:   `interim` takes some 100 ms for SpamAssassin's set and serves at once, slower; `compiled` takes tens of seconds and
//         belongs on the offload pool; `restored` takes tens of milliseconds.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/eval.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/meta_clauses.hpp"
#include "ringpost/filter/meta_trees.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/patterns/expression.hpp"
#include "ringpost/patterns/set.hpp"

namespace ringpost::filter {

struct EngineOptions {
  ScoreSet score_set = ScoreSet::plain;
  // Rules flagged `net` may ask for DNS facts; without it they are not run. Score sets without net never run them.
  bool keep_hidden = false;  // run parts that no scored rule needs too, for `filter test --all`
};

class Engine {
 public:
  // Rules that look at the same thing.
  enum class Input : std::uint8_t { header, body, rawbody, full, uri, mimeheader };
  struct Group {
    Input input = Input::body;
    std::string header;                // of header and mimeheader
    HeaderRequest request;             // parsed
    std::vector<std::uint32_t> rules;  // by their index in the set
    std::shared_ptr<const patterns::Set> set;
  };
  // Where a rule's expression stands.
  struct Spot {
    std::uint32_t group = kNoRule;
    std::uint32_t index = 0;  // in the group
  };
  // "(?<NAME>...)" in one rule, "%{NAME}" in another.
  struct Captures {
    std::vector<std::string> gives;
    std::vector<std::string> takes;
    std::shared_ptr<const patterns::Expression> expression;  // of one that gives
  };

  static std::shared_ptr<const Engine> interim(std::shared_ptr<const RuleSet> rules,
                                               const EngineOptions& options,
                                               const EvalRegistry& registry = standard_evals());
  static std::shared_ptr<const Engine> compiled(std::shared_ptr<const RuleSet> rules,
                                                const EngineOptions& options,
                                                const EvalRegistry& registry = standard_evals());
  static Result<std::shared_ptr<const Engine>> restored(std::shared_ptr<const RuleSet> rules,
                                                        const EngineOptions& options, std::string_view cache,
                                                        const EvalRegistry& registry = standard_evals());
  // What `restored` takes, and a name for it that changes with rules, library and CPU.
  std::string cache() const;
  static std::string cache_key(const RuleSet& rules, const EngineOptions& options);

  const RuleSet& rules() const { return *rules_; }
  const EngineOptions& options() const { return options_; }
  const ViewSettings& view_settings() const { return view_settings_; }
  const BayesSettings& bayes_settings() const { return bayes_settings_; }
  // Expressions that do not compile, eval functions that do not exist: their rules never hit.
  std::span<const Problem> problems() const { return problems_; }
  std::span<const Group> groups() const { return groups_; }
  // There is nothing to compile any more; a set of a few rules has no database even then.
  bool is_compiled() const { return compiled_; }

  bool runs(std::uint32_t rule) const { return active_[rule]; }
  Spot spot(std::uint32_t rule) const { return spots_[rule]; }
  const EvalFunction& eval(std::uint32_t rule) const { return evals_[rule]; }
  const Captures* captures(std::uint32_t rule) const;
  // Eval rules that ask DNS.
  std::span<const std::uint32_t> asking() const { return asking_; }
  // Rules whose captures others take, in the order of the files.
  std::span<const std::uint32_t> capturing() const { return capturing_; }
  // Metas that run, each behind those that it names; which of them, by their place there, may be worth something else than where
  // no rule hits at all, once this rule does; and what that is.
  std::span<const std::uint32_t> metas() const { return metas_; }
  std::span<const std::uint32_t> users_of(std::uint32_t rule) const {
    return std::span(users_).subspan(users_begin_[rule], users_begin_[rule + 1] - users_begin_[rule]);
  }
  MetaTrees::Tree meta(std::uint32_t rule) const { return trees_.tree(roots_[rule]); }
  // Of each in metas().
  const MetaClauses& clauses() const { return clauses_; }
  double rest(std::uint32_t meta) const { return rest_[meta]; }
  // Of them those that are not 0 where no rule hits.
  std::span<const std::uint32_t> resting() const { return resting_; }
  // The most that a rule can be worth to a meta; the least is 0.
  double most(std::uint32_t rule) const { return static_cast<double>(most_[rule]); }
  // What is known of each rule before a mail is looked at: -1, or 0 where it does not run or has no test.
  std::span<const std::int32_t> begin() const { return begin_; }
  // What a scan asks of a rule at every turn, in two bytes: a Rule is large, and not in the processor's cache. kHidden and so on.
  RuleKind kind(std::uint32_t rule) const { return kinds_[rule]; }
  std::uint8_t traits(std::uint32_t rule) const { return traits_[rule]; }
  static constexpr std::uint8_t kHidden = 1, kNegated = 2, kCaptures = 4, kNoSubject = 8, kMultiple = 16,
                                kMeta = 32;
  // Rules `exists:` that run.
  std::span<const std::uint32_t> existing() const { return existing_; }
  // Rules that run: eval rules that nobody has to ask for; all that a verdict is about, metas last.
  std::span<const std::uint32_t> open_evals() const { return open_evals_; }
  std::span<const std::uint32_t> judged() const { return judged_; }
  // The place of a rule that runs among all that do, by name.
  std::uint32_t name_rank(std::uint32_t rule) const { return name_ranks_[rule]; }
  // A header rule's answer for a mail without that header; found out once, kept for all cores.
  bool hits_unset(std::uint32_t rule, patterns::Scratch& scratch) const;

 private:
  friend class EngineBuilder;
  Engine() = default;

  std::shared_ptr<const RuleSet> rules_;
  EngineOptions options_;
  ViewSettings view_settings_;
  BayesSettings bayes_settings_;
  std::vector<Problem> problems_;
  std::vector<Group> groups_;
  std::vector<bool> active_;
  bool compiled_ = false;
  std::vector<Spot> spots_;
  std::vector<EvalFunction> evals_;
  std::vector<std::uint32_t> capturing_;
  std::vector<std::uint32_t> asking_;
  std::vector<std::uint32_t> metas_;
  std::vector<std::uint32_t> users_begin_, users_;  // of each rule
  MetaTrees trees_;
  MetaClauses clauses_;
  std::vector<std::uint32_t> roots_;  // of each rule that is a meta
  std::vector<double> rest_;          // of each meta in metas_
  std::vector<std::uint32_t> resting_;
  std::vector<float> most_;          // of each rule
  std::vector<std::int32_t> begin_;  // of each rule
  std::vector<std::uint8_t> traits_;
  std::vector<RuleKind> kinds_;
  std::vector<std::uint32_t> open_evals_, judged_, existing_, name_ranks_;
  std::vector<std::pair<std::uint32_t, Captures>> captures_;
  std::unique_ptr<std::atomic<signed char>[]> unset_;  // -1 not known yet
};

}  // namespace ringpost::filter
