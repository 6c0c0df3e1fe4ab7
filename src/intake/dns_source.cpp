#include "ringpost/intake/dns_source.hpp"

#include <algorithm>
#include <chrono>

#include "ringpost/filter/limits.hpp"
#include "ringpost/intake/limits.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::intake {

namespace {

// "rbl_timeout 15 3": the first word.
Duration timeout_of(const filter::Settings& settings) {
  const double seconds = std::min(settings.seconds("rbl_timeout").value_or(0), 1'000.0);
  if (seconds == 0) return kDnsFactsTimeout;
  const auto timeout = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  return std::min<Duration>(timeout, kDnsFactsTimeoutMax);
}

}  // namespace

// The questions that are asked at one time; lives until the last of them is answered or given up.
struct DnsSource::Round {
  filter::DnsAnswers& answers;
  Instant deadline;
  std::size_t open;
  shard::Signal ended;
};

DnsSource::DnsSource(shard::Core& core, resolve::Resolver& resolver) : core_(core), resolver_(resolver) {
  auto& registry = core.figures();
  registry.add("filter_dns_messages", "Messages for which DNS lists were asked.", figures_.messages);
  registry.add("filter_dns_questions", "Questions of rules to DNS, those answered from the cache too.",
               figures_.questions);
  registry.add("filter_dns_listed", "Of these, those with an answer.", figures_.listed);
  registry.add("filter_dns_failed", "Of these, those that failed or took too long.", figures_.failed);
}

Task<void> DnsSource::add(const filter::Engine& engine, const filter::MessageView& message,
                          filter::Facts& facts) {
  if (engine.asking().empty()) co_return;
  facts.dns = std::make_shared<filter::DnsAnswers>();
  const Instant deadline = core_.now() + timeout_of(engine.rules().settings());
  for (unsigned n = 0; n < filter::kDnsRoundsMax; ++n) {
    std::vector<dns::Question> questions = filter::wanted_questions(engine, message, facts);
    if (questions.empty()) break;
    if (n == 0) figures_.messages.add();
    figures_.questions.add(questions.size());
    Round round{*facts.dns, deadline, questions.size(), shard::Signal(core_)};
    for (dns::Question& question : questions) core_.spawn(ask(round, std::move(question)));
    while (round.open > 0) co_await round.ended.wait();
  }
}

Task<void> DnsSource::ask(Round& round, dns::Question question) {
  dns::Answer answer = co_await resolver_.ask(question, round.deadline);
  if (answer.ok()) figures_.listed.add();
  if (answer.temporary()) figures_.failed.add();
  round.answers.add(question, std::move(answer));
  if (--round.open == 0) round.ended.notify_all();
}

}  // namespace ringpost::intake
