#include "uring_ring.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/io/limits.hpp"

namespace ringpost::io {

namespace {

// One task submits, completions are run when that task asks for them, and it sees a flag when there are some.
constexpr unsigned kSetupFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CLAMP |
                                 IORING_SETUP_CQSIZE | IORING_SETUP_R_DISABLED;

// seccomp does not see what a ring is asked for; these restrictions do. No open, rename or exec can pass here.
constexpr std::array kOperations{
    IORING_OP_ACCEPT, IORING_OP_RECV,       IORING_OP_SEND,  IORING_OP_SENDMSG,  IORING_OP_CONNECT,
    IORING_OP_READ,   IORING_OP_READV,      IORING_OP_WRITE, IORING_OP_WRITEV,   IORING_OP_WRITE_FIXED,
    IORING_OP_FSYNC,  IORING_OP_READ_FIXED, IORING_OP_CLOSE, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
};
constexpr std::array kRegisterCalls{IORING_REGISTER_BUFFERS, IORING_UNREGISTER_BUFFERS,
                                    IORING_UNREGISTER_RING_FDS};

// 0, 1 or 2; -1 when this kernel has no such switch.
int disabled_by_sysctl() {
  std::FILE* file = std::fopen("/proc/sys/kernel/io_uring_disabled", "re");
  if (file == nullptr) return -1;
  const int digit = std::fgetc(file);
  std::fclose(file);
  return digit >= '0' && digit <= '9' ? digit - '0' : -1;
}

}  // namespace

Error explain_refusal(int error) {
  const auto because = [&](ErrorKind kind, std::string text) { return Error{kind, error, std::move(text)}; };
  switch (error) {
    case ENOSYS:
      return because(ErrorKind::permanent,
                     "io_uring: the kernel has none, or a seccomp profile hides it "
                     "(containers: use a profile that allows io_uring_*)");
    case EPERM:
    case EACCES:
      if (const int level = disabled_by_sysctl(); level > 0)
        return because(ErrorKind::permanent,
                       fmt::format("io_uring: forbidden by kernel.io_uring_disabled={} (set it to 0{})",
                                   level, level == 1 ? ", or add the group in kernel.io_uring_group" : ""));
      return because(ErrorKind::permanent,
                     "io_uring: forbidden, most likely by a seccomp profile or a security module "
                     "(containers: use a profile that allows io_uring_*)");
    case EINVAL:
      return because(ErrorKind::permanent,
                     "io_uring: the kernel is too old for the modes in use (Linux 6.1 has them)");
    case ENOMEM:
      return because(
          ErrorKind::exhausted,
          "io_uring: no memory for the rings (raise LimitMEMLOCK, or the memory limit of the service)");
    case EMFILE:
    case ENFILE:
      return because(ErrorKind::exhausted, "io_uring: no descriptor left (raise LimitNOFILE)");
    default:
      return system_error(error, "io_uring");
  }
}

Result<std::unique_ptr<Ring>> Ring::make(std::uint32_t submission_entries, std::uint32_t completion_entries) {
  std::unique_ptr<Ring> ring(new Ring);
  io_uring_params parameters{};
  parameters.flags = kSetupFlags;
  parameters.cq_entries = std::max(completion_entries, submission_entries);
  const int result = ::io_uring_queue_init_params(submission_entries, &ring->ring_, &parameters);
  if (result < 0) return fail(explain_refusal(-result));
  ring->made_ = true;
  const unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_SUBMIT_STABLE;
  if ((ring->ring_.features & needed) != needed) return fail(explain_refusal(EINVAL));
  // The n-th entry always stands in the n-th place, so handing over is moving the tail (as liburing 2.4 does it too).
  io_uring_sq& queue = ring->ring_.sq;
  if (queue.array != nullptr)
    for (unsigned i = 0; i < queue.ring_entries; ++i) queue.array[i] = i;
  return ring;
}

Ring::~Ring() {
  // The registered index belongs to the thread that made it, where it is gone: here it may be another ring's.
  // Without its flags the library leaves it alone.
  if (!is_mine()) ring_.int_flags = 0;
  if (made_) ::io_uring_queue_exit(&ring_);
}

bool Ring::supports_operations() {
  io_uring_probe* probe = ::io_uring_get_probe_ring(&ring_);
  if (probe == nullptr) return false;
  const bool all = std::ranges::all_of(
      kOperations, [&](int operation) { return ::io_uring_opcode_supported(probe, operation) != 0; });
  ::io_uring_free_probe(probe);
  return all;
}

Result<void> Ring::enable() {
  std::array<unsigned, 2> workers{kRingWorkers, kRingWorkers};
  ::io_uring_register_iowq_max_workers(&ring_, workers.data());
  ::io_uring_register_ring_fd(&ring_);  // saves the look-up of the descriptor at each call; works without
  std::array<io_uring_restriction, kOperations.size() + kRegisterCalls.size() + 1> allowed{};
  auto* next = allowed.data();
  for (const auto operation : kOperations) {
    next->opcode = IORING_RESTRICTION_SQE_OP;
    (next++)->sqe_op = static_cast<__u8>(operation);
  }
  for (const auto call : kRegisterCalls) {
    next->opcode = IORING_RESTRICTION_REGISTER_OP;
    (next++)->register_op = static_cast<__u8>(call);
  }
  next->opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  next->sqe_flags = IOSQE_BUFFER_SELECT;
  // Raw calls: the shared library of Debian 12 forgot to export its names for these two.
  if (const int result = register_call(IORING_REGISTER_RESTRICTIONS, allowed.data(), allowed.size());
      result < 0)
    return fail_system(-result, "io_uring: restrict the ring to its operations");
  if (const int result = register_call(IORING_REGISTER_ENABLE_RINGS, nullptr, 0); result < 0)
    return fail_system(-result, "io_uring: enable the ring");
  return {};
}

std::int32_t Ring::register_call(unsigned what, const void* argument, unsigned count) {
  return ::io_uring_register(static_cast<unsigned>(ring_.ring_fd), what, argument, count);
}

io_uring_sqe* Ring::next() {
  if (io_uring_sqe* entry = ::io_uring_get_sqe(&ring_)) return entry;
  enter();
  return ::io_uring_get_sqe(&ring_);
}

unsigned Ring::flush() {
  io_uring_sq& queue = ring_.sq;
  queue.sqe_head = queue.sqe_tail;
  io_uring_smp_store_release(queue.ktail, queue.sqe_tail);
  // Also what an earlier call was too short of memory to take.
  return queue.sqe_tail - io_uring_smp_load_acquire(queue.khead);
}

std::int32_t Ring::call(unsigned submit, unsigned count, unsigned flags,
                        const extra::GeteventsArgument& argument) {
  flags |= IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  if (has_registered_descriptor()) flags |= IORING_ENTER_REGISTERED_RING;
  if ((ring_.features & extra::kFeatureNoIowait) != 0) flags |= extra::kEnterNoIowait;
  // The library passes it on untouched; with EXT_ARG the kernel reads it as its argument.
  auto* raw = reinterpret_cast<sigset_t*>(const_cast<extra::GeteventsArgument*>(&argument));
  return ::io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), submit, count, flags, raw,
                           sizeof argument);
}

