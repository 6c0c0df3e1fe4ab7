// What can be said when all lines are read: expressions with their tags replaced, scores, metas.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/filter/limits.hpp"

#include "arithmetic.hpp"
#include "rule_reader.hpp"

namespace ringpost::filter {

RuleFlags flags_of(std::string_view text);

namespace {

// '*' any text, '?' one character.
bool glob_matches(std::string_view glob, std::string_view name) {
  std::size_t g = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n])) {
      ++g;
      ++n;
    } else if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = n;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

}  // namespace

std::shared_ptr<const RuleSet> RuleReader::finish() {
  for (Rule& rule : set_->rules_) {
    if (const auto found = descriptions_.find(rule.name); found != descriptions_.end())
      rule.description = found->second;
    if (const auto found = priorities_.find(rule.name); found != priorities_.end())
      rule.priority = found->second;
    if (const auto found = flags_.find(rule.name); found != flags_.end()) {
      rule.flag_words = found->second;
      rule.flags = flags_of(found->second);
    }
  }
  replace_tags();
  default_scores();
  name_scores_without_rules();
  compile_metas();
  exclude_circles();
  inherit_net();
  if (rules_left_out_ > 0)
    problem(Severity::error, first_left_out_,
            fmt::format("there are more than {} rules: from here on {} are left out", kRulesMax,
                        rules_left_out_));
  if (dropped_problems_ > 0)
    set_->problems_.push_back({Severity::error, {}, fmt::format("and {} problems more", dropped_problems_)});
  return std::move(set_);
}

void RuleReader::replace_tags() {
  for (const auto& [name, place] : replace_rules_) {
    const std::uint32_t index = set_->find(name);
    if (index == kNoRule) {
      problem(Severity::note, place,
              fmt::format("replace_rules: there is no rule {}; mend the name, or take it out", name));
      continue;
    }
    Rule& rule = set_->rules_[index];
    if (rule.pattern.expression.empty() || rule.kind == RuleKind::mimeheader) continue;
    auto replaced = replace_.apply(rule.pattern.expression);
    if (replaced)
      rule.pattern.expression = std::move(*replaced);
    else
      problem(Severity::error, rule.place, fmt::format("{}: {}", name, replaced.error().text));
  }
}

void RuleReader::default_scores() {
  for (Rule& rule : set_->rules_) {
    if (const auto found = scores_.find(rule.name); found != scores_.end()) {
      rule.scores = found->second.sets;
      rule.scored = true;
      continue;
    }
    const double score = rule.name.starts_with("T_") ? 0.01 : 1;
    rule.scores.fill(rule.flags.nice ? -score : score);
  }
}

void RuleReader::name_scores_without_rules() {
  for (const auto& [name, score] : scores_)
    if (!set_->names_.contains(name))
      problem(Severity::note, score.place,
              fmt::format("score: there is no rule {}; mend the name, or take the line out", name));
}

std::uint32_t RuleReader::sum_of_matching(std::string_view glob, std::uint32_t except,
                                          std::vector<MetaNode>& nodes) const {
  MetaNode sum{.kind = MetaNode::Kind::sum};
  for (const auto& [name, index] : set_->names_) {
    if (index == except || !glob_matches(glob, name)) continue;
    sum.operands.push_back(static_cast<std::uint32_t>(nodes.size()));
    nodes.push_back({.kind = MetaNode::Kind::rule, .rule = index});
  }
  nodes.push_back(std::move(sum));
  return static_cast<std::uint32_t>(nodes.size() - 1);
}

void RuleReader::compile_metas() {
  for (std::uint32_t index = 0; index < set_->rules_.size(); ++index) {
    Rule& rule = set_->rules_[index];
    if (rule.kind != RuleKind::meta) continue;
    const Operand operand = [&](std::string_view name, std::optional<std::string_view> argument,
                                std::vector<MetaNode>& nodes) -> Result<std::uint32_t> {
      if (name == "rules_matching" && argument) return sum_of_matching(*argument, index, nodes);
      if (argument)
        return fail(ErrorKind::permanent, fmt::format("'{}()' is nothing that a meta knows", name));
      if (name == "local_tests_only") return add_number(nodes, options_.local_only ? 1 : 0);
      const std::uint32_t named = set_->find(name);
      if (named == kNoRule && told_.emplace(fmt::format("{} {}", rule.name, name)).second)
        problem(Severity::note, rule.place,
                fmt::format("{}: there is no rule {}, so it counts as 0", rule.name, name));
      nodes.push_back({.kind = MetaNode::Kind::rule, .rule = named});
      return static_cast<std::uint32_t>(nodes.size() - 1);
    };
    auto nodes = parse_meta(rule.meta_text, operand);
    if (nodes)
      rule.meta = std::move(*nodes);
    else
      problem(Severity::error, rule.place, fmt::format("{}: {}", rule.name, nodes.error().text));
  }
}

// A meta that needs itself over others never hits; SpamAssassin leaves those out too.
void RuleReader::exclude_circles() {
  std::vector<std::uint32_t> open;  // metas not yet known to be free of circles
  std::vector<unsigned> missing(set_->rules_.size(), 0);
  std::vector<std::vector<std::uint32_t>> needed_by(set_->rules_.size());
  for (std::uint32_t index = 0; index < set_->rules_.size(); ++index) {
    for (const MetaNode& node : set_->rules_[index].meta) {
      if (node.kind != MetaNode::Kind::rule || node.rule == kNoRule ||
          set_->rules_[node.rule].kind != RuleKind::meta)
        continue;
      ++missing[index];
      needed_by[node.rule].push_back(index);
    }
  }
  std::vector<std::uint32_t> ready;
  std::vector<unsigned> depth(set_->rules_.size(), 1);  // metas over metas
  for (std::uint32_t index = 0; index < set_->rules_.size(); ++index)
    if (set_->rules_[index].kind == RuleKind::meta && missing[index] == 0) ready.push_back(index);
  while (!ready.empty()) {
    const std::uint32_t index = ready.back();
    ready.pop_back();
    if (depth[index] > kMetaChainMax) {
      Rule& rule = set_->rules_[index];
      problem(Severity::error, rule.place,
              fmt::format("{} stands on too many other metas and never hits", rule.name));
      rule.meta.clear();
      depth[index] = 0;
    }
    for (const std::uint32_t user : needed_by[index]) {
      depth[user] = std::max(depth[user], depth[index] + 1);
      if (--missing[user] == 0) ready.push_back(user);
    }
  }
  for (std::uint32_t index = 0; index < set_->rules_.size(); ++index) {
    if (missing[index] == 0) continue;
    Rule& rule = set_->rules_[index];
    problem(Severity::error, rule.place,
            fmt::format("{} needs itself, over other metas, and never hits", rule.name));
    rule.meta.clear();
  }
}

void RuleReader::inherit_net() {
  for (Rule& rule : set_->rules_)
    for (const MetaNode& node : rule.meta)
      if (node.kind == MetaNode::Kind::rule && node.rule != kNoRule && set_->rules_[node.rule].flags.net)
        rule.flags.net = true;
}

}  // namespace ringpost::filter
