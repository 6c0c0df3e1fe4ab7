#include "imap_wire.hpp"

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ringpost/migrate/limits.hpp"

#include "file.hpp"
#include "imap_reply.hpp"

namespace ringpost::migrate {

namespace {

constexpr const char* kAuthorities = "/etc/ssl/certs/ca-certificates.crt";

int milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Connected, or an errno.
int try_connect(const addrinfo& address, int& descriptor) {
  descriptor = socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, address.ai_protocol);
  if (descriptor < 0) return errno;
  int error = connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    pollfd entry{descriptor, POLLOUT, 0};
    socklen_t size = sizeof(error);
    if (poll(&entry, 1, milliseconds(kConnectTimeout)) <= 0)
      error = ETIMEDOUT;
    else if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
      error = errno;
  }
  if (error != 0) close(std::exchange(descriptor, -1));
  return error;
}

}  // namespace

ImapWire::ImapWire(int descriptor, std::string received)
    : descriptor_(descriptor), received_(std::move(received)) {
  const int flags = fcntl(descriptor_, F_GETFL);
  (void)fcntl(descriptor_, F_SETFL, flags | O_NONBLOCK);
}

ImapWire::ImapWire(ImapWire&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      received_(std::move(other.received_)),
      at_(other.at_),
      context_(std::move(other.context_)),
      tls_(std::move(other.tls_)) {}

ImapWire::~ImapWire() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<ImapWire> ImapWire::connect(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* all = nullptr;
  if (const int wrong = getaddrinfo(host.c_str(), port.c_str(), &hints, &all); wrong != 0)
    return fail(ErrorKind::temporary, host + ": " + gai_strerror(wrong));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> found(all, freeaddrinfo);
  int error = ECONNREFUSED;
  for (const addrinfo* each = all; each != nullptr; each = each->ai_next) {
    int descriptor = -1;
    error = try_connect(*each, descriptor);
    if (error == 0) return ImapWire(descriptor, {});
  }
  return fail_system(error, "connect to " + host + " port " + port);
}

// ---- the socket

Result<void> ImapWire::wait(short events) const {
  pollfd entry{descriptor_, events, 0};
  const int count = poll(&entry, 1, milliseconds(kImapTimeout));
  if (count == 0) return fail(ErrorKind::timed_out, "the server is silent");
  if (count < 0 && errno != EINTR) return fail_system(errno, "poll");
  return {};
}

Result<std::string> ImapWire::read_some() const {
  std::string bytes(std::size_t{64} * 1024, '\0');
  for (;;) {
    const ssize_t count = recv(descriptor_, bytes.data(), bytes.size(), 0);
    if (count > 0) {
      bytes.resize(static_cast<std::size_t>(count));
      return bytes;
    }
    if (count == 0) return fail(ErrorKind::closed, "the server has ended the connection");
    if (errno != EAGAIN && errno != EINTR) return fail_system(errno, "read from the server");
    RP_CHECK(wait(POLLIN));
  }
}

Result<void> ImapWire::write_raw(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return fail_system(errno, "write to the server");
    RP_CHECK(wait(POLLOUT));
  }
  return {};
}

// ---- TLS

Result<void> ImapWire::start_tls(const std::string& host, bool verify) {
  tls::ClientSettings settings;
  if (verify) settings.authorities_pem = RP_TRY(read_file(kAuthorities, 16_MiB));
  settings.authorities_path = kAuthorities;
  context_ = RP_TRY(tls::ClientContext::build(settings));
  tls_ = std::make_unique<tls::Session>(RP_TRY(context_->new_session(
      {.server_name = host,
       .verification = verify ? tls::Verification::required : tls::Verification::opportunistic,
       .session_key = {}})));
  received_.clear();
  at_ = 0;
  RP_CHECK(flush_tls());
  while (!tls_->handshake_done()) {
    const std::string bytes = RP_TRY(read_some());
    RP_CHECK(take_ciphertext(bytes));
  }
  return {};
}

Result<void> ImapWire::flush_tls() {
  for (auto out = tls_->pending_output(); !out.empty(); out = tls_->pending_output()) {
    RP_CHECK(write_raw({reinterpret_cast<const char*>(out.data()), out.size()}));
    tls_->consume_output(out.size());
  }
  return {};
}

Result<void> ImapWire::take_ciphertext(std::string_view bytes) {
  std::array<std::byte, 16 * 1024> plain;
  Result<void> done;
  while (done && (!bytes.empty() || tls_->has_plaintext())) {
    const auto progress = tls_->receive(as_bytes(bytes), plain);
    if (!progress) {
      done = fail(progress.error());
      break;
    }
    bytes.remove_prefix(progress->consumed);
    received_.append(reinterpret_cast<const char*>(plain.data()), progress->produced);
  }
  RP_CHECK(flush_tls());  // an alert says why
  return done;
}

// ---- both

Result<void> ImapWire::send(std::string_view bytes) {
  if (tls_ == nullptr) return write_raw(bytes);
  while (!bytes.empty()) {
    bytes.remove_prefix(RP_TRY(tls_->write(as_bytes(bytes))));
    RP_CHECK(flush_tls());
  }
  return {};
}

Result<void> ImapWire::fill() {
  if (at_ == received_.size()) {
    received_.clear();
    at_ = 0;
  }
  const std::size_t before = received_.size();
  while (received_.size() == before) {
    const std::string bytes = RP_TRY(read_some());
    if (tls_ == nullptr)
      received_ += bytes;
    else
      RP_CHECK(take_ciphertext(bytes));
  }
  return {};
}

Result<void> ImapWire::read_line(std::string& into) {
  const std::size_t begin = into.size();
  for (;;) {
    const std::size_t end = received_.find('\n', at_);
    const std::size_t stop = end == std::string::npos ? received_.size() : end + 1;
    into.append(received_, at_, stop - at_);
    at_ = stop;
    if (end != std::string::npos) return {};
    if (into.size() - begin > kImapLineMax)
      return fail(ErrorKind::permanent, "the server sends a line without an end");
    RP_CHECK(fill());
  }
}

Result<void> ImapWire::read_bytes(std::uint64_t count, std::string& into) {
  while (count != 0) {
    if (at_ == received_.size()) RP_CHECK(fill());
    const std::size_t taken = std::min<std::uint64_t>(count, received_.size() - at_);
    into.append(received_, at_, taken);
    at_ += taken;
    count -= taken;
  }
  return {};
}

Result<std::string> ImapWire::read_response() {
  std::string response;
  for (std::size_t begin = 0;; begin = response.size()) {
    RP_CHECK(read_line(response));
    std::string_view line = std::string_view(response).substr(begin);
    if (!line.ends_with("\r\n")) return fail(ErrorKind::permanent, "the server says what is no IMAP");
    line.remove_suffix(2);
    const auto literal = literal_at_end(line);
    if (!literal) return response;
    if (*literal > kMessageBytesMax)
      return fail(ErrorKind::permanent, "the server sends a message that is too large");
    RP_CHECK(read_bytes(*literal, response));
  }
}

}  // namespace ringpost::migrate
