#include "local_file.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "ringpost/deliver/local_limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/mbox.hpp"
#include "ringpost/mail/received.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::deliver {

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return ENOSPC;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

int sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno;
  return ::fsync(directory.get()) == 0 ? 0 : errno;
}

int make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    const std::size_t slash = path.rfind('/');
    // The folder above may be one that we may write and not read; then its own owner's next sync has to do.
    const int error =
        sync_directory(slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1)));
    return error == EACCES ? 0 : error;
  }
  if (errno == EEXIST) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) return errno;
    return S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
  }
  const std::size_t slash = path.rfind('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0) return errno;
  if (const int error = make_directories(path.substr(0, slash)); error != 0) return error;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return errno;
  const int error = sync_directory(path.substr(0, slash));
  return error == EACCES ? 0 : error;
}

DeliveryOutcome defer_system(int error, std::string_view doing) {
  std::string text = system_error(error, doing).text;
  switch (error) {
    case EDQUOT:
    case EFBIG:
      return DeliveryOutcome::deferred(452, {4, 2, 2}, std::move(text));
    case ENOSPC:
      return DeliveryOutcome::deferred(452, {4, 3, 1}, std::move(text));
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
      return DeliveryOutcome::deferred(451, {4, 3, 5}, std::move(text));
    default:
      return DeliveryOutcome::deferred(451, {4, 3, 0}, std::move(text));
  }
}

std::string trace_fields(const DeliveryOrder& order) {
  std::string fields;
  mail::append_return_path(order.reverse_path, fields);
  if (!order.original_recipient.empty() && order.original_recipient != order.recipient)
    mail::append_original_to(order.original_recipient, fields);
  mail::append_delivered_to(order.recipient, fields);
  return fields;
}

int write_message(const DeliveryOrder& order, Pieces body, const WriteChunk& write) {
  mail::LfWriter lines;
  std::string out;
  lines.write(trace_fields(order), out);
  for (const auto& piece : body) {
    std::string_view text = scan::as_text(piece);
    while (!text.empty()) {
      lines.write(text.substr(0, kWriteChunk), out);
      text.remove_prefix(std::min(kWriteChunk, text.size()));
      if (out.size() < kWriteChunk) continue;
      if (const int error = write(out); error != 0) return error;
      out.clear();
    }
  }
  lines.finish(out);
  return out.empty() ? 0 : write(out);
}

}  // namespace ringpost::deliver
