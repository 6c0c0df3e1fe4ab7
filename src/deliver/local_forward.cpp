// Reading a user's .forward and the lists that it includes, as that user.
//
// It says where a person's mail goes and what runs in that person's name: whoever can write it is that person. So it must
// be a plain file of the user (or of root), which no group and nobody else may write, in a home of the same kind.
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "ringpost/deliver/local_limits.hpp"

#include "local_file.hpp"

namespace ringpost::deliver {

namespace {

DeliveryOutcome untrusted(const std::string& path, std::string_view why) {
  return DeliveryOutcome::failed(550, {5, 3, 5}, path + " " + std::string(why));
}

bool owned_by(const struct stat& found, std::uint32_t uid) {
  return found.st_uid == uid || found.st_uid == 0;
}

DeliveryOutcome read_text(const std::string& path, int file, std::size_t size) {
  DeliveryOutcome outcome = DeliveryOutcome::done();
  outcome.text.resize(size);
  const ssize_t count = ::pread(file, outcome.text.data(), size, 0);
  if (count < 0) return defer_system(errno, "read " + path);
  outcome.text.resize(static_cast<std::size_t>(count));
  return outcome;
}

DeliveryOutcome read_trusted(const DeliveryOrder& order, const std::string& path, int file) {
  struct stat found{};
  if (::fstat(file, &found) != 0) return defer_system(errno, "look at " + path);
  if (!S_ISREG(found.st_mode)) return untrusted(path, "is not a regular file");
  if (!owned_by(found, order.uid)) return untrusted(path, "belongs to another user");
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) return untrusted(path, "may be written by others");
  if (static_cast<std::uint64_t>(found.st_size) > kForwardSizeMax) return untrusted(path, "is too large");
  return read_text(path, file, static_cast<std::size_t>(found.st_size));
}

}  // namespace

DeliveryOutcome read_forward(const DeliveryOrder& order) {
  struct stat found{};
  if (::stat(order.home.c_str(), &found) != 0) return defer_system(errno, "look at " + order.home);
  if (!owned_by(found, order.uid)) return untrusted(order.home, "belongs to another user");
  if ((found.st_mode & S_IWOTH) != 0) return untrusted(order.home, "may be written by everybody");

  const std::string path = order.home + "/.forward";
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == EACCES || errno == ENOTDIR)) return DeliveryOutcome::done();
  if (!file) return defer_system(errno, "open " + path);
  return read_trusted(order, path, file.get());
}

DeliveryOutcome read_include(const DeliveryOrder& order) {
  const Descriptor file(::open(order.target.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return defer_system(errno, "open " + order.target);
  return read_trusted(order, order.target, file.get());
}

DeliveryOutcome carry_out(const DeliveryOrder& order, Pieces body, int cancel) {
  switch (order.kind) {
    case DeliveryOrder::Kind::maildir:
      return deliver_maildir(order, body);
    case DeliveryOrder::Kind::mbox:
      return deliver_mbox(order, body, cancel);
    case DeliveryOrder::Kind::command:
      return run_command(order, body, cancel);
    case DeliveryOrder::Kind::read_forward:
      return read_forward(order);
    case DeliveryOrder::Kind::read_include:
      return read_include(order);
  }
  return DeliveryOutcome::deferred(451, {4, 3, 0}, "An unknown kind of delivery");
}

}  // namespace ringpost::deliver
