#include "ringpost/base/result.hpp"

#include <cerrno>
#include <system_error>

namespace ringpost {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::temporary:
      return "temporary";
    case ErrorKind::permanent:
      return "permanent";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::timed_out:
      return "timed out";
    case ErrorKind::closed:
      return "closed";
    case ErrorKind::exhausted:
      return "exhausted";
  }
  return "unknown";
}

Error Error::in(std::string_view doing) && {
  std::string whole;
  whole.reserve(doing.size() + 2 + text.size());
  whole.append(doing).append(": ").append(text);
  text = std::move(whole);
  return std::move(*this);
}

namespace {

ErrorKind kind_of(int error) {
  switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRINUSE:
    case EBUSY:
    case EIO:
    case EHOSTDOWN:
    case ENETDOWN:
      return ErrorKind::temporary;
    case ECANCELED:
      return ErrorKind::cancelled;
    case ETIMEDOUT:
    case ETIME:
      return ErrorKind::timed_out;
    case EPIPE:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case ESHUTDOWN:
      return ErrorKind::closed;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return ErrorKind::exhausted;
    default:
      return ErrorKind::permanent;
  }
}

}  // namespace

Error system_error(int error, std::string_view doing) {
  return Error{kind_of(error), error, std::string(doing) + ": " + std::generic_category().message(error)};
}

}  // namespace ringpost
