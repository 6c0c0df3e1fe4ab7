#include "dns_stream.hpp"

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kMessageMax = 65535;

// 0: the length itself is not complete.
std::size_t frame_size(std::span<const std::byte> input) {
  if (input.size() < kLengthSize) return 0;
  return kLengthSize +
         (std::to_integer<std::size_t>(input[0]) << 8U | std::to_integer<std::size_t>(input[1]));
}

}  // namespace

DnsStream::DnsStream(shard::Core& core, unsigned slot, io::Handle listening, Respond respond)
    : core_(core),
      respond_(std::move(respond)),
      door_(core, slot, listening,
            [this](shard::Core& here, io::Handle socket) { here.spawn(serve(socket)); }) {}

Task<void> DnsStream::serve(io::Handle socket) {
  net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
  {
    Visit visit(connection);
    visits_.push_back(visit);
    while (co_await answer(connection)) {
    }
  }
  co_await connection.close();
  door_.ended();
}

// One query; false: the connection is over.
Task<bool> DnsStream::answer(net::Connection& connection) {
  for (;;) {
    const std::span<const std::byte> input = connection.input();
    const std::size_t size = frame_size(input);
    if (size != 0 && input.size() >= size) {
      const auto message = input.subspan(kLengthSize, size - kLengthSize);
      const auto query = dns::parse_query(message);
      const auto refusal = query ? std::nullopt : dns::refuse_query(message);
      connection.consume(size);
      if (!query && !refusal) co_return false;
      const std::vector<std::byte> response = query ? respond_(*query).encode(kMessageMax) : *refusal;
      const std::array<std::byte, kLengthSize> length{static_cast<std::byte>(response.size() >> 8U),
                                                      static_cast<std::byte>(response.size() & 0xFFU)};
      const std::array<std::span<const std::byte>, 2> parts{length, response};
      const auto sent = co_await connection.flush(core_.now() + kDnsIdle, parts);
      co_return sent.has_value();
    }
    const auto got = co_await connection.receive(core_.now() + kDnsIdle);
    if (!got) co_return false;
  }
}

void DnsStream::stop() {
  door_.stop();
  abort();
  core_.spawn(close_door());
}

void DnsStream::abort() {
  visits_.for_each([](Visit& visit) { visit.connection.abort(); });
}

Task<void> DnsStream::close_door() {
  co_await door_.stopped();
}

}  // namespace ringpost::loadgen
