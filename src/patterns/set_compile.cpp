// From expressions to one Hyperscan database: what each is given as, and what happens when the library refuses it.
#include <algorithm>

#include "ringpost/patterns/limits.hpp"
#include "ringpost/patterns/set.hpp"

#include "byte_sets.hpp"
#include "code.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

namespace {

struct Attempt {
  Way way = Way::alone;
  std::string text;  // what Hyperscan gets
};

bool accepted(const std::string& text) {
  if (text.size() > kHyperscanTextMax) return false;
  const auto tree = parse({text, {}});
  if (!tree || traits_of(*tree).positions > kHyperscanPositionsMax) return false;
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  const bool good =
      hs_expression_info(text.c_str(), HS_FLAG_ALLOWEMPTY | HS_FLAG_SINGLEMATCH, &info, &error) == HS_SUCCESS;
  std::free(info);  // NOLINT(cppcoreguidelines-no-malloc): Hyperscan's default allocator
  hs_free_compile_error(error);
  return good;
}

std::string literal_text(const Factor& factor) {
  std::string text;
  for (const std::string& literal : factor.literals) {
    if (!text.empty()) text += '|';
    for (const char c : literal) text += byte_text(static_cast<unsigned char>(c));
  }
  return factor.caseless ? "(?i:" + text + ")" : text;
}

// One expression's way down, from the best to the coarsest: each call gives the next attempt that Hyperscan's parser takes.
class Ladder {
 public:
  Ladder(const Pattern& pattern, bool lines) : tree_(parse(pattern)), lines_(lines) {
    if (tree_) traits_ = traits_of(*tree_);
  }
  const Traits& traits() const { return traits_; }

  Attempt next() {
    while (tree_ && rung_ <= kLastRung) {
      Attempt attempt = at(rung_++);
      if (attempt.way != Way::alone && accepted(attempt.text)) return attempt;
    }
    return {};
  }

 private:
  static constexpr unsigned kLastRung = 5;

  Attempt at(unsigned rung) const {
    if (rung == 0)
      return traits_.exact_in_hyperscan
                 ? Attempt{Way::exact, emit(*tree_, {.hyperscan = true, .lines = lines_})}
                 : Attempt{};
    if (rung == kLastRung) {
      const Factor factor = factor_of(*tree_);
      return factor.literals.empty() ? Attempt{} : Attempt{Way::literal, literal_text(factor)};
    }
    Emission how{.hyperscan = true, .relaxed = true, .anchors = rung == 1, .lines = lines_};
    if (rung == 3) how.coarse = 200;
    if (rung == 4) how.coarse = 40;
    Attempt attempt{Way::prefilter, emit(*tree_, how)};
    const auto relaxed = parse({attempt.text, {}});
    return relaxed && traits_of(*relaxed).width_min >= kPrefilterWidthMin ? attempt : Attempt{};
  }

  std::optional<Tree> tree_;
  bool lines_;
  Traits traits_;
  unsigned rung_ = 0;
};

struct Job {
  std::uint32_t index;
  Ladder ladder;
  Attempt attempt;
};

// The database, or the job whose expression it stumbled over, or neither.
struct Outcome {
  hs_database_t* database = nullptr;
  std::ptrdiff_t refused = -1;
};
Outcome compile_jobs(const std::vector<Job>& jobs, const hs_platform_info_t& platform) {
  std::vector<const char*> texts;
  std::vector<unsigned> flags, ids;
  for (const Job& job : jobs) {
    texts.push_back(job.attempt.text.c_str());
    flags.push_back(HS_FLAG_ALLOWEMPTY | HS_FLAG_SINGLEMATCH);
    ids.push_back(job.index);
  }
  Outcome outcome;
  hs_compile_error_t* error = nullptr;
  if (hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(jobs.size()),
                       HS_MODE_BLOCK, &platform, &outcome.database, &error) != HS_SUCCESS)
    outcome.refused = error != nullptr ? error->expression : -1;
  hs_free_compile_error(error);
  return outcome;
}

}  // namespace

void Set::compile_database() {
  if (patterns_.size() < kDatabasePatternsMin) return;
  hs_platform_info_t platform{};
  if (hs_valid_platform() != HS_SUCCESS || hs_populate_platform(&platform) != HS_SUCCESS) return;
  std::vector<Job> jobs;
  for (std::uint32_t index = 0; index < patterns_.size(); ++index) {
    if (members_[index].way == Way::broken) continue;
    Job job{index, Ladder(patterns_[index], subjects_ == Subjects::lines), {}};
    job.attempt = job.ladder.next();
    if (job.attempt.way != Way::alone) jobs.push_back(std::move(job));
  }
  while (!jobs.empty()) {
    const Outcome outcome = compile_jobs(jobs, platform);
    database_ = outcome.database;
    if (database_ != nullptr || outcome.refused < 0) break;
    Job& refused = jobs[static_cast<std::size_t>(outcome.refused)];
    refused.attempt = refused.ladder.next();
    if (refused.attempt.way == Way::alone) jobs.erase(jobs.begin() + outcome.refused);
  }
  if (database_ == nullptr) return;
  for (const Job& job : jobs) {
    members_[job.index].way = job.attempt.way;
    const Traits& traits = job.ladder.traits();
    members_[job.index].certain =
        job.attempt.way == Way::exact &&
        (subjects_ == Subjects::whole || (!traits.takes_newline && !traits.anchored));
  }
}

}  // namespace ringpost::patterns
