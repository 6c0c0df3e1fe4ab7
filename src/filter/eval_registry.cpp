#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/filter/eval.hpp"

namespace ringpost::filter {

void EvalRegistry::add(std::string_view name, EvalFactory make, Fact needs) {
  const bool fresh = entries_.try_emplace(std::string(name), Entry{std::move(make), needs}).second;
  RP_ASSERT(fresh);
}

void EvalRegistry::add(std::string_view name, Arguments count, Plain test, Fact needs) {
  add(
      name,
      [count, test](const EvalSetup& setup) -> Result<EvalFunction> {
        if (setup.arguments.size() < count.least || setup.arguments.size() > count.most)
          return fail(ErrorKind::permanent, fmt::format("takes {} to {} arguments, not {}", count.least,
                                                        count.most, setup.arguments.size()));
        return [test, arguments = std::vector<std::string>(setup.arguments.begin(), setup.arguments.end())](
                   const EvalCall& call) { return test(call, arguments); };
      },
      needs);
}

const EvalRegistry::Entry* EvalRegistry::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> EvalRegistry::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

}  // namespace ringpost::filter
