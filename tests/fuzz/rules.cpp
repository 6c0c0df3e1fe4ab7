// Rule files: whatever they say, each rule that comes out is whole, and each problem has its place.
#include "ringpost/filter/rules.hpp"

#include <algorithm>

#include "ringpost/filter/limits.hpp"

#include "filter/arithmetic.hpp"
#include "fuzz_input.hpp"

using namespace ringpost;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  const filter::RuleFile file{"rules.cf", std::string(exact.text())};
  const auto set = filter::load_rules({&file, 1}, {});
  // Without a line feed, lines end in carriage returns.
  const char line_end = exact.text().contains('\n') ? '\n' : '\r';
  const auto lines = 1 + static_cast<std::size_t>(std::ranges::count(exact.text(), line_end));
  RP_ASSERT(set->problems().size() <= filter::kProblemsMax + 1);
  for (const filter::Problem& problem : set->problems())
    RP_ASSERT(problem.place.line <= lines && !problem.text.empty());
  for (std::uint32_t index = 0; index < set->rules().size(); ++index) {
    const filter::Rule& rule = set->rule(index);
    RP_ASSERT(set->find(rule.name) == index);
    RP_ASSERT(rule.place.line >= 1 && rule.place.line <= lines);
    if (rule.kind == filter::RuleKind::eval) RP_ASSERT(!rule.function.empty());
    // Every value that its parts may have gives it one.
    for (const double value : {0.0, 1.0, 7.0})
      (void)filter::evaluate(
          rule.meta, [&](std::uint32_t) { return value; },
          [](std::uint32_t) { return std::optional<double>(); });
    (void)filter::evaluate_known(rule.meta,
                                 [](std::uint32_t rule_of) { return std::optional<double>(rule_of % 2); });
    for (const filter::MetaNode& node : rule.meta) {
      RP_ASSERT(node.kind != filter::MetaNode::Kind::rule || node.rule == filter::kNoRule ||
                node.rule < set->rules().size());
      for (const std::uint32_t operand : node.operands) RP_ASSERT(operand < rule.meta.size());
    }
  }
  return 0;
}
