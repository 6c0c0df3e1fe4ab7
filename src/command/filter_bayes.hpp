// What Bayes learned, for the commands of the filter.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/tables/bayes.hpp"

namespace ringpost::command {

// What it says of one mail, and why.
struct BayesOpinion {
  filter::BayesJudgement judgement;
  struct Word {
    std::string text;
    double probability = 0;
    filter::BayesCount count;
  };
  std::vector<Word> words;  // that decided, the strongest first
  std::size_t tokens = 0;
};

class BayesKnowledge {
 public:
  // nullptr: there is no such file, or .cf files switch Bayes off.
  static Result<std::unique_ptr<BayesKnowledge>> read(const std::string& path,
                                                      const filter::BayesSettings& settings,
                                                      const std::string& owner);
  bool trained() const;
  filter::BayesTotals totals() const;
  BayesOpinion opinion(const filter::MessageView& message) const;

 private:
  BayesKnowledge(const filter::BayesSettings& settings, std::string owner)
      : settings_(settings), owner_(std::move(owner)) {}
  filter::BayesSettings settings_;
  std::string owner_;
  std::unique_ptr<tables::Bayes> bayes_;
};

}  // namespace ringpost::command
