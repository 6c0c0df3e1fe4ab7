// How make_backend reaches the kernel backends.
//
// Layer: io, private.
#pragma once

#include "ringpost/io/backend.hpp"

namespace ringpost::io {

Result<std::unique_ptr<Backend>> make_uring_backend(const BackendOptions& options);
Result<std::unique_ptr<Backend>> make_epoll_backend(const BackendOptions& options, std::string why);

}  // namespace ringpost::io
