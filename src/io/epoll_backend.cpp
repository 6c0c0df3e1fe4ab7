#include "epoll_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "make_backend.hpp"

namespace ringpost::io {

namespace {

constexpr std::uint64_t kBellKey = ~std::uint64_t{0};
constexpr std::uint64_t kPollKey = std::uint64_t{1} << 63;  // with a slot; any other key is a descriptor
constexpr std::uint32_t kBothEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr std::size_t kEventsMax = 256;
// Less than this left in the arena is not worth a call: the rest of the line waits for the next turn.
constexpr std::size_t kReceiveMin = 512;

int wait_with_bound(int epoll, std::span<epoll_event> events, Duration bound) {
  const auto count = static_cast<int>(events.size());
  timespec time{};
  const timespec* until = nullptr;
  if (bound != Duration::max()) {
    time.tv_sec = bound.count() / 1'000'000'000;
    time.tv_nsec = bound.count() % 1'000'000'000;
    until = &time;
  }
  const int result = ::epoll_pwait2(epoll, events.data(), count, until, nullptr);
  if (result >= 0 || errno != ENOSYS) return result;
  // Before Linux 5.11: whole milliseconds, rounded up so that a timer is never early.
  const auto milliseconds =
      until == nullptr
          ? -1
          : static_cast<int>(std::min<std::int64_t>((bound.count() + 999'999) / 1'000'000, 1 << 30));
  return ::epoll_wait(epoll, events.data(), count, milliseconds);
}

}  // namespace

Result<std::unique_ptr<Backend>> EpollBackend::make(const BackendOptions& options, std::string why) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return fail_system(errno, "start the epoll backend");
  std::unique_ptr<EpollBackend> backend(new EpollBackend(options, epoll));
  backend->description_.why = std::move(why);
  if (backend->bell_.descriptor() < 0)
    return fail(ErrorKind::exhausted, "start the epoll backend: no descriptor left for its eventfd");
  if (backend->arena_ == nullptr)
    return fail(ErrorKind::exhausted, "start the epoll backend: no memory for the receive buffers");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kBellKey}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, backend->bell_.descriptor(), &event) != 0)
    return fail_system(errno, "start the epoll backend");
  return backend;
}

EpollBackend::EpollBackend(const BackendOptions& options, int epoll)
    : KernelBackend("epoll", posix::Blocking::no),
      epoll_(epoll),
      receive_turn_(std::max<std::size_t>(options.receive_buffer_size.count, kReceiveMin)),
      arena_size_(std::max<std::size_t>(options.receive_buffers.count, receive_turn_)),
      sync_thread_(bell_) {
  void* memory = ::mmap(nullptr, arena_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) arena_ = static_cast<std::byte*>(memory);
  description_.features = {"edge_triggered", "sync_thread"};
}

EpollBackend::~EpollBackend() {
  table_.for_each([&](Entry& entry) {
    if (entry.duplicate >= 0) ::close(entry.duplicate);
  });
  ::close(epoll_);
  if (arena_ != nullptr) ::munmap(arena_, arena_size_);
}

void EpollBackend::register_buffers(std::span<const iovec>) {}

Result<std::unique_ptr<Backend>> make_epoll_backend(const BackendOptions& options, std::string why) {
  return EpollBackend::make(options, std::move(why));
}

// ---- Starting operations ----

void EpollBackend::submit(std::span<const Op> batch) {
  for (const Op& op : batch) {
    if (op.kind == OpKind::cancel)
      cancel(op.target);
    else
      start(op);
  }
}

