#include "ringpost/resolve/ares_upstream.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include <ares.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/dns/message.hpp"
#include "ringpost/resolve/limits.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::resolve {
namespace {

// c-ares 1.18 does not say which failure the last server sent: after SERVFAIL, REFUSED, and where nobody listens, all
// it knows is that no server helped.
dns::Status status_of(int ares_status) {
  return ares_status == ARES_ETIMEOUT ? dns::Status::timeout : dns::Status::servfail;
}

bool is_format_error(std::span<const std::byte> response) {
  constexpr std::size_t kFlagsLow = 3;
  return response.size() > kFlagsLow &&
         (response[kFlagsLow] & std::byte{0x0f}) == static_cast<std::byte>(dns::Rcode::format_error);
}

class AresUpstream final : public Upstream {
 public:
  explicit AresUpstream(shard::Core& core) : core_(core), timeout_(*this), idle_(core) {}
  ~AresUpstream() override;
  AresUpstream(const AresUpstream&) = delete;
  AresUpstream& operator=(const AresUpstream&) = delete;

  Result<void> open(const ResolverOptions& options);
  void send(Request& request) override;
  void abort() override;
  Task<void> stop() override;

 private:
  // A socket of c-ares and the poll on it. c-ares "closes" it at any moment; its descriptor is closed, and its number
  // free for reuse, only after the poll has completed for the last time.
  struct Watch : io::Operation {
    Watch(AresUpstream& upstream, int descriptor)
        : Operation(&Watch::completed), owner(upstream), socket(descriptor) {}
    static void completed(io::Operation& self, const io::Completion& completion) {
      auto& watch = static_cast<Watch&>(self);
      watch.armed = 0;
      watch.cancelling = false;
      watch.owner.polled(watch, completion.result);
    }
    AresUpstream& owner;
    int socket;
    std::uint16_t wanted = 0;  // POLLIN and POLLOUT, as c-ares said last
    std::uint16_t armed = 0;   // what the poll in flight waits for; 0: there is none
    bool cancelling = false;
    bool closed = false;   // by c-ares
    bool drained = false;  // nothing more to read for now
    bool busy = false;     // c-ares is working on it: not to be freed
  };
  struct Timeout : shard::Timer {
    explicit Timeout(AresUpstream& upstream) : Timer(&Timeout::due), owner(upstream) {}
    static void due(Timer& self) {
      static_cast<Timeout&>(self).owner.process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    AresUpstream& owner;
  };
  // One query that c-ares knows.
  struct Sent {
    AresUpstream& owner;
    Request& request;
    bool edns;
  };

  void send_query(Request& request, bool edns);
  static void answered(void* argument, int status, int timeouts, unsigned char* octets, int size);
  void process(int readable, int writable);
  void polled(Watch& watch, std::int32_t result);
  void settle(Watch& watch);
  void arm_timeout();
  void set_socket_functions();
  static void socket_state(void* self, int socket, int readable, int writable);

  shard::Core& core_;
  ares_channel channel_ = nullptr;
  Timeout timeout_;
  std::unordered_map<int, std::unique_ptr<Watch>> watches_;
  shard::Signal idle_;
};

AresUpstream::~AresUpstream() {
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  RP_ASSERT(watches_.empty());
}

Result<void> set_servers(ares_channel channel, const ResolverOptions& options) {
  std::array<ares_addr_port_node, kServersMax> nodes{};
  std::size_t count = 0;
  for (const std::string& server : options.servers) {
    if (count == kServersMax) break;
    const Endpoint endpoint = RP_TRY(parse_server(server));
    ares_addr_port_node& node = nodes[count];
    node.family = endpoint.address.is_ipv4() ? AF_INET : AF_INET6;
    std::ranges::copy(endpoint.address.octets(), reinterpret_cast<std::uint8_t*>(&node.addr));
    node.udp_port = node.tcp_port = endpoint.port;
    if (count > 0) nodes[count - 1].next = &node;
    ++count;
  }
  const int status = count == 0 ? ARES_SUCCESS : ares_set_servers_ports(channel, nodes.data());
  if (status == ARES_SUCCESS) return {};
  return fail(ErrorKind::permanent, std::string("name servers: ") + ares_strerror(status));
}

Result<void> AresUpstream::open(const ResolverOptions& options) {
  ares_options wanted{};
  // Whole names only, no search list, and no aliases from the environment: a mail domain is what it says.
  wanted.flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES;
  wanted.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.timeout).count());
  wanted.tries = static_cast<int>(options.attempts);
  wanted.ednspsz = static_cast<int>(dns::kEdnsPayloadBytes);
  wanted.sock_state_cb = &AresUpstream::socket_state;
  wanted.sock_state_cb_data = this;
  const int status = ares_init_options(
      &channel_, &wanted,
      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS)
    return fail(ErrorKind::permanent, std::string("DNS resolver: ") + ares_strerror(status));
  set_socket_functions();
  return set_servers(channel_, options);
}

