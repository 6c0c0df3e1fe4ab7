#include "ringpost/resolve/dns_server.hpp"

#include <array>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ringpost/resolve/limits.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::resolve {

struct DnsServer::State {
  State(shard::Core& owner, int descriptor, Respond function)
      : core(owner), socket(descriptor), respond(std::move(function)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { ::close(socket); }

  // One datagram; false: there is none.
  bool answer_one();

  shard::Core& core;
  int socket;
  Respond respond;
  shard::Await* waiting = nullptr;
  bool stopped = false;
};

bool DnsServer::State::answer_one() {
  std::array<std::byte, dns::kEdnsPayloadBytes> datagram;
  sockaddr_storage from{};
  socklen_t from_size = sizeof(from);
  const ssize_t size =
      ::recvfrom(socket, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size);
  if (size < 0) return false;
  const auto question = std::span(datagram).first(static_cast<std::size_t>(size));
  std::vector<std::byte> response;
  if (const auto query = dns::parse_query(question)) {
    const auto message = respond(*query);
    if (!message) return true;
    response = message->encode(query->payload_bytes_max);
  } else if (auto refusal = dns::refuse_query(question)) {
    response = std::move(*refusal);
  } else {
    return true;
  }
  // A full send buffer loses the response, as the network may; the asker comes back.
  (void)::sendto(socket, response.data(), response.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&from), from_size);
  return true;
}

Result<std::unique_ptr<DnsServer>> DnsServer::open(shard::Core& core, Endpoint where, Respond respond) {
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(where, address);
  const int socket = ::socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return fail_system(errno, "DNS server socket");
  auto state = std::make_unique<State>(core, socket, std::move(respond));
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return fail_system(errno, "DNS server on " + to_string(where));
  return std::unique_ptr<DnsServer>(new DnsServer(std::move(state)));
}

DnsServer::DnsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
DnsServer::~DnsServer() {
  RP_ASSERT(state_->waiting == nullptr);
}

Endpoint DnsServer::endpoint() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(state_->socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return from_socket_address(reinterpret_cast<const sockaddr*>(&address), size).value_or(Endpoint{});
}

Task<void> DnsServer::serve() {
  State& state = *state_;
  while (!state.stopped) {
    shard::Await readable(
        state.core, {.kind = io::OpKind::poll, .poll_events = POLLIN, .handle = io::Handle{state.socket}});
    state.waiting = &readable;
    const std::int32_t result = co_await readable;
    state.waiting = nullptr;
    if (result < 0) break;
    for (std::size_t count = 0; count < kDatagramsPerTurn && state.answer_one(); ++count) {
    }
  }
}

void DnsServer::stop() {
  state_->stopped = true;
  if (state_->waiting != nullptr) state_->waiting->cancel();
}

}  // namespace ringpost::resolve
