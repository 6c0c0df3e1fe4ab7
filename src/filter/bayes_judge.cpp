// What the counts of a mail's tokens say, and what a verdict teaches.
#include <algorithm>
#include <cmath>

#include "ringpost/base/assert.hpp"
#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/filter/scan.hpp"

#include "characters.hpp"
#include "eval_support.hpp"
#include "rule_dates.hpp"

namespace ringpost::filter {

namespace {

// SpamAssassin's, found by its authors with large corpora: how much a token that was seen rarely leans to `kAssumed`, and how far
// from the middle one must be to count.
constexpr double kAssumed = 0.538;
constexpr double kAssumedStrength = 0.030;
constexpr double kStrengthMin = 0.346;

// The chance that a chi-square value with 2n degrees of freedom is at least 2m.
double chi_square_tail(double m, std::size_t n) {
  double term = std::exp(-m);
  double sum = term;
  for (std::size_t i = 1; i < n; ++i) {
    term *= m / static_cast<double>(i);
    sum += term;
  }
  return std::min(sum, 1.0);
}

// Fisher's method, once for "these are of ham" and once for "these are of spam".
double combined(std::span<const double> probabilities, const BayesTotals& totals) {
  const double all = static_cast<double>(totals.spam) + static_cast<double>(totals.ham);
  double spam = std::log(static_cast<double>(totals.spam) / all);
  double ham = std::log(static_cast<double>(totals.ham) / all);
  for (const double probability : probabilities) {
    spam += std::log(1 - probability);
    ham += std::log(probability);
  }
  const double spamminess = 1 - chi_square_tail(-spam, probabilities.size());
  const double hamminess = 1 - chi_square_tail(-ham, probabilities.size());
  return (spamminess - hamminess + 1) / 2;
}

}  // namespace

bool is_trained(const BayesTotals& totals, const BayesSettings& settings) {
  return totals.spam > 0 && totals.ham > 0 && totals.spam >= settings.spam_min &&
         totals.ham >= settings.ham_min;
}

std::optional<double> token_probability(const BayesCount& count, const BayesTotals& totals,
                                        const BayesSettings& settings) {
  const double seen = static_cast<double>(count.spam) + static_cast<double>(count.ham);
  if (seen < (settings.counts_hapaxes ? 1 : 2) || totals.spam == 0 || totals.ham == 0) return std::nullopt;
  const double spam = static_cast<double>(count.spam) * static_cast<double>(totals.ham);
  const double ham = static_cast<double>(count.ham) * static_cast<double>(totals.spam);
  return (kAssumedStrength * kAssumed + seen * (spam / (spam + ham))) / (kAssumedStrength + seen);
}

BayesJudgement judge(std::span<const BayesToken> tokens, std::span<const BayesCount> counts,
                     const BayesTotals& totals, const BayesSettings& settings) {
  RP_ASSERT(tokens.size() == counts.size());
  BayesJudgement judgement;
  if (!is_trained(totals, settings)) return judgement;
  struct Known {
    double strength;
    double probability;
    std::uint32_t position;
  };
  std::vector<Known> known;
  for (std::uint32_t position = 0; position < counts.size(); ++position)
    if (const auto probability = token_probability(counts[position], totals, settings))
      known.push_back({std::abs(*probability - 0.5), *probability, position});
  judgement.known = known.size();
  // Which of equally strong tokens count must not depend on where they stood.
  const auto stronger = [&](const Known& a, const Known& b) {
    return a.strength != b.strength ? a.strength > b.strength : tokens[a.position] < tokens[b.position];
  };
  const auto middle =
      known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kBayesSignificantMax));
  std::ranges::partial_sort(known, middle, stronger);
  known.erase(middle, known.end());
  std::vector<double> probabilities;
  for (const Known& one : known) {
    if (one.strength < kStrengthMin) break;
    probabilities.push_back(one.probability);
    judgement.significant.push_back(one.position);
    ++(one.probability < 0.5 ? judgement.hammy : judgement.spammy);
  }
  if (!probabilities.empty()) judgement.probability = combined(probabilities, totals);
  return judgement;
}

std::optional<MailKind> autolearned(const Verdict& verdict, const RuleSet& rules,
                                    const BayesSettings& settings) {
  constexpr double kPointsMin = 3;   // of header and of body
  constexpr double kOpposition = 1;  // what Bayes may say against it
  if (!settings.autolearns) return std::nullopt;
  const AutolearnPoints& points = verdict.autolearn;
  MailKind kind = MailKind::ham;
  if (points.all < settings.autolearn_ham_below) {
    if (points.learned > kOpposition || verdict.spam()) return std::nullopt;
  } else if (points.all >= settings.autolearn_spam_from) {
    kind = MailKind::spam;
    if (!points.forced && (points.body < kPointsMin || points.head < kPointsMin)) return std::nullopt;
    if (points.learned < -kOpposition || !verdict.spam()) return std::nullopt;
  } else {
    return std::nullopt;
  }
  const std::string_view agreeing = kind == MailKind::spam ? "BAYES_99" : "BAYES_00";
  if (settings.autolearns_on_error_only && std::ranges::any_of(verdict.hits, [&](const Hit& hit) {
        return rules.rule(hit.rule).name == agreeing;
      }))
    return std::nullopt;
  return kind;
}

std::optional<std::int64_t> received_time(const MessageView& message) {
  const auto date_in = [](std::string_view field) {
    const std::size_t mark = field.rfind(';');
    return parse_rule_date(mark == kNowhere ? field : field.substr(mark + 1));
  };
  for (const std::string_view name : {"Received", "Resent-Date", "Date"}) {
    const auto values = message.header_values(name);
    if (values.empty()) continue;
    if (const auto time = date_in(values.front())) return time;
  }
  return std::nullopt;
}

}  // namespace ringpost::filter