void EpollBackend::start(const Op& op) {
  std::uint64_t total = 0;
  const std::int32_t invalid = check_vectors(op, total);
  Entry* entry = invalid == 0 ? table_.add(op) : nullptr;
  if (entry == nullptr)
    return ready_.push({.operation = op.operation, .result = invalid != 0 ? invalid : -EAGAIN});
  static_cast<Record&>(*entry) = {.vectors = op.vectors, .vector_count = op.vector_count, .total = total};
  const int descriptor = op.handle.value;
  switch (op.kind) {
    case OpKind::accept:
    case OpKind::receive:
      return start_reader(op, *entry);
    case OpKind::send:
      return start_send(op, *entry);
    case OpKind::connect:
      return start_connect(op, *entry);
    case OpKind::poll:
      return start_poll(op, *entry);
    case OpKind::read:
    case OpKind::write:
    case OpKind::sync:
      return sync_thread_.add(entry->ticket, op);
    case OpKind::finish:
      return finish(*entry, ::shutdown(descriptor, SHUT_WR) == 0 ? 0 : -errno);
    case OpKind::shutdown:
      return finish(*entry, ::shutdown(descriptor, SHUT_RDWR) == 0 ? 0 : -errno);
    case OpKind::close:
      return finish(*entry, ::close(descriptor) == 0 ? 0 : -errno);
    case OpKind::cancel:
      break;
  }
}

void EpollBackend::start_reader(const Op& op, Entry& entry) {
  if (const std::int32_t error = attend(op.handle); error != 0) return finish(entry, error);
  Watch& of = watch(op.handle);
  of.reader = entry.ticket.slot;
  if (of.readable) line_up(op.handle, of);
}

void EpollBackend::start_send(const Op& op, Entry& entry) {
  const std::int32_t result = try_send(entry);
  if (result != -EAGAIN) return finish(entry, result);
  if (const std::int32_t error = attend(op.handle); error != 0) return finish(entry, error);
  watch(op.handle).writer = entry.ticket.slot;
}

void EpollBackend::start_connect(const Op& op, Entry& entry) {
  sockaddr_storage storage{};
  const socklen_t size = to_socket_address(*op.address, storage);
  if (::connect(op.handle.value, reinterpret_cast<const sockaddr*>(&storage), size) == 0)
    return finish(entry, 0);
  // An interrupted connect goes on by itself.
  if (errno != EINPROGRESS && errno != EINTR) return finish(entry, -errno);
  // Registered only now: before connect() the socket would report that it is hung up.
  if (const std::int32_t error = attend(op.handle); error != 0) return finish(entry, error);
  watch(op.handle).writer = entry.ticket.slot;
}

void EpollBackend::start_poll(const Op& op, Entry& entry) {
  entry.events = op.poll_events;
  // The library may close its descriptor, and the number may come back as another socket; ours stays what it is.
  entry.duplicate = ::fcntl(op.handle.value, F_DUPFD_CLOEXEC, 0);
  if (entry.duplicate < 0) return finish(entry, -errno);
  const std::uint32_t wanted = ((op.poll_events & POLLIN) != 0 ? EPOLLIN : 0U) |
                               ((op.poll_events & POLLOUT) != 0 ? EPOLLOUT : 0U) | EPOLLONESHOT;
  epoll_event event{.events = wanted, .data = {.u64 = kPollKey | entry.ticket.slot}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, entry.duplicate, &event) == 0) return;
  const int error = errno;
  end_poll(entry);
  // A regular file: always ready.
  finish(entry, error == EPERM ? static_cast<std::int32_t>(op.poll_events) : -error);
}

std::int32_t EpollBackend::attend(Handle handle) {
  if (handle.value < 0 || handle.value >= kDescriptorsMax) return -EBADF;
  Watch& of = watch(handle);
  if (of.operations == 0) {
    of.readable = of.ended = false;
    // Registering reports what is true now, so nothing that came before is missed. An earlier user of the
    // core may have left the registration behind; another core may have closed and reopened the number: the
    // kernel knows.
    epoll_event event{.events = kBothEdges, .data = {.u64 = static_cast<std::uint64_t>(handle.value)}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, handle.value, &event) != 0 &&
        (errno != EEXIST || ::epoll_ctl(epoll_, EPOLL_CTL_MOD, handle.value, &event) != 0))
      return -errno;
  }
  ++of.operations;
  return 0;
}

void EpollBackend::leave(Handle handle) {
  --watch(handle).operations;
}

