// What a client may send before and inside of TLS. Byte 1: 0 raw bytes; otherwise a real client speaks and the input
// changes its bytes on the way: three bytes say where, one what.
#include <memory>
#include <string>
#include <vector>

#include "ringpost/crypto/certificate.hpp"
#include "ringpost/tls/client_context.hpp"
#include "ringpost/tls/limits.hpp"
#include "ringpost/tls/server_context.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

constexpr WallTime k2020{1'577'836'800'000'000'000};  // long valid below, so that no run depends on today

// Keys are random, so a finding may need a few runs to show itself again.
const tls::ServerContext& server_context() {
  static const auto context = [] {
    const auto made = crypto::make_self_signed({.common_name = "mx.example",
                                                .names = {},
                                                .not_before = k2020,
                                                .valid_for = std::chrono::hours{24} * 365 * 100});
    RP_ASSERT(made.has_value());
    tls::ServerSettings settings;
    settings.main = {made->certificate_pem, made->key_pem, "mx.pem", "mx.key"};
    auto built = tls::ServerContext::build(settings, *tls::TicketKeys::generate());
    RP_ASSERT(built.has_value());
    return *built;
  }();
  return *context;
}

class Server {
 public:
  Server() : session_(std::move(*server_context().new_session())) {}

  void feed(std::string_view text) {
    const fuzz::Exact piece(text);
    std::span<const std::byte> rest = piece.bytes();
    std::vector<std::byte> plaintext(64);
    // Each turn takes or gives a byte, or ends; a record gives no more bytes than it has.
    for (std::size_t turn = 0; !rest.empty() || session_.has_plaintext(); ++turn) {
      RP_ASSERT(turn <= 2 * text.size() + tls::kRecordBytesMax);
      const auto progress = session_.receive(rest, plaintext);
      RP_ASSERT(session_.pending_output().size() <= tls::kOutputBytesMax);
      if (!progress) {
        RP_ASSERT(session_.failed());
        return;
      }
      RP_ASSERT(progress->consumed <= rest.size() && progress->produced <= plaintext.size());
      RP_ASSERT(progress->consumed + progress->produced > 0);
      RP_ASSERT(session_.handshake_done() || progress->produced == 0);
      rest = rest.subspan(progress->consumed);
      if (session_.failed() || session_.peer_closed()) return;
    }
  }
  std::string output() {
    const auto pending = session_.pending_output();
    std::string copy(reinterpret_cast<const char*>(pending.data()), pending.size());
    session_.consume_output(pending.size());
    return copy;
  }
  bool over() const { return session_.failed() || session_.peer_closed(); }
  // An end of file during the handshake is never a good end.
  void end() {
    const bool open = session_.handshake_done();
    const auto ended = session_.end_of_input();
    RP_ASSERT(!ended || open);
  }

 private:
  tls::Session session_;
};

void run_raw(fuzz::Input& input) {
  fuzz::Sizes sizes(input.byte());
  Server server;
  while (!input.empty() && !server.over()) server.feed(input.take(sizes(200)));
  (void)server.output();
  server.end();
}

void run_changed(fuzz::Input& input) {
  static const auto client_context = std::move(*tls::ClientContext::build({}));
  auto client = client_context->new_session({});
  RP_ASSERT(client.has_value());
  Server server;
  std::vector<std::byte> plaintext(4096);
  std::size_t carried = 0;
  std::size_t change_at = input.number() % 2048;
  for (int flight = 0; flight < 6 && !server.over(); ++flight) {
    if (client->handshake_done()) (void)client->write(std::as_bytes(std::span("MAIL FROM:<>\r\n")));
    const auto pending = client->pending_output();
    std::string flight_bytes(reinterpret_cast<const char*>(pending.data()), pending.size());
    client->consume_output(pending.size());
    while (change_at < carried + flight_bytes.size() && !input.empty()) {
      char& changed = flight_bytes[change_at - carried];
      changed = static_cast<char>(static_cast<unsigned char>(changed) ^ input.byte());
      change_at += 1 + input.number() % 512;
    }
    carried += flight_bytes.size();
    server.feed(flight_bytes);
    const std::string back = server.output();
    if (!client->receive(std::as_bytes(std::span(back)), plaintext)) break;
  }
  server.end();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  if (input.byte() == 0) {
    run_raw(input);
  } else {
    run_changed(input);
  }
  return 0;
}
