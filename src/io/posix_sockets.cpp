#include "posix_sockets.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringpost::io::posix {

namespace {

// A descriptor that is closed unless it is released.
class Owned {
 public:
  explicit Owned(int descriptor) : descriptor_(descriptor) {}
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const { return descriptor_; }
  Handle release() { return Handle{std::exchange(descriptor_, -1)}; }

 private:
  int descriptor_;
};

Result<Handle> open_socket_of(const Endpoint& endpoint, Blocking blocking) {
  const int family = endpoint.address.is_ipv6() ? AF_INET6 : AF_INET;
  const int type = SOCK_STREAM | SOCK_CLOEXEC | (blocking == Blocking::no ? SOCK_NONBLOCK : 0);
  const int descriptor = ::socket(family, type, IPPROTO_TCP);
  if (descriptor < 0) return fail_system(errno, "open a socket");
  return Handle{descriptor};
}

bool switch_on(int descriptor, int level, int option, int value = 1) {
  return ::setsockopt(descriptor, level, option, &value, sizeof value) == 0;
}

Result<void> bind_to(int descriptor, const Endpoint& where) {
  sockaddr_storage storage{};
  const socklen_t size = to_socket_address(where, storage);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&storage), size) != 0)
    return fail_system(errno, fmt::format("bind to {}", to_string(where)));
  return {};
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);
Endpoint name_of(Handle socket, NameCall call) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (call(socket.value, address, &size) != 0) return {};
  return from_socket_address(address, size).value_or(Endpoint{});
}

}  // namespace

Result<Handle> listen(const Endpoint& where, const ListenOptions& options, Blocking blocking) {
  Owned socket(RP_TRY(open_socket_of(where, blocking)).value);
  const bool ready = switch_on(socket.get(), SOL_SOCKET, SO_REUSEADDR) &&
                     (!options.reuse_port || switch_on(socket.get(), SOL_SOCKET, SO_REUSEPORT)) &&
                     (!where.address.is_ipv6() ||
                      switch_on(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0)) &&
                     (options.cpu < 0 || switch_on(socket.get(), SOL_SOCKET, SO_INCOMING_CPU, options.cpu)) &&
                     switch_on(socket.get(), IPPROTO_TCP, TCP_NODELAY);  // accepted sockets inherit it
  if (!ready) return fail_system(errno, fmt::format("prepare the listener on {}", to_string(where)));
  RP_CHECK(bind_to(socket.get(), where));
  if (::listen(socket.get(), options.backlog) != 0)
    return fail_system(errno, fmt::format("listen on {}", to_string(where)));
  return socket.release();
}

Result<Handle> open_stream(const Endpoint& to, const std::optional<Endpoint>& from, Blocking blocking) {
  Owned socket(RP_TRY(open_socket_of(to, blocking)).value);
  if (!switch_on(socket.get(), IPPROTO_TCP, TCP_NODELAY)) return fail_system(errno, "prepare a socket");
  if (from) {
    // Without a port the kernel chooses one at connect, when it knows the peer: 64 k for each peer, not for all.
    if (from->port == 0) switch_on(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    RP_CHECK(bind_to(socket.get(), *from));
  }
  return socket.release();
}

Result<Handle> adopt(int descriptor, Blocking blocking) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) return fail_system(errno, "adopt a descriptor");
  const int wanted = blocking == Blocking::no ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  if (wanted != flags && ::fcntl(descriptor, F_SETFL, wanted) != 0)
    return fail_system(errno, "adopt a descriptor");
  if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) return fail_system(errno, "adopt a descriptor");
  return Handle{descriptor};
}

Endpoint local_endpoint(Handle socket) {
  return name_of(socket, ::getsockname);
}
Endpoint peer_endpoint(Handle socket) {
  return name_of(socket, ::getpeername);
}

}  // namespace ringpost::io::posix
