#include "load_figures.hpp"

#include "clean_text.hpp"
#include "limits.hpp"

namespace ringpost::loadgen {

void LoadFigures::note_trouble(const std::string& text) {
  const std::string clean = clean_text(text);
  if (const auto known = troubles.find(clean); known != troubles.end())
    ++known->second;
  else if (troubles.size() < kExamplesMax)
    troubles.emplace(clean, 1);
}

void Refusals::note(const std::string& code, std::uint64_t count, const std::string& example) {
  const std::string clean = clean_text(code);
  auto found = by_code.find(clean);
  if (found == by_code.end())
    found = by_code.try_emplace(by_code.size() < kCodesMax ? clean : "others").first;
  found->second.count += count;
  if (found->second.example.empty()) found->second.example = clean_text(example);
}

void Refusals::add(const Refusals& other) {
  for (const auto& [code, entry] : other.by_code) note(code, entry.count, entry.example);
}

}  // namespace ringpost::loadgen