EpollBackend::Watch& EpollBackend::watch(Handle handle) {
  const auto index = static_cast<std::size_t>(handle.value);
  if (index >= watches_.size()) watches_.resize(std::max(index + 1, 2 * watches_.size()));
  return watches_[index];
}

void EpollBackend::line_up(Handle handle, Watch& of) {
  if (of.in_line || of.reader == 0) return;
  of.in_line = true;
  line_.push_back(handle);
}

// ---- Ending operations ----

Completion EpollBackend::final_completion(Entry& entry, std::int32_t result) {
  const Completion completion{.operation = entry.operation, .result = result};
  table_.remove(entry);
  return completion;
}

void EpollBackend::finish(Entry& entry, std::int32_t result) {
  ready_.push(final_completion(entry, result));
}

void EpollBackend::end_poll(Entry& entry) {
  if (entry.duplicate < 0) return;
  // Closing alone would leave the registration: the library's descriptor still refers to the same socket.
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, entry.duplicate, nullptr);
  ::close(entry.duplicate);
  entry.duplicate = -1;
}

void EpollBackend::cancel(const Operation* target) {
  Entry* entry = table_.find(target);
  if (entry == nullptr) return;
  switch (entry->kind) {
    case OpKind::accept:
    case OpKind::receive:
    case OpKind::send:
    case OpKind::connect:
      return cancel_watched(*entry);
    case OpKind::poll:
      end_poll(*entry);
      return finish(*entry, -ECANCELED);
    default:
      if (sync_thread_.cancel(entry->ticket)) finish(*entry, -ECANCELED);
  }
}

void EpollBackend::cancel_watched(Entry& entry) {
  Watch& of = watch(entry.handle);
  (of.reader == entry.ticket.slot ? of.reader : of.writer) = 0;
  leave(entry.handle);
  finish(entry, entry.sent > 0 ? static_cast<std::int32_t>(entry.sent) : -ECANCELED);
}

// ---- Turning ----

std::size_t EpollBackend::poll(std::span<Completion> out, const Wait& wait) {
  arena_used_ = 0;
  const bool waits = ready_.empty() && line_.empty();
  Duration bound{0};
  if (waits)
    bound = wait.until == Instant::never() ? Duration::max() : std::max(wait.until - now(), Duration{0});
  wait_for_events(bound);
  std::size_t count = ready_.take(out);
  count += serve_line(out.subspan(count));
  return count + ready_.take(out.subspan(count));
}

void EpollBackend::wait_for_events(Duration bound) {
  std::array<epoll_event, kEventsMax> events;
  const int count = wait_with_bound(epoll_, events, bound);
  for (int i = 0; i < count; ++i) handle_event(events[static_cast<std::size_t>(i)]);
}

void EpollBackend::handle_event(const epoll_event& event) {
  if (event.data.u64 == kBellKey) return handle_bell();
  if ((event.data.u64 & kPollKey) != 0)
    return polled(table_[static_cast<std::uint32_t>(event.data.u64)], event.events);
  const Handle handle{static_cast<std::int32_t>(event.data.u64)};
  Watch& of = watch(handle);
  if (of.operations == 0) {
    // Another core has this connection now, or it is idle: no more edges until somebody asks again.
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, handle.value, nullptr);
    return;
  }
  if ((event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) of.ended = true;
  if ((event.events & EPOLLIN) != 0 || of.ended) {
    of.readable = true;
    line_up(handle, of);
  }
  if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable(of);
}

void EpollBackend::handle_bell() {
  std::uint64_t rung = 0;
  [[maybe_unused]] const auto count = ::read(bell_.descriptor(), &rung, sizeof rung);
  bell_.seen();
  sync_thread_.collect(done_);
  for (const SyncThread::Done& done : done_)
    if (Entry* entry = table_.find(done.ticket)) finish(*entry, done.result);
}

void EpollBackend::polled(Entry& entry, std::uint32_t events) {
  end_poll(entry);
  const std::uint32_t told =
      events & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP);  // the same values as POLLIN and so on
  finish(entry, static_cast<std::int32_t>(told));
}

