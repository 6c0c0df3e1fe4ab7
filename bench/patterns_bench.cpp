// Many expressions over one text: the pass that finds candidates, and PCRE2 for one of them.
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "ringpost/patterns/set.hpp"

#include "sample_mail.hpp"

namespace ringpost::patterns {
namespace {

// As rules of a spam filter are: words with variants, most of which are in no mail.
std::vector<Pattern> expressions(std::int64_t count) {
  std::vector<Pattern> made;
  for (std::int64_t n = 0; n < count; ++n)
    made.push_back(
        {fmt::format("\\bword{0}(?:s|ed)?\\s+(?:of|for) \\w{{2,9}}{0}\\b", n), {.caseless = true}});
  made.push_back({"figures of this (?:week|month)", {}});
  return made;
}

void find_candidates(benchmark::State& state) {
  const auto set = Set::compiled(expressions(state.range(0)), Subjects::whole);
  const std::string text = bench::sample_mail(static_cast<std::size_t>(state.range(1)));
  Scratch scratch;
  std::size_t found = 0;
  for (auto _ : state) {
    found = 0;
    set->candidates(text, scratch, [&](const Set::Candidate&) { ++found; });
  }
  if (found == 0 || !set->in_hyperscan()) state.SkipWithError("the expression that is there was not found");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

void search_one(benchmark::State& state) {
  const auto set = Set::interim(expressions(0), Subjects::whole);
  const std::string text = bench::sample_mail(4096);
  Scratch scratch;
  for (auto _ : state)
    if (set->search(0, text, scratch) != Match::yes) state.SkipWithError("it is there");
}

BENCHMARK(find_candidates)
    ->Name("patterns/candidates")
    ->Args({10, 4096})
    ->Args({100, 4096})
    ->Args({100, 262144});
BENCHMARK(search_one)->Name("patterns/search_pcre2");

}  // namespace
}  // namespace ringpost::patterns
