#include "filter_bayes.hpp"

#include <unistd.h>

namespace ringpost::command {

Result<std::unique_ptr<BayesKnowledge>> BayesKnowledge::read(const std::string& path,
                                                             const filter::BayesSettings& settings,
                                                             const std::string& owner) {
  if (!settings.used || path.empty() || access(path.c_str(), F_OK) != 0) return nullptr;
  std::unique_ptr<BayesKnowledge> knowledge(new BayesKnowledge(settings, owner));
  knowledge->bayes_ = RP_TRY(tables::Bayes::open(path, {.tokens_max = settings.tokens_max}));
  RP_CHECK(knowledge->bayes_->load());
  return knowledge;
}

filter::BayesTotals BayesKnowledge::totals() const {
  const auto* owner = bayes_->view()->owner(owner_);
  return owner == nullptr ? filter::BayesTotals{}
                          : filter::BayesTotals{owner->spam.load(std::memory_order_relaxed),
                                                owner->ham.load(std::memory_order_relaxed)};
}

bool BayesKnowledge::trained() const {
  return filter::is_trained(totals(), settings_);
}

BayesOpinion BayesKnowledge::opinion(const filter::MessageView& message) const {
  BayesOpinion opinion;
  if (filter::is_ignored_by_bayes(message, settings_)) return opinion;
  filter::BayesReader reader(message, settings_, true);
  while (reader.advance()) {
  }
  const auto tokens = reader.tokens();
  opinion.tokens = tokens.size();
  const auto view = bayes_->view();
  const auto* owner = view->owner(owner_);
  if (owner == nullptr) return opinion;
  std::vector<tables::TokenKey> keys;
  for (const filter::BayesToken token : tokens) keys.push_back(tables::token_key(owner->id, token));
  std::vector<tables::TokenCount> found(keys.size());
  view->tokens().look_up(keys, found);
  std::vector<filter::BayesCount> counts;
  for (const tables::TokenCount& one : found) counts.push_back({one.spam, one.ham});
  opinion.judgement = filter::judge(tokens, counts, totals(), settings_);
  for (const std::uint32_t position : opinion.judgement.significant)
    opinion.words.push_back({std::string(reader.text(tokens[position])),
                             filter::token_probability(counts[position], totals(), settings_).value_or(0.5),
                             counts[position]});
  return opinion;
}

}  // namespace ringpost::command