void EpollBackend::writable(Watch& of) {
  if (of.writer == 0) return;
  Entry& entry = table_[of.writer];
  std::int32_t result = 0;
  if (entry.kind == OpKind::connect) {
    int error = 0;
    socklen_t size = sizeof error;
    result = ::getsockopt(entry.handle.value, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? -error : -errno;
  } else {
    result = try_send(entry);
  }
  if (result == -EAGAIN) return;
  of.writer = 0;
  leave(entry.handle);
  finish(entry, result);
}

// -EAGAIN: the rest waits. Otherwise the final result.
std::int32_t EpollBackend::try_send(Entry& entry) {
  while (true) {
    // The vectors are the caller's and stay as they are: skip what was sent, in a copy of a bounded window.
    std::array<iovec, 64> window;
    std::size_t filled = 0;
    std::uint64_t skip = entry.sent;
    for (std::uint32_t i = 0; i < entry.vector_count && filled < window.size(); ++i) {
      const iovec& vector = entry.vectors[i];
      if (skip >= vector.iov_len) {
        skip -= vector.iov_len;
        continue;
      }
      window[filled++] = {static_cast<std::byte*>(vector.iov_base) + skip, vector.iov_len - skip};
      skip = 0;
    }
    msghdr message{};
    message.msg_iov = window.data();
    message.msg_iovlen = filled;
    const ssize_t result = ::sendmsg(entry.handle.value, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    entry.sent += static_cast<std::uint64_t>(result);
    if (entry.sent >= entry.total) return static_cast<std::int32_t>(entry.total);
  }
}

std::size_t EpollBackend::serve_line(std::span<Completion> out) {
  std::size_t count = 0;
  // Each once: who is served and has more goes to the end and is not met again in this turn.
  for (std::size_t turns = line_.size(); turns > 0 && count < out.size(); --turns) {
    if (arena_size_ - arena_used_ < kReceiveMin) break;
    const Handle handle = line_.front();
    line_.pop_front();
    Watch& of = watch(handle);
    of.in_line = false;
    if (of.reader == 0) continue;
    const bool accepts = table_[of.reader].kind == OpKind::accept;
    const auto rest = out.subspan(count);
    count += accepts ? serve_accepts(handle, of, rest) : serve_receive(handle, of, rest);
    if (of.readable) line_up(handle, of);
  }
  return count;
}

std::size_t EpollBackend::serve_accepts(Handle handle, Watch& of, std::span<Completion> out) {
  Entry& entry = table_[of.reader];
  std::size_t count = 0;
  while (count < std::min<std::size_t>(out.size(), kAcceptTurn)) {
    const int accepted = ::accept4(handle.value, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) {
      out[count++] = {.operation = entry.operation, .result = accepted, .more = true};
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      of.readable = false;
      break;
    }
    of.reader = 0;  // still readable: who arms again is served at once
    const int error = errno;
    leave(handle);
    out[count++] = final_completion(entry, -error);
    break;
  }
  return count;
}

std::size_t EpollBackend::serve_receive(Handle handle, Watch& of, std::span<Completion> out) {
  Entry& entry = table_[of.reader];
  const std::size_t room = std::min(receive_turn_, arena_size_ - arena_used_);
  ssize_t result = 0;
  do {
    result = ::recv(handle.value, arena_ + arena_used_, room, MSG_DONTWAIT);
  } while (result < 0 && errno == EINTR);
  if (result < 0 && errno == EAGAIN) {
    of.readable = false;
    return 0;
  }
  if (result <= 0) {
    const std::int32_t error = result == 0 ? 0 : -errno;
    of.reader = 0;
    leave(handle);
    out[0] = final_completion(entry, error);
    return 1;
  }
  const auto size = static_cast<std::size_t>(result);
  // Less than asked: the next byte comes with an edge of its own, except an end that was announced already.
  if (size < room && !of.ended) of.readable = false;
  out[0] = {.operation = entry.operation,
            .result = static_cast<std::int32_t>(size),
            .more = true,
            .bytes = {arena_ + arena_used_, size}};
  arena_used_ += size;
  return 1;
}

}  // namespace ringpost::io
