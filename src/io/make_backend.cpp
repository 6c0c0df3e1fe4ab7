#include "make_backend.hpp"

#include <fmt/format.h>

namespace ringpost::io {

Result<std::unique_ptr<Backend>> make_backend(const BackendOptions& options) {
  if (options.choice == "epoll" || options.choice == "auto") return make_epoll_backend(options, {});
  return fail(ErrorKind::permanent,
              fmt::format("there is no backend \"{}\": auto, uring or epoll", options.choice));
}

}  // namespace ringpost::io
