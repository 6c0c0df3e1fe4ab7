// The PROXY header, versions 1 and 2, with which a load balancer says who the client is.
//
// Layer: pure function. Input: any prefix of the stream. Source: the PROXY protocol specification by HAProxy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ringpost/base/address.hpp"

namespace ringpost::net {

enum class ProxyVerdict : std::uint8_t {
  incomplete,  // read more
  complete,    // `size` bytes are the header
  malformed,   // not a PROXY header: close without a word
};

struct ProxyHeader {
  ProxyVerdict verdict = ProxyVerdict::incomplete;
  std::size_t size = 0;
  std::optional<Endpoint> client;  // none: LOCAL or UNKNOWN, the balancer speaks for itself
};

ProxyHeader parse_proxy_header(std::span<const std::byte> bytes);

}  // namespace ringpost::net
