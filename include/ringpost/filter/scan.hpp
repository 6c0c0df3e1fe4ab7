// One mail through the rules, in steps, to a verdict.
//
// Layer:  pure. `advance` does a bounded piece of work; its caller yields between two. No clock: a step is bounded in bytes.
// Owner:  one flow on one core, for one mail. View, facts and the core's patterns::Scratch outlive it; it keeps the Engine.
// Result: the same whatever the sizes of the steps are.
// Limits: filter/limits.hpp. A mail that costs more than the budget gets a verdict from what was found until then.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ringpost/filter/engine.hpp"
#include "ringpost/patterns/expression.hpp"

namespace ringpost::filter {

struct Range;

struct Hit {
  std::uint32_t rule = 0;
  std::uint32_t count = 1;  // above 1 only for `tflags multiple`, whose score counts each time
  double score = 0;         // all of them together
};

// What Bayes may learn from, as SpamAssassin counts it: scores of the set without Bayes, and where they come from.
struct AutolearnPoints {
  double all = 0;
  double head = 0;
  double body = 0;
  double learned = 0;  // what Bayes itself said
  bool forced = false;
};

struct Verdict {
  double score = 0;
  double required = 5;
  std::vector<Hit> hits;  // scored rules, by name
  std::vector<Hit>
      hidden_hits;  // parts (names with "__"), as far as they were looked at; scores with keep_hidden alone
  AutolearnPoints autolearn;
  std::vector<Fact> missing;     // facts that rules asked for and that were not there, each once
  std::uint64_t bytes_read = 0;  // by expressions
  std::uint64_t gave_up = 0;     // searches that backtracked too far
  bool cut_short = false;        // the budget was used up

  bool spam() const { return score >= required; }
};

class Scan {
 public:
  Scan(std::shared_ptr<const Engine> engine, const MessageView& message, const Facts& facts,
       patterns::Scratch& scratch);

  // False: nothing is left to do, and `verdict` stands.
  bool advance();
  Verdict verdict() const;

 private:
  static constexpr std::int32_t kUnknown = -1;
  // A subject in which a rule may match.
  struct Suspect {
    std::uint32_t rule = 0;
    std::uint32_t subject = 0;
    auto operator<=>(const Suspect&) const = default;
  };
  // A rule's hits once they are known; asks for what is not.
  std::uint32_t hits(std::uint32_t rule);
  double value(std::uint32_t rule);
  Range bounds_of(std::uint32_t rule) const;
  void settle_metas();
  bool work_out(std::uint32_t meta, std::span<MetaClauses::State> states);
  std::uint32_t settle_meta(std::uint32_t rule, double result);
  std::uint32_t evaluate_now(std::uint32_t rule);

  void scan_group(std::uint32_t group);
  void scan_header(const Engine::Group& group);
  void scan_parts(const Engine::Group& group);
  bool scan_lines(const Engine::Group& group, std::span<const std::string> lines);  // true: a piece is left
  void scan_whole(const Engine::Group& group, std::string_view subject, std::uint32_t number = 0);
  void note(std::uint32_t rule, const patterns::Set::Candidate& candidate, std::uint32_t subject);
  void finish_group(const Engine::Group& group);
  void take_captures(std::uint32_t rule, std::string_view subject);

  std::uint32_t search_lines(std::uint32_t rule, std::span<const std::string> lines);
  std::uint32_t search_parts(std::uint32_t rule);
  // In one subject: 0, 1, or for a rule flagged `multiple` how often, at most `max`.
  std::uint32_t search_one(std::uint32_t rule, std::string_view subject, std::uint32_t max);
  std::span<const std::string> lines_of(std::uint32_t rule) const;
  std::span<const Suspect> suspects_of(std::uint32_t rule) const;
  std::uint32_t max_of(std::uint32_t rule) const;
  bool charge(std::size_t bytes);
  std::uint32_t run_eval(std::uint32_t rule);
  std::uint32_t run_meta(std::uint32_t rule);
  AutolearnPoints autolearn(const std::vector<Hit>& hits) const;

  std::shared_ptr<const Engine> engine_;
  const MessageView& message_;
  const Facts& facts_;
  patterns::Scratch& scratch_;
  EvalScratch eval_scratch_;
  std::vector<std::int32_t> hits_;
  std::unique_ptr<double[]> meta_values_;  // of each rule; set only for a meta that hit
  // What the databases say of a rule that is not settled: nothing, or that it may match in the subjects of suspects_, or anywhere.
  enum class Candidate : std::uint8_t { no, listed, anywhere };
  std::vector<Candidate> candidate_;
  std::vector<Suspect> suspects_;        // sorted within a group that was scanned
  std::vector<std::size_t> group_ends_;  // in suspects_
  // What rules that capture have taken out of the mail, once another asks.
  std::map<std::string, std::vector<std::string>, std::less<>> captures_;
  bool captured_ = false;

  enum class Stage : std::uint8_t { prepare, groups, evals, known_metas, metas, done };
  Stage stage_ = Stage::prepare;
  std::uint32_t next_ = 0;     // group or rule of the stage
  std::size_t next_line_ = 0;  // of a group of lines
  unsigned depth_ = 0;
  std::vector<Fact> missing_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t gave_up_ = 0;
  bool cut_short_ = false;
};

}  // namespace ringpost::filter
