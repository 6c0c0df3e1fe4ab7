#include "helper_child.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "ringpost/deliver/local_limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/aliases.hpp"

#include "helper_protocol.hpp"
#include "local_location.hpp"

namespace ringpost::deliver {

namespace {

DeliveryOutcome refused(std::string text) {
  return DeliveryOutcome::deferred(451, {4, 3, 5}, "The delivery helper refuses: " + std::move(text));
}

bool is_service(const HelperSettings& settings, const DeliveryOrder& order) {
  return settings.service_uid != 0 && order.uid == settings.service_uid && order.gid == settings.service_gid;
}

std::optional<DeliveryOutcome> check_user(const HelperSettings& settings, const DeliveryOrder& order) {
  if (order.uid == 0 || order.gid == 0) return refused("nothing is delivered as root; give root an alias");
  if (order.uid == static_cast<std::uint32_t>(-1) || order.gid == static_cast<std::uint32_t>(-1))
    return refused("there is no such user");
  if (order.uid < settings.uid_min && !is_service(settings, order))
    return refused("user " + std::to_string(order.uid) + " is below accounts.system_uid_min");
  if (::geteuid() != 0 && (order.uid != ::geteuid() || order.gid != ::getegid()))
    return refused("it was not started as root, so it cannot act for user " + std::to_string(order.uid));
  return std::nullopt;
}

// The traditional /var/mail: root's, and group "mail" may make files there. Mailboxes and their locks need that group.
std::optional<gid_t> spool_group(const DeliveryOrder& order) {
  if (order.kind != DeliveryOrder::Kind::mbox) return std::nullopt;
  struct stat folder{};
  const std::size_t slash = order.target.rfind('/');
  if (slash == std::string::npos || slash == 0 || ::stat(order.target.substr(0, slash).c_str(), &folder) != 0)
    return std::nullopt;
  const struct group* mail = ::getgrnam("mail");
  const bool traditional = mail != nullptr && folder.st_uid == 0 && folder.st_gid == mail->gr_gid &&
                           folder.st_gid != 0 && (folder.st_mode & S_IWGRP) != 0;
  return traditional ? std::optional(folder.st_gid) : std::nullopt;
}

// 0 or errno. Afterwards nothing of root is left, saved ids neither; verified.
int become(const DeliveryOrder& order) {
  if (::geteuid() != 0) return 0;
  gid_t groups[2] = {order.gid, 0};
  std::size_t count = 1;
  if (const auto group = spool_group(order)) groups[count++] = *group;
  if (::setgroups(count, groups) != 0) return errno;
  if (::setresgid(order.gid, order.gid, order.gid) != 0) return errno;
  if (::setresuid(order.uid, order.uid, order.uid) != 0) return errno;
  if (::geteuid() != order.uid || ::getegid() != order.gid || ::setresuid(0, 0, 0) == 0) return EPERM;
  return 0;
}

void set_limits(const DeliveryOrder& order) {
  ::umask(077);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = std::min<rlim_t>(files.rlim_cur, 256);
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  // A command may be a delivery program that gains rights by its set-user-id bit; our own code needs none.
  if (order.kind != DeliveryOrder::Kind::command) ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// As the user: a home that somebody else can change is no place to trust.
std::optional<DeliveryOutcome> check_home(const DeliveryOrder& order) {
  if (order.home.empty()) return std::nullopt;
  const bool used = order.kind == DeliveryOrder::Kind::command || order.target.starts_with(order.home + "/");
  if (!used) return std::nullopt;
  struct stat found{};
  if (::stat(order.home.c_str(), &found) != 0) return defer_system(errno, "look at the home " + order.home);
  if (!S_ISDIR(found.st_mode)) return refused("the home " + order.home + " is no folder");
  if (found.st_uid != order.uid && found.st_uid != 0)
    return refused("the home " + order.home + " belongs to another user");
  if ((found.st_mode & S_IWOTH) != 0)
    return refused("the home " + order.home + " may be written by everybody");
  if ((found.st_mode & S_IWGRP) != 0 && found.st_gid != order.gid)
    return refused("the home " + order.home + " may be written by another group");
  return std::nullopt;
}

bool named_by_forward(const DeliveryOrder& order, DeliveryOutcome& forward) {
  forward = read_forward(order);
  if (forward.kind != DeliveryOutcome::Kind::done) return false;
  const auto kind = order.kind == DeliveryOrder::Kind::command ? mail::AliasTargetKind::command
                                                               : mail::AliasTargetKind::include_file;
  return std::ranges::any_of(mail::parse_forward(forward.text).targets, [&](const mail::AliasTarget& target) {
    return target.kind == kind && target.text == order.target;
  });
}

// A list is read as a user only where that user's .forward names it: a server that was taken over reads no other files.
std::optional<DeliveryOutcome> check_include(const DeliveryOrder& order) {
  if (order.kind != DeliveryOrder::Kind::read_include) return std::nullopt;
  DeliveryOutcome forward;
  if (named_by_forward(order, forward)) return std::nullopt;
  if (forward.kind == DeliveryOutcome::Kind::deferred) return forward;
  return refused("the .forward of " + order.user + " includes no such list");
}

// The service user may run what the server says. As anybody else: what that user's .forward, or root's configuration, say.
std::optional<DeliveryOutcome> check_command(const HelperSettings& settings, const DeliveryOrder& order) {
  if (order.kind != DeliveryOrder::Kind::command || is_service(settings, order)) return std::nullopt;
  if (order.from_forward) {
    DeliveryOutcome forward;
    if (named_by_forward(order, forward)) return std::nullopt;
    if (forward.kind == DeliveryOutcome::Kind::deferred) return forward;
    return refused("the .forward of " + order.user + " has no such command");
  }
  const auto location = parse_location(settings.location);
  if (location && location->kind == Location::Kind::command) {
    const auto command = expand_location(*location, names_for(order.user, order.home, order.domain));
    if (command && *command == order.target) return std::nullopt;
  }
  return refused("mailboxes.location was another one when the server was started; restart it");
}

// The message in memory, read-only. Sealed by the server, so that it cannot change or shrink under us.
class Mapped {
 public:
  explicit Mapped(int file) {
    constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_WRITE;
    struct stat found{};
    if (::fstat(file, &found) != 0) return;
    const int seals = ::fcntl(file, F_GET_SEALS);
    if (seals < 0 || (seals & kSeals) != kSeals) return;
    valid_ = true;
    if (found.st_size == 0) return;
    size_ = static_cast<std::size_t>(found.st_size);
    memory_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    valid_ = memory_ != MAP_FAILED;
  }
  bool valid() const { return valid_; }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(memory_), size_}; }

