#include "uring_backend.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "make_backend.hpp"

namespace ringpost::io {

namespace {

constexpr unsigned kDrainRounds = 100;                           // when the backend dies, each of at most
constexpr Duration kDrainWait = std::chrono::milliseconds{100};  // so long

bool waits_for_a_peer(OpKind kind) {
  return kind == OpKind::accept || kind == OpKind::receive || kind == OpKind::send ||
         kind == OpKind::connect || kind == OpKind::poll;
}

}  // namespace

Result<std::unique_ptr<Backend>> UringBackend::make(const BackendOptions& options, UringFeatures features) {
  std::unique_ptr<UringBackend> backend(new UringBackend(features));
  if (backend->bell_.descriptor() < 0)
    return fail(ErrorKind::exhausted, "io_uring: no descriptor left for its eventfd (raise LimitNOFILE)");
  RP_CHECK(backend->start(options));
  return backend;
}

Result<std::unique_ptr<Backend>> make_uring_backend(const BackendOptions& options) {
  return UringBackend::make(options, RP_TRY(probe_uring()));
}

UringBackend::UringBackend(UringFeatures features)
    : KernelBackend("uring", posix::Blocking::yes), features_(features) {
  description_.features = features_.names();
}

Result<void> UringBackend::start(const BackendOptions& options) {
  ring_ = RP_TRY(Ring::make(options.submission_entries, options.completion_entries));
  buffers_ = RP_TRY(
      ReceiveBuffers::make(*ring_, options.receive_buffers, options.receive_buffer_size, features_.buffers));
  RP_CHECK(ring_->enable());
  // Not more than a buffer: the kernel lets others go first only after a receive that met its bound.
  if (features_.receive_cap) receive_cap_ = std::min(kReceiveTurn.count, options.receive_buffer_size.count);
  arm_bell();
  return {};
}

UringBackend::~UringBackend() {
  if (ring_ && ring_->is_mine()) drop_everything();
}

void UringBackend::drop_everything() {
  if (io_uring_sqe* entry = ring_->next()) {
    ::io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    entry->user_data = pack(Tag::cancel, {});
  }
  // The memory of operations must be ours alone again; only a write to a dead disk can take longer than this.
  for (unsigned round = 0; round < kDrainRounds && (in_kernel_ > 0 || bell_armed_); ++round) {
    ring_->enter(1, Duration{0}, kDrainWait);
    for (io_uring_cqe completion{}; ring_->take(completion);) {
      const auto tag = static_cast<Tag>(completion.user_data >> 32 & 0xff);
      if (tag == Tag::bell) bell_armed_ = false;
      if (tag != Tag::operation) continue;
      const Entry* entry =
          table_.find({.slot = static_cast<std::uint32_t>(completion.user_data),
                       .generation = static_cast<std::uint32_t>(completion.user_data >> 40)});
      if (entry != nullptr && entry->kind == OpKind::accept && completion.res >= 0) ::close(completion.res);
      if ((completion.flags & IORING_CQE_F_MORE) == 0) --in_kernel_;
    }
  }
}

void UringBackend::register_buffers(std::span<const iovec> buffers) {
  if (registered_ > 0) ring_->register_call(IORING_UNREGISTER_BUFFERS, nullptr, 0);
  registered_ = 0;
  std::erase(description_.features, "registered_buffers");
  std::erase_if(description_.features,
                [](const std::string& name) { return name.starts_with("unregistered"); });
  if (buffers.empty()) return;
  const auto count = static_cast<unsigned>(buffers.size());
  const std::int32_t result = ring_->register_call(IORING_REGISTER_BUFFERS, buffers.data(), count);
  if (result >= 0) {
    registered_ = static_cast<std::int32_t>(count);
    description_.features.emplace_back("registered_buffers");
  } else if (result == -ENOMEM) {
    description_.features.emplace_back(
        "unregistered_buffers (locked memory is limited: set LimitMEMLOCK=infinity)");
  } else {
    description_.features.push_back(
        fmt::format("unregistered_buffers ({})", system_error(-result, "register buffers").text));
  }
}

// ---- Starting operations ----

void UringBackend::submit(std::span<const Op> batch) {
  bool at_once = false;
  for (const Op& op : batch) {
    if (op.kind == OpKind::cancel)
      cancel(op.target);
    else
      start(op);
    at_once = at_once || op.at_once;
  }
  if (at_once) ring_->enter();
}

void UringBackend::start(const Op& op) {
  std::uint64_t total = 0;
  const std::int32_t invalid = check_vectors(op, total);
  Entry* entry = invalid == 0 ? table_.add(op) : nullptr;
  if (entry == nullptr)
    return ready_.push({.operation = op.operation, .result = invalid != 0 ? invalid : -EAGAIN});
  static_cast<Record&>(*entry) = {.vectors = op.vectors, .vector_count = op.vector_count, .total = total};
  if (op.kind == OpKind::finish || op.kind == OpKind::shutdown) return to_shut_down_.push_back(entry->ticket);
  io_uring_sqe* to = ring_->next();
  if (to == nullptr) return finish(*entry, -EAGAIN);
  switch (op.kind) {
    case OpKind::accept:
      ::io_uring_prep_multishot_accept(to, op.handle.value, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case OpKind::receive:
      prepare_receive(*entry, *to);
      break;
    case OpKind::send:
      prepare_send(*entry, *to);
      break;
    case OpKind::connect:
      prepare_connect(op, *entry, *to);
      break;
    case OpKind::read:
    case OpKind::write:
      prepare_transfer(op, *to);
      break;
    case OpKind::sync:
      ::io_uring_prep_fsync(to, op.handle.value, IORING_FSYNC_DATASYNC);
      break;
    case OpKind::poll:
      ::io_uring_prep_poll_add(to, op.handle.value, op.poll_events);
      break;
    case OpKind::close:
      ::io_uring_prep_close(to, op.handle.value);
      break;
    default:
      RP_ASSERT(false);
  }
  hand_over(*entry, *to);
}

void UringBackend::prepare_receive(Entry& entry, io_uring_sqe& to) {
  entry.was_fed = false;
  ::io_uring_prep_recv_multishot(&to, entry.handle.value, nullptr, receive_cap_, 0);
  to.flags |= IOSQE_BUFFER_SELECT;
  to.buf_group = ReceiveBuffers::kGroup;
}

void UringBackend::prepare_send(Entry& entry, io_uring_sqe& to) {
  constexpr int kFlags = MSG_WAITALL | MSG_NOSIGNAL;
  if (entry.vector_count == 1) {
    auto* from = static_cast<std::byte*>(entry.vectors[0].iov_base) + entry.sent;
    return ::io_uring_prep_send(&to, entry.handle.value, from, entry.total - entry.sent, kFlags);
  }
  if (entry.sent == 0) {
    entry.message.msg_iov = const_cast<iovec*>(entry.vectors);
    entry.message.msg_iovlen = entry.vector_count;
  } else {
    if (!entry.rest) entry.rest = std::make_unique<iovec[]>(entry.vector_count);
    std::uint64_t skip = entry.sent;
    std::size_t filled = 0;
    for (const iovec& vector : std::span(entry.vectors, entry.vector_count)) {
      const std::uint64_t gone = std::min<std::uint64_t>(skip, vector.iov_len);
      skip -= gone;
      if (gone < vector.iov_len)
        entry.rest[filled++] = {static_cast<std::byte*>(vector.iov_base) + gone, vector.iov_len - gone};
    }
    entry.message.msg_iov = entry.rest.get();
    entry.message.msg_iovlen = filled;
  }
  ::io_uring_prep_sendmsg(&to, entry.handle.value, &entry.message, kFlags);
}

void UringBackend::prepare_connect(const Op& op, Entry& entry, io_uring_sqe& to) {
  sockaddr_storage storage{};
  const socklen_t size = to_socket_address(*op.address, storage);
  RP_ASSERT(size <= sizeof entry.address);
  std::memcpy(&entry.address, &storage, size);
  ::io_uring_prep_connect(&to, op.handle.value, reinterpret_cast<const sockaddr*>(&entry.address), size);
}

void UringBackend::prepare_transfer(const Op& op, io_uring_sqe& to) const {
  const int flags = op.durable ? RWF_DSYNC : 0;
  const bool reads = op.kind == OpKind::read;
  const int descriptor = op.handle.value;
  if (op.vector_count != 1) {
    if (reads) return ::io_uring_prep_readv2(&to, descriptor, op.vectors, op.vector_count, op.offset, 0);
    return ::io_uring_prep_writev2(&to, descriptor, op.vectors, op.vector_count, op.offset, flags);
  }
  void* base = op.vectors[0].iov_base;
  const auto length = static_cast<unsigned>(op.vectors[0].iov_len);
  const bool fixed = op.registered_buffer >= 0 && op.registered_buffer < registered_;
  if (fixed && reads) {
    ::io_uring_prep_read_fixed(&to, descriptor, base, length, op.offset, op.registered_buffer);
  } else if (fixed) {
    ::io_uring_prep_write_fixed(&to, descriptor, base, length, op.offset, op.registered_buffer);
  } else if (reads) {
    ::io_uring_prep_read(&to, descriptor, base, length, op.offset);
  } else {
    ::io_uring_prep_write(&to, descriptor, base, length, op.offset);
  }
  if (!reads) to.rw_flags = flags;
}

void UringBackend::hand_over(Entry& entry, io_uring_sqe& to) {
  to.user_data = pack(Tag::operation, entry.ticket);
  entry.in_kernel = true;
  ++in_kernel_;
}

// An accept, a receive or a send that the kernel ended before its end.
void UringBackend::arm_again(Entry& entry) {
  io_uring_sqe* to = ring_->next();
  if (to == nullptr) return finish(entry, -EAGAIN);
  switch (entry.kind) {
    case OpKind::accept:
      ::io_uring_prep_multishot_accept(to, entry.handle.value, nullptr, nullptr, SOCK_CLOEXEC);
      break;
    case OpKind::receive:
      prepare_receive(entry, *to);
      break;
    case OpKind::send:
      prepare_send(entry, *to);
      break;
    default:
      RP_ASSERT(false);
  }
  hand_over(entry, *to);
}

void UringBackend::arm_bell() {
  io_uring_sqe* to = ring_->next();
  if (to == nullptr) return;  // poll() tries again
  ::io_uring_prep_read(to, bell_.descriptor(), &rings_, sizeof rings_, 0);
  to->user_data = pack(Tag::bell, {});
  bell_armed_ = true;
}

// ---- Cancelling ----

void UringBackend::cancel(const Operation* target) {
  Entry* entry = table_.find(target);
  if (entry == nullptr || entry->cancelled) return;
  entry->cancelled = true;
  if (entry->in_kernel) return submit_cancel(*entry);
  // Parked for want of a buffer. A finish or shutdown that waits for the next turn is as good as done.
  if (entry->kind == OpKind::receive) finish(*entry, -ECANCELED);
}

void UringBackend::submit_cancel(Entry& entry) {
  io_uring_sqe* to = ring_->next();
  if (to == nullptr) {
    entry.cancelled = false;  // the caller may ask again; without memory the kernel does nothing for anybody
    return;
  }
  ++entry.cancel_tries;
  ::io_uring_prep_cancel64(to, pack(Tag::operation, entry.ticket), 0);
  to->user_data = pack(Tag::cancel, entry.ticket);
}

// The kernel may look for a receive while it is between two of its turns, and miss it. Its final completion
// would then never come, and the session would hang: ask again.
void UringBackend::handle_cancel(Ticket ticket, std::int32_t result) {
  if (result != -ENOENT && result != -EALREADY) return;
  Entry* entry = table_.find(ticket);
  if (entry == nullptr || !entry->in_kernel || !waits_for_a_peer(entry->kind)) return;
  if (entry->cancel_tries < kCancelTriesMax) submit_cancel(*entry);
}

// ---- Turning ----

std::size_t UringBackend::poll(std::span<Completion> out, const Wait& wait) {
  buffers_->recycle();
  if (!bell_armed_) arm_bell();
  end_directions();
  arm_parked();
  std::size_t count = ready_.take(out);
  count += collect(out.subspan(count));
  const bool waits = count == 0 && ready_.empty() && hungry_.empty() && fed_.empty();
  if (waits)
    wait_for_completions(wait, out.size());
  else if (ring_->anything_queued() || ring_->holds_back())
    ring_->enter();
  count += collect(out.subspan(count));
  // The kernel hands over about 20 at a time when it was not told to wait for more.
  for (unsigned i = 0; i < kReentriesMax && count < out.size() && ring_->holds_back(); ++i) {
    ring_->enter();
    count += collect(out.subspan(count));
  }
  return count + ready_.take(out.subspan(count));
}

void UringBackend::wait_for_completions(const Wait& wait, std::size_t room) {
  Duration bound = Duration::max();
  if (wait.until != Instant::never()) bound = wait.until - now();
  if (bound <= Duration{0}) return ring_->enter();
  const bool lingers = wait.batch_min > 1 && wait.linger > Duration{0};
  const auto batch = lingers ? static_cast<unsigned>(std::min<std::size_t>(wait.batch_min, room)) : 1U;
  if (features_.min_wait || !lingers) return ring_->enter(batch, std::min(wait.linger, bound), bound);
  ring_->enter(1, Duration{0}, bound);
  if (ring_->peek()) ring_->enter(batch, Duration{0}, wait.linger);
}

// By ordinary calls, which never block; the ring would send each to a worker thread. What was submitted
// before must have reached the kernel first: a reply before its finish.
void UringBackend::end_directions() {
  if (to_shut_down_.empty()) return;
  ring_->enter();
  for (const Ticket ticket : to_shut_down_) {
    Entry& entry = table_[ticket.slot];
    const int how = entry.kind == OpKind::finish ? SHUT_WR : SHUT_RDWR;
    finish(entry, ::shutdown(entry.handle.value, how) == 0 ? 0 : -errno);
  }
  to_shut_down_.clear();
}

// Who got nothing since it was armed goes before who did: whoever is armed first may take every buffer. Not
// more than there are buffers: on an empty ring even an idle connection's receive fails.
void UringBackend::arm_parked() {
  std::uint32_t left = buffers_->count();
  for (auto* line : {&hungry_, &fed_}) {
    for (; left > 0 && !line->empty(); --left) {
      const Ticket ticket = line->front();
      line->pop_front();
      if (Entry* entry = table_.find(ticket)) arm_again(*entry);
    }
  }
}

std::size_t UringBackend::collect(std::span<Completion> out) {
  std::size_t count = 0;
  io_uring_cqe completion{};
  while (count < out.size() && ring_->take(completion))
    if (handle(completion, out[count])) ++count;
  return count;
}

// True when `to` shall be handed out.
bool UringBackend::handle(const io_uring_cqe& from, Completion& to) {
  const auto tag = static_cast<Tag>(from.user_data >> 32 & 0xff);
  const Ticket ticket{.slot = static_cast<std::uint32_t>(from.user_data),
                      .generation = static_cast<std::uint32_t>(from.user_data >> 40)};
  if (tag == Tag::bell) {
    handle_bell();
    return false;
  }
  if (tag == Tag::cancel) {
    handle_cancel(ticket, from.res);
    return false;
  }
  Entry* entry = table_.find(ticket);
  RP_ASSERT(entry != nullptr && entry->in_kernel);
  if ((from.flags & IORING_CQE_F_MORE) == 0) {
    entry->in_kernel = false;
    --in_kernel_;
  }
  switch (entry->kind) {
    case OpKind::accept:
      return accepted(*entry, from, to);
    case OpKind::receive:
      return received(*entry, from, to);
    case OpKind::send:
      return sent(*entry, from.res, to);
    default:
      return end(*entry, from.res, to);
  }
}

void UringBackend::handle_bell() {
  bell_armed_ = false;
  bell_.seen();
  arm_bell();
}

bool UringBackend::accepted(Entry& entry, const io_uring_cqe& from, Completion& to) {
  if (from.res < 0) return end(entry, from.res, to);
  to = {.operation = entry.operation, .result = from.res, .more = true};
  if (entry.in_kernel) return true;
  // The kernel had no room for another completion: go on, unless nobody wants it.
  if (entry.cancelled)
    finish(entry, -ECANCELED);
  else
    arm_again(entry);
  return true;
}

bool UringBackend::received(Entry& entry, const io_uring_cqe& from, Completion& to) {
  std::span<const std::byte> bytes;
  if ((from.flags & IORING_CQE_F_BUFFER) != 0) bytes = buffers_->take(from);
  if (from.res > 0) {
    to = {.operation = entry.operation, .result = from.res, .more = true, .bytes = bytes};
    entry.was_fed = true;
  }
  if (entry.in_kernel) return from.res > 0;
  const bool goes_on = from.res > 0 || from.res == -ENOBUFS;
  if (!goes_on) return end(entry, from.res, to);
  if (entry.cancelled)
    finish(entry, -ECANCELED);
  else if (from.res > 0)
    arm_again(entry);
  else
    park(entry);
  return from.res > 0;
}

void UringBackend::park(const Entry& entry) {
  ++short_;
  (entry.was_fed ? fed_ : hungry_).push_back(entry.ticket);
}

Load UringBackend::load() {
  return {.receive_buffers = buffers_->count(),
          .receive_buffers_taken_max = buffers_->taken_max(),
          .receive_buffers_short = std::exchange(short_, 0),
          .operations = in_kernel_};
}

bool UringBackend::sent(Entry& entry, std::int32_t result, Completion& to) {
  if (result > 0) entry.sent += static_cast<std::uint64_t>(result);
  if (entry.sent > 0 && (entry.cancelled || entry.sent == entry.total))
    return end(entry, static_cast<std::int32_t>(entry.sent), to);
  if (result <= 0) return end(entry, result, to);
  arm_again(entry);  // a part, because something interrupted it: the next try tells what
  return false;
}

// ---- Ending operations ----

bool UringBackend::end(Entry& entry, std::int32_t result, Completion& to) {
  to = {.operation = entry.operation, .result = result};
  table_.remove(entry);
  return true;
}

void UringBackend::finish(Entry& entry, std::int32_t result) {
  Completion completion;
  end(entry, result, completion);
  ready_.push(completion);
}

}  // namespace ringpost::io
