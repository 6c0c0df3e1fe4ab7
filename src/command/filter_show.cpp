// filter list, show: rules for people.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/command/limits.hpp"

#include "filter_commands.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

std::string scores_text(const filter::Rule& rule) {
  if (std::ranges::all_of(rule.scores, [&](double score) { return score == rule.scores[0]; }))
    return fmt::format("{:g}", rule.scores[0]);
  return fmt::format("{:g} {:g} {:g} {:g}", rule.scores[0], rule.scores[1], rule.scores[2], rule.scores[3]);
}

// What the rule looks for, as its line in the file says.
std::string test_text(const filter::Rule& rule) {
  using filter::RuleKind;
  switch (rule.kind) {
    case RuleKind::meta:
      return rule.meta_text;
    case RuleKind::exists:
      return "exists:" + rule.header;
    case RuleKind::declared:
      return {};
    case RuleKind::eval: {
      std::string text = "eval:" + rule.function + "(";
      for (const std::string& argument : rule.arguments)
        text += (text.ends_with('(') ? "'" : ", '") + argument + "'";
      return text + ")";
    }
    default:
      break;
  }
  std::string text = rule.header.empty() ? "" : rule.header + (rule.negated ? " !~ " : " =~ ");
  text += "/" + rule.pattern.expression + "/" + patterns::to_string(rule.pattern.flags);
  if (rule.if_unset) text += " [if-unset: " + *rule.if_unset + "]";
  return text;
}

Json rule_json(const filter::RuleSet& rules, const filter::Rule& rule) {
  Json::List scores;
  for (const double score : rule.scores) scores.emplace_back(score);
  return Json()
      .set("rule", rule.name)
      .set("type", filter::to_string(rule.kind))
      .set("test", test_text(rule))
      .set("scores", std::move(scores))
      .set("scored", rule.scored)
      .set("flags", rule.flag_words)
      .set("priority", rule.priority)
      .set("description", rule.description)
      .set("place", rules.place_text(rule.place));
}

int list_rules(Context& context, const FilterArguments& arguments, const std::string& part) {
  const auto setup = filter_setup(context, arguments);
  if (!setup) return fail_with(context, setup.error());
  std::vector<const filter::Rule*> chosen;
  for (const filter::Rule& rule : setup->rules->rules())
    if ((arguments.all || !rule.hidden()) && rule.name.contains(part)) chosen.push_back(&rule);
  std::ranges::sort(chosen, {}, [](const filter::Rule* rule) { return std::string_view(rule->name); });
  TextTable table({"RULE", "TYPE", ">SCORES", "DESCRIPTION"}, kCellWidthMax);
  for (const filter::Rule* rule : chosen) {
    if (context.json) context.out(to_string(rule_json(*setup->rules, *rule)) + "\n");
    table.add({rule->name, std::string(filter::to_string(rule->kind)), scores_text(*rule),
               printable(rule->description)});
  }
  if (!context.json) context.out(table.empty() ? "there is no such rule\n" : table.text());
  return kDone;
}

// The way of one expression, compiled with its neighbours' input.
std::string way_text(const filter::RuleSet& rules, std::uint32_t index) {
  const filter::Rule& rule = rules.rule(index);
  if (rule.pattern.expression.empty()) return {};
  // Three of it, since smaller sets have no database.
  const auto set =
      patterns::Set::compiled({rule.pattern, rule.pattern, rule.pattern}, patterns::Subjects::whole);
  return std::string(patterns::to_string(set->way(0))) +
         (set->problem(0).empty() ? "" : ": " + std::string(set->problem(0)));
}

int show_rule(Context& context, const FilterArguments& arguments, const std::string& name) {
  const auto setup = filter_setup(context, arguments);
  if (!setup) return fail_with(context, setup.error());
  const filter::RuleSet& rules = *setup->rules;
  const std::uint32_t index = rules.find(name);
  if (index == filter::kNoRule) {
    complain(context, fmt::format("there is no rule '{}'", name), "`ringpost filter list` has them all");
    return kFindings;
  }
  const filter::Rule& rule = rules.rule(index);
  if (context.json) {
    context.out(to_string(rule_json(rules, rule)) + "\n");
    return kDone;
  }
  const auto line = [&](std::string_view title, std::string_view text) {
    if (!text.empty()) context.out(fmt::format("{:<12} {}\n", title, printable(text)));
  };
  line("rule", rule.name);
  line("description", rule.description);
  line("type", filter::to_string(rule.kind));
  line("test", test_text(rule));
  line("scores", scores_text(rule) + (rule.scored ? "" : " (no score line: the default)"));
  line("flags", rule.flag_words);
  if (rule.priority != 0) line("priority", std::to_string(rule.priority));
  line("place", rules.place_text(rule.place));
  line("runs as", way_text(rules, index));
  std::string users;
  for (const filter::Rule& other : rules.rules())
    for (const filter::MetaNode& node : other.meta)
      if (node.kind == filter::MetaNode::Kind::rule && node.rule == index && !users.ends_with(other.name))
        users += (users.empty() ? "" : " ") + other.name;
  line("used by", users);
  return kDone;
}

}  // namespace

void add_filter_show_commands(CLI::App& family, Registry& registry) {
  const auto part = std::make_shared<std::string>();
  CLI::App* list = add_filter_leaf(registry, family,
                                   {"list", "The rules with their scores", "  ringpost filter list FUZZY"},
                                   [part](Context& context, const FilterArguments& arguments) {
                                     return list_rules(context, arguments, *part);
                                   });
  list->add_option("PART", *part, "Only rules with this in their name");
  const auto name = std::make_shared<std::string>();
  CLI::App* show = add_filter_leaf(
      registry, family,
      {"show", "One rule: what it tests, and where it stands", "  ringpost filter show HTML_MESSAGE"},
      [name](Context& context, const FilterArguments& arguments) {
        return show_rule(context, arguments, *name);
      });
  show->add_option("RULE", *name, "Its name")->required();
}

}  // namespace ringpost::command