void AresUpstream::set_socket_functions() {
  static const ares_socket_functions kFunctions = {
      .asocket = [](int family, int type, int protocol, void* self) -> ares_socket_t {
        const int socket = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
        if (socket < 0) return ARES_SOCKET_BAD;
        auto& owner = *static_cast<AresUpstream*>(self);
        owner.watches_.emplace(socket, std::make_unique<Watch>(owner, socket));
        return socket;
      },
      .aclose = [](ares_socket_t socket, void* self) -> int {
        auto& owner = *static_cast<AresUpstream*>(self);
        Watch& watch = *owner.watches_.at(socket);
        watch.closed = true;
        owner.settle(watch);
        return 0;
      },
      .aconnect = [](ares_socket_t socket, const sockaddr* address, ares_socklen_t size, void*) -> int {
        return ::connect(socket, address, size);
      },
      .arecvfrom = [](ares_socket_t socket, void* into, std::size_t size, int flags, sockaddr* from,
                      ares_socklen_t* from_size, void* self) -> ares_ssize_t {
        const ssize_t got = ::recvfrom(socket, into, size, flags, from, from_size);
        if (got <= 0) static_cast<AresUpstream*>(self)->watches_.at(socket)->drained = true;
        return got;
      },
      .asendv = [](ares_socket_t socket, const iovec* vectors, int count, void*) -> ares_ssize_t {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(vectors);
        message.msg_iovlen = static_cast<std::size_t>(count);
        return ::sendmsg(socket, &message, MSG_NOSIGNAL);
      },
  };
  ares_set_socket_functions(channel_, &kFunctions, this);
}

void AresUpstream::socket_state(void* self, int socket, int readable, int writable) {
  auto& owner = *static_cast<AresUpstream*>(self);
  const auto found = owner.watches_.find(socket);
  if (found == owner.watches_.end()) return;
  found->second->wanted =
      static_cast<std::uint16_t>((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0));
  owner.settle(*found->second);
}

// Brings the poll in line with what is wanted of the socket; frees it when nothing is, and nothing is in flight.
void AresUpstream::settle(Watch& watch) {
  if (watch.busy) return;  // polled() does it at its end
  const std::uint16_t wanted = watch.closed ? std::uint16_t{0} : watch.wanted;
  if (watch.armed != 0) {
    // A poll for more than is wanted comes back harmlessly; one for less would sleep through.
    if ((wanted == 0 || (wanted & ~watch.armed) != 0) && !watch.cancelling) {
      watch.cancelling = true;
      core_.submit({.kind = io::OpKind::cancel, .target = &watch});
    }
    return;
  }
  if (watch.closed) {
    ::close(watch.socket);
    watches_.erase(watch.socket);
    if (watches_.empty()) idle_.notify_all();
    return;
  }
  if (wanted == 0) return;
  watch.armed = wanted;
  core_.submit({.kind = io::OpKind::poll,
                .poll_events = wanted,
                .handle = io::Handle{watch.socket},
                .operation = &watch});
}

void AresUpstream::polled(Watch& watch, std::int32_t result) {
  if (result != -ECANCELED && !watch.closed) {
    const auto events = static_cast<unsigned>(result > 0 ? result : POLLIN | POLLOUT);
    const bool failed = (events & (POLLERR | POLLHUP)) != 0;
    const bool readable = failed || (events & POLLIN) != 0;
    const bool writable = (watch.wanted & POLLOUT) != 0 && (failed || (events & POLLOUT) != 0);
    watch.busy = true;
    watch.drained = !readable;
    // c-ares takes one datagram a call.
    std::size_t rounds = 0;
    do {
      process(readable ? watch.socket : ARES_SOCKET_BAD,
              rounds == 0 && writable ? watch.socket : ARES_SOCKET_BAD);
    } while (!watch.drained && !watch.closed && ++rounds < kDatagramsPerTurn);
    watch.busy = false;
  }
  settle(watch);
}

void AresUpstream::process(int readable, int writable) {
  if (channel_ == nullptr) return;
  ares_process_fd(channel_, readable, writable);
  arm_timeout();
}

void AresUpstream::arm_timeout() {
  timeval left{};
  if (channel_ == nullptr || ares_timeout(channel_, nullptr, &left) == nullptr) {
    core_.timers().disarm(timeout_);
    return;
  }
  // c-ares rounds down; one millisecond more and it agrees that the time has come.
  const Duration wait = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  core_.timers().arm(timeout_, core_.now() + wait + std::chrono::milliseconds(1));
}

void AresUpstream::send(Request& request) {
  if (channel_ == nullptr) return request.done(request, std::unexpected(dns::Status::servfail));
  send_query(request, true);
  arm_timeout();
}

void AresUpstream::send_query(Request& request, bool edns) {
  const auto query = dns::encode_query(static_cast<std::uint16_t>(core_.random()), request.question, edns);
  auto sent = std::make_unique<Sent>(Sent{*this, request, edns});
  ares_send(channel_, reinterpret_cast<const unsigned char*>(query.data()), static_cast<int>(query.size()),
            &AresUpstream::answered, sent.release());
}

void AresUpstream::answered(void* argument, int status, int /*timeouts*/, unsigned char* octets, int size) {
  const std::unique_ptr<Sent> sent(static_cast<Sent*>(argument));
  Request& request = sent->request;
  if (status != ARES_SUCCESS || octets == nullptr || size < 0)
    return request.done(request, std::unexpected(status_of(status)));
  const std::span response(reinterpret_cast<const std::byte*>(octets), static_cast<std::size_t>(size));
  if (sent->edns && is_format_error(response)) return sent->owner.send_query(request, false);
  request.done(request, response);
}

void AresUpstream::abort() {
  // Taken away first: what the callbacks ask now is refused.
  if (ares_channel channel = std::exchange(channel_, nullptr)) ares_destroy(channel);
  core_.timers().disarm(timeout_);
}

Task<void> AresUpstream::stop() {
  abort();
  while (!watches_.empty()) co_await idle_.wait();
}

}  // namespace

Result<std::unique_ptr<Upstream>> make_ares_upstream(shard::Core& core, const ResolverOptions& options) {
  auto upstream = std::make_unique<AresUpstream>(core);
  RP_CHECK(upstream->open(options));
  return upstream;
}

}  // namespace ringpost::resolve
