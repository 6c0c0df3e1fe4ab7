// filter lint: rules that cost too much, that do not do what their file says, or that nobody can read.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/server/rule_files.hpp"

#include "filter_commands.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

struct Lint {
  filter::Place place;
  std::string rule, text;
};

// Expressions that nothing can hold off: they are searched in each mail, by PCRE2.
void lint_cost(const filter::Engine& engine, std::vector<Lint>& found) {
  for (const filter::Engine::Group& group : engine.groups()) {
    if (!group.set->in_hyperscan()) continue;
    for (std::size_t n = 0; n < group.set->size(); ++n) {
      const filter::Rule& rule = engine.rules().rule(group.rules[n]);
      if (group.set->way(n) == patterns::Way::alone)
        found.push_back({rule.place, rule.name,
                         "no part of the expression is fixed: it is searched in every mail; give it a word "
                         "that must occur"});
    }
  }
}

// "test RULE ok|fail TEXT"
void lint_examples(const filter::RuleSet& rules, std::vector<Lint>& found) {
  patterns::Scratch scratch;
  for (const filter::RuleExample& example : rules.examples()) {
    const std::uint32_t index = rules.find(example.rule);
    if (index == filter::kNoRule) {
      found.push_back({example.place, example.rule, "there is no such rule to test"});
      continue;
    }
    const filter::Rule& rule = rules.rule(index);
    if (rule.pattern.expression.empty()) continue;
    const auto expression = patterns::Expression::compile(rule.pattern);
    if (!expression) continue;
    const bool hits = (expression->search(example.text, scratch) == patterns::Match::yes) != rule.negated;
    if (hits != example.hits)
      found.push_back(
          {example.place, rule.name,
           fmt::format("{} \"{}\"", hits ? "hits, and should not," : "should hit", example.text)});
  }
}

void lint_rules(const filter::RuleSet& rules, std::vector<Lint>& found) {
  for (const filter::Rule& rule : rules.rules()) {
    const std::string& expression = rule.pattern.expression;
    if (expression.contains("||") && !expression.contains("\\|"))
      found.push_back({rule.place, rule.name, "an empty alternative matches everything"});
    if (rule.flags.multiple && rule.flags.hits_max == 0)
      found.push_back(
          {rule.place, rule.name, "`multiple` without maxhits: every hit of a long mail is counted"});
    for (const filter::MetaNode& node : rule.meta)
      if (node.kind == filter::MetaNode::Kind::rule && node.rule == filter::kNoRule) {
        found.push_back({rule.place, rule.name, "names a rule that does not exist; it counts as 0"});
        break;
      }
  }
}

int lint(Context& context, const FilterArguments& arguments) {
  const auto setup = filter_setup(context, arguments);
  if (!setup) return fail_with(context, setup.error());
  const ReadyEngine ready = ready_engine(*setup);
  std::vector<Lint> found;
  for (const filter::Problem& problem : server::all_problems(*ready.engine))
    found.push_back({problem.place, "", problem.text});
  lint_cost(*ready.engine, found);
  lint_examples(*setup->rules, found);
  lint_rules(*setup->rules, found);
  std::ranges::sort(found, [](const Lint& a, const Lint& b) {
    return std::tie(a.place, a.rule, a.text) < std::tie(b.place, b.rule, b.text);
  });
  for (const Lint& each : found) {
    const std::string place = setup->rules->place_text(each.place);
    if (context.json)
      context.out(to_string(Json().set("place", place).set("rule", each.rule).set("text", each.text)) + "\n");
    else
      context.out(
          fmt::format("{}: {}{}{}\n", place, each.rule, each.rule.empty() ? "" : ": ", printable(each.text)));
  }
  if (!context.json) context.out(plural(found.size(), "finding") + "\n");
  return found.empty() ? kDone : kFindings;
}

}  // namespace

void add_filter_lint_command(CLI::App& family, Registry& registry) {
  add_filter_leaf(registry, family,
                  {"lint", "Finds rules that cost too much, or that do not do what their tests say",
                   "  ringpost filter lint"},
                  lint);
}

}  // namespace ringpost::command
