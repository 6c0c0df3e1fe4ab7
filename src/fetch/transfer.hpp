// One request as libcurl has it.
//
// Layer: paths, private. Owner: the thread of the client. The request outlives it and stays where it is.
#pragma once

#include <array>
#include <memory>

#include <curl/curl.h>

#include "ringpost/fetch/client.hpp"

namespace ringpost::fetch {

class Transfer {
 public:
  explicit Transfer(const Request& request);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const { return easy_.get(); }
  // After libcurl has said how it ended. Once.
  Result<Response> result(CURLcode ended);

 private:
  struct Cleanup {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  template <class T>
  void set(CURLoption option, T value);
  void set_headers();
  void set_trust();
  void set_limits();
  void add_header(const std::string& line);
  static std::size_t take_body(const char* bytes, std::size_t one, std::size_t count, void* self);
  static std::size_t take_header(const char* bytes, std::size_t one, std::size_t count, void* self);

  const Request& request_;
  std::unique_ptr<CURL, Cleanup> easy_;
  std::unique_ptr<curl_slist, Cleanup> headers_;
  std::array<char, CURL_ERROR_SIZE> why_{};
  CURLcode refused_ = CURLE_OK;  // by libcurl, an option
  Response response_;
  std::size_t header_bytes_ = 0;
  bool too_long_ = false;
};

}  // namespace ringpost::fetch
