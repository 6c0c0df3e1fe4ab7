#include "load_figures.hpp"

#include "limits.hpp"

namespace ringpost::loadgen {

void LoadFigures::note_trouble(const std::string& text) {
  if (const auto known = troubles.find(text); known != troubles.end())
    ++known->second;
  else if (troubles.size() < kExamplesMax)
    troubles.emplace(text, 1);
}

void Refusals::note(const std::string& code, std::uint64_t count, const std::string& example) {
  auto found = by_code.find(code);
  if (found == by_code.end()) found = by_code.try_emplace(by_code.size() < kCodesMax ? code : "others").first;
  found->second.count += count;
  if (found->second.example.empty()) found->second.example = example;
}

void Refusals::add(const Refusals& other) {
  for (const auto& [code, entry] : other.by_code) note(code, entry.count, entry.example);
}

}  // namespace ringpost::loadgen
