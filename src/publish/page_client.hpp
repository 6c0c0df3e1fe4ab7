// One HTTP connection to the page: bytes in, bytes out; the socket belongs to PageServer.
//
// Layer: services, private.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ringpost/http/request.hpp"

namespace ringpost::publish {

class PageClient {
 public:
  explicit PageClient(const std::function<std::string()>& page) : page_(page) {}

  // Answers what is whole; one answer at a time is made, so a client that does not read makes no memory grow.
  void received(std::string_view bytes);
  std::string_view to_send() const { return std::string_view(out_).substr(sent_); }
  void sent(std::size_t count);
  bool wants_input() const { return to_send().empty() && !last_; }
  bool finished() const { return last_ && to_send().empty(); }  // close it

 private:
  void answer_next();
  void answer(const http::RequestHead& head);
  void respond(std::string_view status, std::string_view type, std::string_view body,
               std::string_view more = {}, bool with_body = true);
  const std::function<std::string()>& page_;
  std::string in_, out_;
  std::size_t sent_ = 0;
  bool last_ = false;
};

}  // namespace ringpost::publish
