#include "sockets.hpp"

#include <cerrno>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>

#include "ringpost/shard/runtime.hpp"

namespace ringpost::server {

namespace {

constexpr int kBindAttempts = 30;
constexpr std::chrono::milliseconds kBindPause{100};

std::string mend_for(int error) {
  if (error == EADDRINUSE) return "; another program listens there: stop it, or change the address";
  if (error == EACCES) return "; ports below 1024 need root or CAP_NET_BIND_SERVICE at start";
  if (error == EADDRNOTAVAIL) return "; this host has no such address";
  return "";
}

std::unexpected<Error> refuse(const std::string& name, const Endpoint& address, Error error) {
  const int system = error.system;
  error = std::move(error).in("listener." + name + ": " + to_string(address));
  error.text += mend_for(system);
  return fail(std::move(error));
}

std::unexpected<Error> refuse(const std::string& name, unsigned core, unsigned cores) {
  return fail(ErrorKind::permanent, "listener." + name + ".cores names core " + std::to_string(core) +
                                        ", and there are " + std::to_string(cores) +
                                        ", from 0; see cores.use");
}

}  // namespace

Result<std::vector<BoundSocket>> bind_sockets(const Configuration& configuration, unsigned cores) {
  // Any backend can bind; this one is gone before the cores make theirs, the descriptors stay.
  const auto backend = RP_TRY(io::make_backend({.choice = "epoll"}));
  std::vector<BoundSocket> sockets;
  std::vector<unsigned> cpus;
  if (configuration.cores.steering == shard::Steering::cpu)
    cpus = RP_TRY(shard::Runtime::cpus(configuration.cores));
  std::vector<unsigned> all_cores(cores);
  std::iota(all_cores.begin(), all_cores.end(), 0U);
  std::size_t index = 0;
  unsigned slot = 0;
  for (const auto& [name, options] : configuration.listener) {
    for (const Endpoint& address : options.address) {
      // Our sockets share an address among cores (SO_REUSEPORT), and would share it with another server of this user
      // too: each would get a part of the mail. So the address is first tried alone.
      // A server that was killed a moment ago may hold its sockets for as long as its ring takes to go.
      auto alone = backend->listen(address, {.reuse_port = false});
      for (int attempt = 0; !alone && alone.error().system == EADDRINUSE && attempt < kBindAttempts;
           ++attempt) {
        std::this_thread::sleep_for(kBindPause);
        alone = backend->listen(address, {.reuse_port = false});
      }
      if (!alone) return refuse(name, address, alone.error());
      backend->files().close(*alone);
      const bool http = options.protocol == receive::Protocol::http;
      for (const unsigned core : http                    ? std::vector{kOffCores}
                                 : options.cores.empty() ? all_cores
                                                         : options.cores) {
        if (core >= cores && core != kOffCores) return refuse(name, core, cores);
        const bool steered = configuration.cores.steering == shard::Steering::cpu && core != kOffCores;
        auto handle = backend->listen(address, {.cpu = steered ? static_cast<int>(cpus[core]) : -1});
        if (!handle) return refuse(name, address, handle.error());
        sockets.push_back({index, slot, core, *handle});
      }
      if (!http) ++slot;
    }
    ++index;
  }
  return sockets;
}

}  // namespace ringpost::server
