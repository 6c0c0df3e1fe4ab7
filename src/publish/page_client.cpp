#include "page_client.hpp"

#include <iterator>

#include <fmt/format.h>

namespace ringpost::publish {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kMetrics = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace

void PageClient::received(std::string_view bytes) {
  in_.append(bytes);
  answer_next();
}

void PageClient::sent(std::size_t count) {
  sent_ += count;
  if (sent_ < out_.size()) return;
  out_.clear();
  sent_ = 0;
  answer_next();
}

void PageClient::answer_next() {
  if (!wants_input()) return;
  const auto head = http::read_request_head(in_);
  if (!head) {
    last_ = true;
    const bool long_head = head.error().kind == ErrorKind::exhausted;
    return respond(long_head ? "431 Request Header Fields Too Large" : "400 Bad Request", kText,
                   head.error().text + "\n");
  }
  if (!*head) return;
  in_.erase(0, (*head)->bytes);
  answer(**head);
}

void PageClient::answer(const http::RequestHead& head) {
  // A body is not read, so what follows it cannot be found.
  last_ = !head.keep_alive || head.has_body;
  const bool get = head.method == "GET";
  if (!get && head.method != "HEAD")
    return respond("405 Method Not Allowed", kText, "only GET and HEAD\n", "Allow: GET, HEAD\r\n");
  if (head.path() != "/metrics")
    return respond("404 Not Found", kText, "the figures are at /metrics\n", {}, get);
  respond("200 OK", kMetrics, page_(), {}, get);
}

void PageClient::respond(std::string_view status, std::string_view type, std::string_view body,
                         std::string_view more, bool with_body) {
  fmt::format_to(
      std::back_inserter(out_),
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{}{}\r\n", status,
      type, body.size(), more, last_ ? "Connection: close\r\n" : "");
  if (with_body) out_.append(body);
}

}  // namespace ringpost::publish
