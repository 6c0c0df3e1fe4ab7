#include "ringpost/filter/dns_answers.hpp"

#include "ringpost/filter/engine.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/limits.hpp"

namespace ringpost::filter {

const dns::Answer* DnsAnswers::find(const dns::Question& question) {
  if (const auto known = answers_.find(question); known != answers_.end()) return &known->second;
  if (noted_.size() < kDnsQuestionsMax && noted_.try_emplace(question, true).second)
    wanted_.push_back(question);
  return nullptr;
}

void DnsAnswers::add(const dns::Question& question, dns::Answer answer) {
  answers_.insert_or_assign(question, std::move(answer));
}

std::vector<dns::Question> DnsAnswers::take_wanted() {
  return std::exchange(wanted_, {});
}

std::vector<dns::Question> wanted_questions(const Engine& engine, const MessageView& message,
                                            const Facts& facts) {
  if (!facts.dns) return {};
  EvalScratch scratch;
  for (const std::uint32_t rule : engine.asking()) (void)engine.eval(rule)({message, facts, scratch});
  return facts.dns->take_wanted();
}

}  // namespace ringpost::filter
