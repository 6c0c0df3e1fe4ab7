// The cold calls on sockets that both kernel backends share.
//
// Layer: io, private.
#pragma once

#include <optional>

#include "ringpost/io/backend.hpp"

namespace ringpost::io::posix {

// io_uring waits by itself and would answer -EAGAIN on a non-blocking socket; epoll needs exactly that.
enum class Blocking : bool { no, yes };

Result<Handle> listen(const Endpoint& where, const ListenOptions& options, Blocking blocking);
Result<Handle> open_stream(const Endpoint& to, const std::optional<Endpoint>& from, Blocking blocking);
Result<Handle> adopt(int descriptor, Blocking blocking);
Endpoint local_endpoint(Handle socket);
Endpoint peer_endpoint(Handle socket);

}  // namespace ringpost::io::posix
