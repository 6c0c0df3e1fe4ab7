#include "ringpost/deliver/helper.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "ringpost/deliver/local_limits.hpp"

#include "helper_child.hpp"
#include "helper_protocol.hpp"
#include "local_file.hpp"

namespace ringpost::deliver {

namespace {

constexpr int kSocket = 3;  // where the helper keeps its end

struct Received {
  std::vector<char> packet;
  Descriptor message, reply;
  bool ended = false;
};

Received receive(int socket) {
  Received received;
  received.packet.resize(kHelperPacketMax + 1);
  iovec part{received.packet.data(), received.packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = 0;
  do size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  received.ended = size <= 0;
  received.packet.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  std::array<int, 2> passed{-1, -1};
  for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry))
    if (entry->cmsg_level == SOL_SOCKET && entry->cmsg_type == SCM_RIGHTS)
      std::memcpy(passed.data(), CMSG_DATA(entry), std::min(sizeof passed, entry->cmsg_len - CMSG_LEN(0)));
  received.reply = Descriptor(passed[0]);
  received.message = Descriptor(passed[1]);
  return received;
}

// Children that have ended; waits for one when there are too many.
void reap(std::size_t& children) {
  while (children > 0) {
    const pid_t ended = ::waitpid(-1, nullptr, children >= kHelperChildrenMax ? 0 : WNOHANG);
    if (ended < 0 && errno == EINTR) continue;
    if (ended < 0) children = 0;
    if (ended <= 0) return;
    --children;
  }
}

// To change users is all that it does as root.
void keep_only_needed_rights() {
  if (::geteuid() != 0) return;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> rights{};
  rights[0].permitted = rights[0].effective = 1U << CAP_SETUID | 1U << CAP_SETGID;
  ::syscall(SYS_capset, &header, rights.data());
}

// Keeps the socket as kSocket; everything else of the server is closed, standard streams lead nowhere.
void forget_the_server(int socket) {
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, stream);
  if (socket != kSocket) ::dup2(socket, kSocket);
  ::fcntl(kSocket, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, kSocket + 1, ~0U, 0);
  ::umask(077);
  if (::chdir("/") != 0) ::_exit(1);
  ::prctl(PR_SET_NAME, "ringpost-helper");
  ::prctl(PR_SET_DUMPABLE, 0);
  // A stop goes to the whole service; the server may still want to finish deliveries. End of file is our signal. A full
  // disk quota is an error of write, not a death.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2})
    ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void serve(const HelperSettings& settings, int socket) {
  forget_the_server(socket);
  keep_only_needed_rights();
  std::size_t children = 0;
  while (true) {
    Received received = receive(kSocket);
    if (received.ended) ::_exit(0);
    if (!received.reply) continue;
    reap(children);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(kSocket);
      run_helper_child(settings, {received.packet.data(), received.packet.size()},
                       std::move(received.message), std::move(received.reply));
    }
    if (child > 0) ++children;  // else the reply's end closes, and the delivery is deferred
  }
}

// The two descriptors of a request; a packet is sent whole or not at all, so no lock is needed.
Result<void> send_order(int socket, const std::string& packet, int reply, int message) {
  iovec part{const_cast<char*>(packet.data()), packet.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
  const std::array<int, 2> passed{reply, message};
  const std::size_t count = message >= 0 ? 2 : 1;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = CMSG_SPACE(count * sizeof(int));
  cmsghdr* entry = CMSG_FIRSTHDR(&header);
  entry->cmsg_level = SOL_SOCKET;
  entry->cmsg_type = SCM_RIGHTS;
  entry->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(entry), passed.data(), count * sizeof(int));
  if (::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
  if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
    return fail(ErrorKind::exhausted, "the delivery helper is busy");
  return fail_system(errno, "ask the delivery helper");
}

}  // namespace

HelperClient::~HelperClient() {
  ::close(socket_);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<int> HelperClient::start(const DeliveryOrder& order, int message) const {
  const std::string packet = RP_TRY(encode(order));
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_system(errno, "ask the delivery helper");
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  RP_CHECK(send_order(socket_, packet, theirs.get(), message));
  return ours.release();
}

DeliveryOutcome HelperClient::finish(int descriptor) {
  std::vector<char> packet(kHelperPacketMax);
  const ssize_t size = ::recv(descriptor, packet.data(), packet.size(), MSG_DONTWAIT);
  if (size <= 0) return DeliveryOutcome::deferred(451, {4, 3, 0}, "The delivery helper has given no answer");
  auto outcome = decode_outcome({packet.data(), static_cast<std::size_t>(size)});
  if (outcome) return *std::move(outcome);
  return DeliveryOutcome::deferred(451, {4, 3, 0}, outcome.error().text);
}

Result<std::unique_ptr<HelperClient>> start_helper(const HelperSettings& settings) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_system(errno, "start the delivery helper");
  Descriptor ours(ends[0]);
  const Descriptor theirs(ends[1]);
  // A signal that comes before the helper ignores it waits until it does.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t process = ::fork();
  const int error = errno;
  if (process != 0) ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (process < 0) return fail_system(error, "start the delivery helper");
  if (process == 0) serve(settings, theirs.get());
  return std::make_unique<HelperClient>(ours.release(), process);
}

}  // namespace ringpost::deliver
