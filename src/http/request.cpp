#include "ringpost/http/request.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include "ringpost/http/limits.hpp"

namespace ringpost::http {

namespace {

namespace beast = boost::beast::http;

// Counts the body instead of reading it.
using Parser = beast::request_parser<beast::empty_body>;

RequestHead head_of(const Parser& parser, std::size_t bytes) {
  const auto& message = parser.get();
  const auto length = parser.content_length();
  return {.method = message.method_string().to_string(),
          .target = message.target().to_string(),
          .keep_alive = parser.keep_alive(),
          .has_body = parser.chunked() || (length && *length > 0),
          .bytes = bytes};
}

}  // namespace

Result<std::optional<RequestHead>> read_request_head(std::string_view input) {
  Parser parser;
  parser.header_limit(kHeadBytesMax);
  boost::beast::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(input.data(), input.size()), error);
  if (error == beast::error::need_more && input.size() < kHeadBytesMax) return std::optional<RequestHead>();
  if (error == beast::error::need_more || error == beast::error::header_limit || used > kHeadBytesMax)
    return fail(ErrorKind::exhausted, "the head of the request is too long");
  if (error) return fail(ErrorKind::permanent, "this is no HTTP/1 request: " + error.message());
  if (!parser.is_header_done()) return std::optional<RequestHead>();
  return std::optional(head_of(parser, used));
}

}  // namespace ringpost::http
