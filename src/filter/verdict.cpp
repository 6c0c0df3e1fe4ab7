// What the hits of a scan come to.
#include <algorithm>
#include <cmath>

#include "ringpost/filter/scan.hpp"

namespace ringpost::filter {

namespace {

enum class Side : std::uint8_t { head, body, other };
Side side_of(const Rule& rule) {
  switch (rule.area) {
    case RuleArea::header:
    case RuleArea::dns:
      return Side::head;
    case RuleArea::body:
    case RuleArea::rawbody:
    case RuleArea::full:
    case RuleArea::uri:
      return Side::body;
    default:
      return Side::other;
  }
}

double to_thousandths(double value) {
  return std::round(value * 1000) / 1000;
}

}  // namespace

Verdict Scan::verdict() const {
  const RuleSet& rules = engine_->rules();
  Verdict verdict;
  verdict.required = rules.required_score();
  std::vector<std::uint32_t> found;
  found.reserve(static_cast<std::size_t>(std::ranges::count_if(hits_, [](auto hits) { return hits > 0; })));
  for (std::uint32_t index = 0; index < hits_.size(); ++index)
    if (hits_[index] > 0) found.push_back(index);
  std::ranges::sort(found, {}, [this](std::uint32_t index) { return engine_->name_rank(index); });
  verdict.hidden_hits.reserve(found.size());
  verdict.hits.reserve(found.size());
  for (const std::uint32_t index : found) {
    const std::uint8_t traits = engine_->traits(index);
    const auto count = static_cast<std::uint32_t>((traits & Engine::kMultiple) != 0 ? hits_[index] : 1);
    const bool hidden = (traits & Engine::kHidden) != 0;
    // What a part would score is worth a look at its Rule only to who wants to see parts.
    const bool looks = !hidden || engine_->options().keep_hidden;
    const Hit hit{index, count, looks ? rules.rule(index).score(engine_->options().score_set) * count : 0};
    (hidden ? verdict.hidden_hits : verdict.hits).push_back(hit);
    if (!hidden) verdict.score += hit.score;
  }
  verdict.autolearn = autolearn(verdict.hits);
  verdict.missing = missing_;
  verdict.bytes_read = bytes_read_;
  verdict.gave_up = gave_up_;
  verdict.cut_short = cut_short_;
  return verdict;
}

AutolearnPoints Scan::autolearn(const std::vector<Hit>& hits) const {
  const RuleSet& rules = engine_->rules();
  // Without Bayes, or it would learn from itself.
  const auto set = static_cast<ScoreSet>(static_cast<unsigned>(engine_->options().score_set) & 1U);
  AutolearnPoints points;
  for (const Hit& hit : hits) {
    const Rule& rule = rules.rule(hit.rule);
    if (rule.flags.noautolearn || rule.flags.user_configured) continue;
    if (rule.flags.learn) {
      points.learned += hit.score;
      continue;
    }
    points.forced = points.forced || rule.flags.autolearn_force;
    const double score = rule.score(set) * hit.count;
    if (score == 0) continue;
    points.all += score;
    const bool forced_side = rule.flags.autolearn_header || rule.flags.autolearn_body;
    const Side side = rule.flags.autolearn_header ? Side::head
                      : rule.flags.autolearn_body ? Side::body
                                                  : side_of(rule);
    if (side == Side::head) points.head += score;
    if (side == Side::body) points.body += score;
    if (forced_side || rule.kind != RuleKind::meta) continue;
    // A meta counts where its parts do.
    double head = 0, body = 0;
    for (const MetaNode& node : rule.meta) {
      if (node.kind != MetaNode::Kind::rule || node.rule == kNoRule) continue;
      const Side part = side_of(rules.rule(node.rule));
      head += part == Side::head ? 1 : 0;
      body += part == Side::body ? 1 : 0;
    }
    if (head + body == 0) continue;
    points.head += to_thousandths(score * head / (head + body));
    points.body += to_thousandths(score * body / (head + body));
  }
  points.all = to_thousandths(points.all);
  return points;
}

}  // namespace ringpost::filter
