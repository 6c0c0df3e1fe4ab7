// The head of an HTTP/1.1 request: its line and its header fields.
//
// Layer:   pure. No sockets, clock, logging.
// Input:   all bytes of the connection that no request before has used. Output: a head, "more is needed", or an error.
// Limits:  http/limits.hpp.
// RFCs:    9110, 9112. The parser is that of Boost.Beast, without its sockets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::http {

struct RequestHead {
  std::string method;       // as it came: methods are case-sensitive (RFC 9110 section 9.1)
  std::string target;       // "/metrics?x=1"
  bool keep_alive = false;  // the client wants to ask again on this connection
  bool has_body = false;    // a body follows
  std::size_t bytes = 0;    // of the input that the head took
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

// Nothing: the head is not whole yet. Errors: permanent, it is no HTTP/1; exhausted, it is longer than kHeadBytesMax.
Result<std::optional<RequestHead>> read_request_head(std::string_view input);

}  // namespace ringpost::http
