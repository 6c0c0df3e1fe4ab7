// What DNS said to the questions of a mail's rules, and what they still want to know.
//
// Layer:  pure. Rules ask in rounds: a function that meets an unknown answer notes its question; somebody asks DNS, hands the
//         answers in, and calls again, since an answer (the servers of a domain) may lead to the next question (their addresses).
// Owner:  the Facts of one scan.
// Limits: filter/limits.hpp; questions past kDnsQuestionsMax are not noted, and count as not listed.
#pragma once

#include <cstddef>
#include <span>
#include <unordered_map>
#include <vector>

#include "ringpost/dns/answer.hpp"

namespace ringpost::filter {

class Engine;
class MessageView;
struct Facts;

class DnsAnswers {
 public:
  // nullptr: not known yet, and noted.
  const dns::Answer* find(const dns::Question& question);
  void add(const dns::Question& question, dns::Answer answer);
  // Those noted since the last call, each once.
  std::vector<dns::Question> take_wanted();
  std::size_t size() const { return answers_.size(); }

 private:
  std::unordered_map<dns::Question, dns::Answer> answers_;
  std::unordered_map<dns::Question, bool> noted_;  // ever
  std::vector<dns::Question> wanted_;
};

// What the rules that run ask about this mail and `facts.dns` cannot answer yet; empty: they know all that they can. Without
// facts.dns there are no questions.
std::vector<dns::Question> wanted_questions(const Engine& engine, const MessageView& message,
                                            const Facts& facts);

}  // namespace ringpost::filter
