#include "sync_thread.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/uio.h>
#include <unistd.h>

namespace ringpost::io {

namespace {

std::int32_t perform(const Op& op) {
  const auto count = static_cast<int>(op.vector_count);
  const auto offset = static_cast<off_t>(op.offset);
  for (;;) {
    ssize_t result = -1;
    if (op.kind == OpKind::read)
      result = ::preadv(op.handle.value, op.vectors, count, offset);
    else if (op.kind == OpKind::write)
      result = ::pwritev2(op.handle.value, op.vectors, count, offset, op.durable ? RWF_DSYNC : 0);
    else
      result = ::fdatasync(op.handle.value);
    if (result >= 0) return static_cast<std::int32_t>(result);
    if (errno != EINTR) return -errno;
  }
}

}  // namespace

SyncThread::~SyncThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SyncThread::add(Ticket ticket, const Op& op) {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({ticket, op});
  }
  more_.notify_one();
}

bool SyncThread::cancel(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  return std::erase_if(waiting_, [&](const Job& job) { return job.ticket.slot == ticket.slot; }) != 0;
}

void SyncThread::collect(std::vector<Done>& into) {
  into.clear();
  const std::lock_guard lock(mutex_);
  into.swap(done_);
}

void SyncThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Job job = waiting_.front();
    waiting_.pop_front();
    lock.unlock();
    const std::int32_t result = perform(job.op);
    lock.lock();
    done_.push_back({job.ticket, result});
    bell_.ring();
  }
}

}  // namespace ringpost::io