 private:
  void* memory_ = nullptr;  // until the process ends
  std::size_t size_ = 0;
  bool valid_ = false;
};

DeliveryOutcome perform(const HelperSettings& settings, const DeliveryOrder& order, int message, int reply) {
  if (auto outcome = check_user(settings, order)) return *std::move(outcome);
  if (const int error = become(order); error != 0)
    return defer_system(error, "become user " + std::to_string(order.uid));
  set_limits(order);
  if (auto outcome = check_home(order)) return *std::move(outcome);
  if (auto outcome = check_command(settings, order)) return *std::move(outcome);
  if (auto outcome = check_include(order)) return *std::move(outcome);
  if (order.kind == DeliveryOrder::Kind::read_forward) return read_forward(order);
  if (order.kind == DeliveryOrder::Kind::read_include) return read_include(order);
  const Mapped body(message);
  if (!body.valid()) return refused("it got no message");
  const std::span<const std::byte> bytes = body.bytes();
  return carry_out(order, {&bytes, 1}, reply);
}

}  // namespace

void run_helper_child(const HelperSettings& settings, std::string_view packet, Descriptor message,
                      Descriptor reply) {
  const auto order = decode_order(packet);
  const std::string answer =
      encode(order ? perform(settings, *order, message.get(), reply.get()) : refused(order.error().text));
  const ssize_t sent = ::send(reply.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  ::_exit(sent == static_cast<ssize_t>(answer.size()) ? 0 : 1);
}

}  // namespace ringpost::deliver
