// An IMAP command through ServerSession, and the responses of FETCH, without sockets and store: what the protocol costs.
#include <array>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "ringpost/imap/server_session.hpp"

namespace ringpost::imap {
namespace {

// A client that is logged in; the driver says yes at once.
class Server {
 public:
  Server() : session_(settings_) { session_.greet_known("ann"); }
  void feed(std::string_view bytes) {
    auto input = std::as_bytes(std::span(bytes));
    for (;;) {
      const Event event = session_.next(input);
      switch (event.kind) {
        case Event::Kind::command:
          ++commands_;
          session_.finish({Condition::ok, {}, "Done"});
          break;
        case Event::Kind::flush:
        case Event::Kind::need_input:
          benchmark::DoNotOptimize(session_.output().data());
          session_.output_sent(session_.output().size());
          if (event.kind == Event::Kind::need_input) return;
          break;
        default:
          return;
      }
    }
  }
  std::int64_t commands() const { return commands_; }
  ServerSession& session() { return session_; }

 private:
  ServerSettings settings_;
  ServerSession session_;
  std::int64_t commands_ = 0;
};

void read_command(benchmark::State& state, std::string_view line) {
  Server server;
  server.feed("a SELECT INBOX\r\n");
  const std::int64_t before = server.commands();
  for (auto _ : state) server.feed(line);
  if (before != 1 || server.commands() - before != static_cast<std::int64_t>(state.iterations()))
    state.SkipWithError("commands were not taken");
  state.SetItemsProcessed(server.commands() - before);
}

// What a client asks of a folder that it opens: one line of the answer for each message.
void write_flags(benchmark::State& state) {
  Server server;
  constexpr std::array<std::string_view, 1> kKeywords{"$Forwarded"};
  std::uint32_t number = 0;
  for (auto _ : state) {
    ++number;
    FetchWriter fetch = server.session().respond().fetch({.number = number, .uid = number + 4711});
    fetch.uid(number + 4711);
    fetch.flags({SystemFlags::kSeen}, kKeywords);
    fetch.mod_sequence(number + std::uint64_t{1'000'000});
    fetch.end();
    if (number % 256 == 0) server.session().output_sent(server.session().output().size());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK_CAPTURE(read_command, noop, "a1 NOOP\r\n")->Name("imap/noop");
BENCHMARK_CAPTURE(read_command, fetch_flags, "a1 UID FETCH 1:* (FLAGS)\r\n")->Name("imap/fetch_flags");
BENCHMARK_CAPTURE(read_command, fetch_headers,
                  "a1 UID FETCH 17,19:25,4711 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE "
                  "BODY.PEEK[HEADER.FIELDS (DATE FROM TO CC SUBJECT REFERENCES MESSAGE-ID)])\r\n")
    ->Name("imap/fetch_headers");
BENCHMARK_CAPTURE(read_command, store, "a1 UID STORE 100:200 +FLAGS.SILENT (\\Seen $Forwarded)\r\n")
    ->Name("imap/store");
BENCHMARK_CAPTURE(read_command, search,
                  "a1 UID SEARCH RETURN (ALL COUNT) OR FROM ann (SINCE 1-Feb-2024 NOT SEEN) BODY \"figures "
                  "of this week\"\r\n")
    ->Name("imap/search");
BENCHMARK(write_flags)->Name("imap/fetch_flags_response");

}  // namespace
}  // namespace ringpost::imap
