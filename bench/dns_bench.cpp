// DNS messages as bytes: the question that goes out, and the answer that comes back.
#include <string_view>

#include <benchmark/benchmark.h>

#include "ringpost/dns/message.hpp"

namespace ringpost::dns {
namespace {

Name name(std::string_view text) {
  return Name::parse(text).value_or(Name());
}

void encode_question(benchmark::State& state) {
  const Question question{name("customers.example.com"), Type::mx};
  std::uint16_t id = 0;
  for (auto _ : state) benchmark::DoNotOptimize(encode_query(++id, question).data());
}

// Four hosts, as a large domain has them.
void read_mx(benchmark::State& state) {
  Message message{.query = {.id = 7, .question = {name("example.com"), Type::mx}}};
  for (const char* host : {"mx1.example.com", "mx2.example.com", "mx3.example.net", "mx4.example.net"})
    message.answers.push_back({message.query.question.name, Type::mx, 300, Mx{10, name(host)}});
  const std::vector<std::byte> wire = message.encode(kMessageBytesMax);
  for (auto _ : state) {
    const auto answer = parse_message(wire, message.query.question);
    if (!answer || answer->records.size() != 4) state.SkipWithError("the answer was not read");
    benchmark::DoNotOptimize(answer);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(wire.size()));
}

void parse_name(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Name::parse("customers.mail.Example.COM"));
}

BENCHMARK(encode_question)->Name("dns/encode_query");
BENCHMARK(read_mx)->Name("dns/parse_mx");
BENCHMARK(parse_name)->Name("dns/parse_name");

}  // namespace
}  // namespace ringpost::dns
