#include "make_backend.hpp"

#include <fmt/format.h>

namespace ringpost::io {

Result<std::unique_ptr<Backend>> make_backend(const BackendOptions& options) {
  if (options.choice == "uring") return make_uring_backend(options);
  if (options.choice == "epoll") return make_epoll_backend(options, {});
  if (options.choice != "auto")
    return fail(ErrorKind::permanent,
                fmt::format("there is no backend \"{}\": auto, uring or epoll", options.choice));
  auto best = make_uring_backend(options);
  if (best) return best;
  return make_epoll_backend(options, std::move(best.error().text));
}

}  // namespace ringpost::io
