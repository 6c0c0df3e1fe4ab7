// A client and a server session that talk in memory, with any split of their bytes.
#pragma once

#include <random>

#include <gtest/gtest.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/crypto/certificate.hpp"
#include "ringpost/tls/client_context.hpp"
#include "ringpost/tls/server_context.hpp"

namespace ringpost::tls {

constexpr WallTime k2020{1'577'836'800'000'000'000};  // long valid below, so that no test depends on today

inline Identity make_identity(const std::string& name, std::vector<std::string> more = {}) {
  const auto made = crypto::make_self_signed({.common_name = name,
                                              .names = std::move(more),
                                              .not_before = k2020,
                                              .valid_for = std::chrono::hours{24} * 365 * 100});
  RP_ASSERT(made.has_value());
  return {made->certificate_pem, made->key_pem, "tls/" + name + ".pem", "tls/" + name + ".key"};
}

inline std::shared_ptr<const TicketKeys> make_keys() {
  return *TicketKeys::generate();
}

inline std::shared_ptr<const ServerContext> make_server(
    const ServerSettings& settings, std::shared_ptr<const TicketKeys> keys = make_keys()) {
  auto built = ServerContext::build(settings, std::move(keys));
  if (!built) ADD_FAILURE() << built.error().text;
  return built ? *built : nullptr;
}

inline std::unique_ptr<ClientContext> make_client(const ClientSettings& settings = {}) {
  auto built = ClientContext::build(settings);
  if (!built) ADD_FAILURE() << built.error().text;
  return built ? std::move(*built) : nullptr;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// How many bytes arrive at once.
using Split = std::function<std::size_t()>;
inline Split whole() {
  return [] { return std::size_t{1} << 30; };
}
inline Split byte_by_byte() {
  return [] { return std::size_t{1}; };
}
inline Split random_pieces(unsigned seed) {
  return [random = std::mt19937(seed)]() mutable { return std::size_t{1} + random() % 700; };
}

struct Side {
  Session session;
  std::string received{};
  std::optional<Error> error{};
};

// Feeds `bytes` in pieces; plaintext goes to `side.received`, in rooms of `room` bytes.
inline void feed(Side& side, std::span<const std::byte> bytes, const Split& split, std::size_t room = 4096) {
  std::vector<std::byte> plaintext(room);
  while (!bytes.empty() && !side.error) {
    auto piece = bytes.first(std::min(split(), bytes.size()));
    bytes = bytes.subspan(piece.size());
    while (!piece.empty() || side.session.has_plaintext()) {
      // A copy of its own, so that a sanitizer sees a session that keeps the caller's bytes.
      const std::vector<std::byte> copy(piece.begin(), piece.end());
      const auto progress = side.session.receive(copy, plaintext);
      if (!progress) {
        side.error = progress.error();
        return;
      }
      side.received.append(reinterpret_cast<const char*>(plaintext.data()), progress->produced);
      ASSERT_TRUE(progress->consumed > 0 || progress->produced > 0);
      piece = piece.subspan(progress->consumed);
    }
  }
}

inline std::vector<std::byte> take_output(Session& session) {
  const auto pending = session.pending_output();
  std::vector<std::byte> copy(pending.begin(), pending.end());
  session.consume_output(copy.size());
  return copy;
}

struct Duel {
  Side client;
  Side server;
  Split split = whole();

  // Carries bytes both ways until nobody has more to say.
  void settle() {
    for (bool moved = true; moved;) {
      const auto to_server = take_output(client.session);
      feed(server, to_server, split);
      const auto to_client = take_output(server.session);
      feed(client, to_client, split);
      moved = !to_server.empty() || !to_client.empty();
    }
  }
  bool done() const { return client.session.handshake_done() && server.session.handshake_done(); }
};

inline Duel start(const ServerContext& server, ClientContext& client, const Destination& destination = {},
                  Split split = whole()) {
  auto first = client.new_session(destination);
  auto second = server.new_session();
  RP_ASSERT(first.has_value() && second.has_value());
  return {{std::move(*first)}, {std::move(*second)}, std::move(split)};
}

inline Duel settled(const ServerContext& server, ClientContext& client, const Destination& destination = {},
                    Split split = whole()) {
  Duel duel = start(server, client, destination, std::move(split));
  duel.settle();
  return duel;
}

// Writes all of it, carrying bytes as the output fills.
inline void send(Duel& duel, Side& from, std::string_view text) {
  while (!text.empty()) {
    const auto taken = from.session.write(bytes_of(text));
    ASSERT_TRUE(taken) << taken.error().text;
    text.remove_prefix(*taken);
    duel.settle();
  }
}

inline std::string letters(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>(random() % 256);
  return text;
}

}  // namespace ringpost::tls