void Ring::enter(unsigned count, Duration min_wait, Duration at_most) {
  __kernel_timespec timeout{.tv_sec = at_most.count() / 1'000'000'000,
                            .tv_nsec = at_most.count() % 1'000'000'000};
  extra::GeteventsArgument argument;
  argument.signal_mask_size = _NSIG / 8;
  if (count > 0 && at_most != Duration::max()) argument.timeout = reinterpret_cast<std::uint64_t>(&timeout);
  if (count > 1) argument.min_wait_microseconds = static_cast<std::uint32_t>(min_wait.count() / 1000);
  const std::int32_t result = call(flush(), count, 0, argument);
  // Late (ETIME), interrupted, or short of memory for a moment (EAGAIN, EBUSY): the caller looks at the queue
  // and comes again. Anything else means that we use the ring wrongly, or that completions are lost (EBADR).
  RP_ASSERT(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY ||
            result == -ENOMEM);
}

bool Ring::peek() const {
  return *ring_.cq.khead != io_uring_smp_load_acquire(ring_.cq.ktail);
}

bool Ring::take(io_uring_cqe& completion) {
  const unsigned head = *ring_.cq.khead;
  if (head == io_uring_smp_load_acquire(ring_.cq.ktail)) return false;
  const io_uring_cqe& entry = ring_.cq.cqes[head & (ring_.cq.ring_entries - 1)];
  completion.user_data = entry.user_data;
  completion.res = entry.res;
  completion.flags = entry.flags;
  io_uring_smp_store_release(ring_.cq.khead, head + 1);
  return true;
}

bool Ring::holds_back() const {
  return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

}  // namespace ringpost::io
