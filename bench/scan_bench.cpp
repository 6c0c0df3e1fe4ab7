// The passes over message bytes: what each costs a byte.
#include <array>
#include <vector>

#include <benchmark/benchmark.h>

#include "ringpost/scan/crc32c.hpp"
#include "ringpost/scan/data_unstuffer.hpp"
#include "ringpost/scan/dot_stuffer.hpp"
#include "ringpost/scan/find.hpp"

#include "sample_mail.hpp"

namespace ringpost::scan {
namespace {

void count_bytes(benchmark::State& state, std::size_t size) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(size));
}

// One message by DATA: lines checked, dots removed, checksum and facts, copied to where it stays.
template <bool kVectors>
void fused_pass(benchmark::State& state) {
  const std::string wire = bench::sample_mail(static_cast<std::size_t>(state.range(0))) + ".\r\n";
  std::vector<std::byte> out(wire.size());
  DataUnstuffer unstuffer;
  for (auto _ : state) {
    unstuffer.reset(LineEndPolicy::refuse);
    const Step step = kVectors ? unstuffer.step(bench::bytes_of(wire), out)
                               : unstuffer.step_scalar(bench::bytes_of(wire), out);
    if (step.status != StepStatus::end_of_data) state.SkipWithError("the message did not end");
    benchmark::DoNotOptimize(out.data());
  }
  count_bytes(state, wire.size());
}
BENCHMARK(fused_pass<true>)->Name("fused_pass/data")->Arg(4096)->Arg(65536);
BENCHMARK(fused_pass<false>)->Name("fused_pass/data_scalar")->Arg(4096);

void fused_pass_chunk(benchmark::State& state) {
  const std::string chunk = bench::sample_mail(static_cast<std::size_t>(state.range(0)));
  std::vector<std::byte> out(chunk.size());
  BodyFactsPass pass;
  for (auto _ : state) {
    pass.reset();
    pass.step(bench::bytes_of(chunk), out.data());
    benchmark::DoNotOptimize(pass.finish().crc32c);
  }
  count_bytes(state, chunk.size());
}
BENCHMARK(fused_pass_chunk)->Name("fused_pass/bdat")->Arg(4096)->Arg(65536);

// What the passes are measured against: the copy alone.
void copy_alone(benchmark::State& state) {
  const std::string from = bench::sample_mail(static_cast<std::size_t>(state.range(0)));
  std::string to(from.size(), ' ');
  for (auto _ : state) {
    std::copy(from.begin(), from.end(), to.begin());
    benchmark::DoNotOptimize(to.data());
  }
  count_bytes(state, from.size());
}
BENCHMARK(copy_alone)->Arg(4096)->Arg(65536);

void crc(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(bench::bytes_of(bytes)));
  count_bytes(state, bytes.size());
}
BENCHMARK(crc)->Name("crc32c")->Arg(64)->Arg(4096)->Arg(65536);

void crc_combine(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(crc32c_combine(0x12345678, 0x9abcdef0, 4096));
}
BENCHMARK(crc_combine)->Name("crc32c_combine/4096");

void dot_stuffer(benchmark::State& state) {
  const std::string mail = bench::sample_mail(static_cast<std::size_t>(state.range(0)));
  std::array<DotStuffer::Piece, 64> pieces;
  for (auto _ : state) {
    DotStuffer stuffer;
    benchmark::DoNotOptimize(stuffer.scan(bench::bytes_of(mail), pieces).pieces);
    benchmark::DoNotOptimize(stuffer.finish().data());
  }
  count_bytes(state, mail.size());
}
BENCHMARK(dot_stuffer)->Arg(4096)->Arg(65536);

void dot_stuffer_known(benchmark::State& state) {
  const std::string mail = bench::sample_mail(4096);
  std::array<DotStuffer::Piece, 64> pieces;
  for (auto _ : state) {
    DotStuffer stuffer;
    benchmark::DoNotOptimize(stuffer.known(bench::bytes_of(mail), 0, {}, pieces).pieces);
  }
  count_bytes(state, mail.size());
}
BENCHMARK(dot_stuffer_known)->Name("dot_stuffer/places_known");

void line_end(benchmark::State& state) {
  const std::string line = std::string(76, 'a') + "\r\n";
  for (auto _ : state) benchmark::DoNotOptimize(find_crlf(bench::bytes_of(line)));
  count_bytes(state, line.size());
}
BENCHMARK(line_end)->Name("find_crlf/78");

}  // namespace
}  // namespace ringpost::scan
