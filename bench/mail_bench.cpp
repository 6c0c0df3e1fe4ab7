// What is done once for each message besides its bytes: addresses, envelope, header, trace fields, replies.
#include <vector>

#include <benchmark/benchmark.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/received.hpp"
#include "ringpost/mail/reply.hpp"

#include "sample_mail.hpp"

namespace ringpost::mail {
namespace {

void path(benchmark::State& state) {
  std::string canonical;
  for (auto _ : state) {
    canonical.clear();
    const auto parsed = parse_path("<bob.builder+news@Example.NET>", kForwardPathRules);
    benchmark::DoNotOptimize(append_canonical(*parsed, canonical).has_value());
  }
}
BENCHMARK(path)->Name("address/path_to_canonical");

void path_utf8(benchmark::State& state) {
  std::string canonical;
  constexpr PathRules kRules{.smtputf8 = true};
  for (auto _ : state) {
    canonical.clear();
    const auto parsed = parse_path("<j\u00f6rg@b\u00fccher.example>", kRules);
    benchmark::DoNotOptimize(append_canonical(*parsed, canonical).has_value());
  }
}
BENCHMARK(path_utf8)->Name("address/path_to_canonical_utf8");

Envelope make_envelope(std::size_t recipients) {
  Envelope envelope;
  envelope.set_reverse_path("bounce+0123456789@example.com");
  for (std::size_t i = 0; i < recipients; ++i)
    envelope.add_recipient({.address = "recipient" + std::to_string(i) + "@example.net"});
  return envelope;
}
ArrivalFacts make_facts() {
  ArrivalFacts facts;
  facts.peer_address = "192.0.2.1";
  facts.peer_name = "client.example";
  facts.helo = "client.example";
  facts.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  facts.listener = "mx";
  facts.body.size = 4096;
  return facts;
}

void envelope_encode(benchmark::State& state) {
  const Envelope envelope = make_envelope(static_cast<std::size_t>(state.range(0)));
  const ArrivalFacts facts = make_facts();
  std::vector<std::byte> out(encoded_envelope_size(envelope, facts));
  for (auto _ : state) benchmark::DoNotOptimize(encode_envelope(envelope, facts, out));
}
BENCHMARK(envelope_encode)->Name("envelope/encode_recipients")->Arg(1)->Arg(100);

void envelope_decode(benchmark::State& state) {
  const Envelope envelope = make_envelope(static_cast<std::size_t>(state.range(0)));
  const ArrivalFacts facts = make_facts();
  std::vector<std::byte> bytes(encoded_envelope_size(envelope, facts));
  encode_envelope(envelope, facts, bytes);
  for (auto _ : state) {
    const auto record = EnvelopeRecord::decode(bytes);
    benchmark::DoNotOptimize(record->recipient(0).address.data());
  }
}
BENCHMARK(envelope_decode)->Name("envelope/decode_recipients")->Arg(1)->Arg(100);

void hops(benchmark::State& state) {
  const std::string message = bench::sample_mail(4096);
  for (auto _ : state) benchmark::DoNotOptimize(count_hops(message).received);
}
BENCHMARK(hops)->Name("header/count_hops");

void received(benchmark::State& state) {
  std::string out;
  const ReceivedFacts facts{.helo = "client.example",
                            .peer_name = "client.example",
                            .peer_address = "192.0.2.1",
                            .hostname = "mx.example",
                            .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
                            .id = "0123456789ABC",
                            .recipient = "bob@example.net",
                            .arrival = WallTime{880'127'706'000'000'000}};
  for (auto _ : state) {
    out.clear();
    append_received(facts, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(received)->Name("header/append_received");

void reply_write(benchmark::State& state) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    append_reply(250, {2, 0, 0}, "Ok: queued as 0123456789ABC", out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(reply_write)->Name("reply/append");

void reply_read(benchmark::State& state) {
  ReplyParser parser;
  for (auto _ : state) {
    parser.feed("250 2.0.0 Ok: queued as 0123456789ABC");
    benchmark::DoNotOptimize(parser.take().code);
  }
}
BENCHMARK(reply_read)->Name("reply/parse");

}  // namespace
}  // namespace ringpost::mail
