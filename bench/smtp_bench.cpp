// One message through the SMTP sessions, without sockets: what protocol and body cost of the CPU time of a message.
//
// A session stays open over all messages, as on a reused connection. The driver decides at once and yes.
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "ringpost/smtp/client_session.hpp"
#include "ringpost/smtp/server_session.hpp"

#include "sample_mail.hpp"

namespace ringpost::smtp {
namespace {

constexpr std::string_view kHello = "EHLO client.example\r\n";
const std::string kEnvelope =
    "MAIL FROM:<bounce@example.com> SIZE=4096 BODY=8BITMIME\r\nRCPT TO:<bob@example.net>\r\n";

class Server {
 public:
  Server() : session_(settings_), staging_(256 * 1024) {
    session_.greet();
    feed(kHello);
  }
  // What arrives in one receive.
  void feed(std::string_view bytes) {
    std::span<const std::byte> input = std::as_bytes(std::span(bytes));
    for (;;) {
      const Event event = session_.next(input, std::span(staging_).subspan(filled_));
      switch (event.kind) {
        case Event::Kind::need_input:
        case Event::Kind::flush:
          benchmark::DoNotOptimize(session_.output().data());
          session_.output_sent(session_.output().size());
          if (event.kind == Event::Kind::need_input) return;
          break;
        case Event::Kind::body:
          filled_ += event.bytes;
          break;
        case Event::Kind::message_end:
          ++messages_;
          filled_ = 0;
          session_.accept_message("0123456789ABC");
          break;
        case Event::Kind::quit:
        case Event::Kind::closed:
        case Event::Kind::need_room:
          return;
        case Event::Kind::helo:
        case Event::Kind::mail:
        case Event::Kind::recipient:
        case Event::Kind::data_begin:
          session_.accept();
          break;
        default:
          break;
      }
    }
  }
  std::int64_t messages() const { return messages_; }

 private:
  ServerSettings settings_;
  ServerSession session_;
  std::vector<std::byte> staging_;
  std::size_t filled_ = 0;
  std::int64_t messages_ = 0;
};

void check(benchmark::State& state, const Server& server) {
  if (server.messages() != static_cast<std::int64_t>(state.iterations()))
    state.SkipWithError("messages were not accepted");
  state.SetItemsProcessed(server.messages());
}

void server_data(benchmark::State& state) {
  Server server;
  const std::string group = kEnvelope + "DATA\r\n";
  const std::string body = bench::sample_mail(static_cast<std::size_t>(state.range(0))) + ".\r\n";
  for (auto _ : state) {
    server.feed(group);
    server.feed(body);
  }
  check(state, server);
}
BENCHMARK(server_data)->Name("server/message_by_data")->Arg(64)->Arg(4096)->Arg(65536);

// Without PIPELINING: every command is a packet.
void server_data_slow(benchmark::State& state) {
  Server server;
  const std::string body = bench::sample_mail(4096) + ".\r\n";
  for (auto _ : state) {
    server.feed("MAIL FROM:<bounce@example.com>\r\n");
    server.feed("RCPT TO:<bob@example.net>\r\n");
    server.feed("DATA\r\n");
    server.feed(body);
  }
  check(state, server);
}
BENCHMARK(server_data_slow)->Name("server/message_by_data_without_pipelining/4096");

void server_bdat(benchmark::State& state) {
  Server server;
  const std::string body = bench::sample_mail(static_cast<std::size_t>(state.range(0)));
  const std::string group = kEnvelope + "BDAT " + std::to_string(body.size()) + " LAST\r\n" + body;
  for (auto _ : state) server.feed(group);
  check(state, server);
}
BENCHMARK(server_bdat)->Name("server/message_by_bdat")->Arg(64)->Arg(4096)->Arg(65536);

void server_recipients(benchmark::State& state) {
  Server server;
  std::string group = "MAIL FROM:<bounce@example.com>\r\n";
  for (int i = 0; i < 100; ++i) group += "RCPT TO:<recipient" + std::to_string(i) + "@example.net>\r\n";
  const std::string body = bench::sample_mail(64);
  group += "BDAT " + std::to_string(body.size()) + " LAST\r\n" + body;
  for (auto _ : state) server.feed(group);
  check(state, server);
}
BENCHMARK(server_recipients)->Name("server/message_to_100_recipients");

void server_commands(benchmark::State& state) {
  ServerSettings settings;
  settings.idle_commands_max = ~0U;
  ServerSession session(settings);
  session.greet();
  std::string group(kHello);
  std::span<const std::byte> input = bench::bytes_of(group);
  session.next(input);  // EHLO
  session.accept();
  session.output_sent(session.output().size());
  group.clear();
  for (int i = 0; i < 32; ++i) group += "NOOP\r\n";
  for (auto _ : state) {
    input = bench::bytes_of(group);
    session.next(input);
    if (session.output().size() < std::size_t{32} * 4) state.SkipWithError("a command was not answered");
    session.output_sent(session.output().size());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 32);
}
BENCHMARK(server_commands)->Name("server/noop_x32");

constexpr std::string_view kCapabilities =
    "220 mx.example ESMTP\r\n250-mx.example\r\n250-PIPELINING\r\n250-SIZE "
    "52428800\r\n250-8BITMIME\r\n250-CHUNKING\r\n"
    "250 SMTPUTF8\r\n";
constexpr std::string_view kAccepted =
    "250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n250 2.0.0 Ok: queued as 0123456789ABC\r\n";

class Client {
 public:
  explicit Client(BodyTiming timing) : session_(settings_), timing_(timing) {
    envelope_.set_reverse_path("bounce@example.com");
    envelope_.add_recipient({.address = "bob@example.net"});
    feed(kCapabilities);
  }
  void send_message(std::string_view replies) {
    session_.begin({.envelope = &envelope_, .recipients = {}, .body_bytes = 4096, .timing = timing_});
    feed(replies);
  }
  std::int64_t finished() const { return finished_; }

 private:
  void feed(std::string_view replies) {
    std::span<const std::byte> input = std::as_bytes(std::span(replies));
    for (;;) {
      const ClientEvent event = session_.next(input);
      if (event.kind == ClientEvent::Kind::send_body) session_.body_sent();
      if (event.kind == ClientEvent::Kind::finished && event.stage == ClientEvent::Stage::body) ++finished_;
      benchmark::DoNotOptimize(session_.output().data());
      session_.output_sent(session_.output().size());
      if (event.kind == ClientEvent::Kind::need_input || event.kind == ClientEvent::Kind::closed) return;
    }
  }
  ClientSettings settings_;
  ClientSession session_;
  BodyTiming timing_;
  mail::Envelope envelope_;
  std::int64_t finished_ = 0;
};

void client(benchmark::State& state) {
  Client client(state.range(0) != 0 ? BodyTiming::with_envelope : BodyTiming::after_recipients);
  for (auto _ : state) client.send_message(kAccepted);
  if (client.finished() != static_cast<std::int64_t>(state.iterations()))
    state.SkipWithError("messages were not sent");
  state.SetItemsProcessed(client.finished());
}
BENCHMARK(client)->Name("client/message_by_bdat/eager")->Arg(0)->Arg(1);

}  // namespace
}  // namespace ringpost::smtp
