// A message as RETR sends it: dots doubled, pieces of the store's memory handed on, nothing copied.
#include <array>

#include <benchmark/benchmark.h>

#include "ringpost/pop3/message_writer.hpp"

#include "sample_mail.hpp"

namespace ringpost::pop3 {
namespace {

void retrieve(benchmark::State& state) {
  const std::string mail = bench::sample_mail(static_cast<std::size_t>(state.range(0)));
  std::array<MessageWriter::Piece, 64> pieces;
  std::size_t sent = 0;
  for (auto _ : state) {
    MessageWriter writer;
    auto slice = bench::bytes_of(mail);
    sent = 0;
    while (!slice.empty()) {
      const auto step = writer.write(slice, pieces);
      for (const auto& piece : std::span(pieces).first(step.pieces)) sent += piece.size();
      slice = slice.subspan(step.consumed);
    }
    sent += writer.finish().size();
  }
  if (sent != mail.size() + 3) state.SkipWithError("the message is not whole");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(mail.size()));
}
BENCHMARK(retrieve)->Name("pop3/retr")->Arg(4096)->Arg(262144);

}  // namespace
}  // namespace ringpost::pop3
