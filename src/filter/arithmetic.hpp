// The expressions of `meta` rules and of `if`: names, numbers and Perl's operators, to a tree.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/filter/rules.hpp"

namespace ringpost::filter {

// Puts the nodes of a name (perhaps a call with one argument) behind `nodes` and gives the index of its root; an error ends the
// parse. `argument` is what stands in the parentheses of "plugin(X)", nothing for a bare name.
using Operand = std::function<Result<std::uint32_t>(
    std::string_view name, std::optional<std::string_view> argument, std::vector<MetaNode>& nodes)>;

// The last node is the root. An empty pair of parentheses is 0.
Result<std::vector<MetaNode>> parse_arithmetic(std::string_view text, const Operand& operand);
// The same for a meta, whose numbers SpamAssassin reads more narrowly than those of conditions.
Result<std::vector<MetaNode>> parse_meta(std::string_view text, const Operand& operand);
// With the value of each rule, as far as it is needed: `known` says what can be had for nothing, and where that decides a
// conjunction, `value` is not asked for the rest of it.
using RuleValue = std::function<double(std::uint32_t rule)>;
using KnownValue = std::function<std::optional<double>(std::uint32_t rule)>;
double evaluate(const std::vector<MetaNode>& nodes, const RuleValue& value, const KnownValue& known);
// Nothing: what is known does not decide.
std::optional<double> evaluate_known(const std::vector<MetaNode>& nodes, const KnownValue& known);

std::uint32_t add_number(std::vector<MetaNode>& nodes, double number);

}  // namespace ringpost::filter
