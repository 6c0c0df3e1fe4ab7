#include "transfer.hpp"

#include <chrono>

#include <fmt/format.h>

#include "ringpost/fetch/limits.hpp"

namespace ringpost::fetch {

Transfer::Transfer(const Request& request) : request_(request), easy_(curl_easy_init()) {
  if (!easy_) return;
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDS, request_.body.data());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  if (!request_.user.empty()) {
    set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    set(CURLOPT_USERNAME, request_.user.c_str());
    set(CURLOPT_PASSWORD, request_.password.c_str());
  }
  set_headers();
  set_trust();
  set_limits();
}

template <class T>
void Transfer::set(CURLoption option, T value) {
  const CURLcode code = curl_easy_setopt(easy_.get(), option, value);
  if (code != CURLE_OK && refused_ == CURLE_OK) refused_ = code;
}

void Transfer::add_header(const std::string& line) {
  curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
  if (longer == nullptr) {
    refused_ = CURLE_OUT_OF_MEMORY;
    return;
  }
  (void)headers_.release();
  headers_.reset(longer);
}

void Transfer::set_headers() {
  add_header("Content-Type: " + request_.content_type);
  add_header("Accept: " + request_.accept);
  add_header("Expect:");  // no round trip before a body of some hundred bytes
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "ringpost");
}

// Whoever is asked was named by the operator: not by a redirect, nor by the environment of the process.
void Transfer::set_trust() {
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!request_.authorities.empty()) {
    set(CURLOPT_CAINFO, request_.authorities.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
}

void Transfer::set_limits() {
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS,
      static_cast<long>(std::chrono::ceil<std::chrono::milliseconds>(request_.timeout).count()));
  set(CURLOPT_ERRORBUFFER, why_.data());
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
}

std::size_t Transfer::take_body(const char* bytes, std::size_t one, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  std::string& body = transfer.response_.body;
  transfer.too_long_ = transfer.too_long_ || one * count > kResponseBytesMax - body.size();
  if (transfer.too_long_) return 0;  // libcurl gives up
  body.append(bytes, one * count);
  return one * count;
}

std::size_t Transfer::take_header(const char* /*bytes*/, std::size_t one, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  transfer.header_bytes_ += one * count;
  transfer.too_long_ = transfer.too_long_ || transfer.header_bytes_ > kHeaderBytesMax;
  return transfer.too_long_ ? 0 : one * count;
}

Result<Response> Transfer::result(CURLcode ended) {
  if (!easy_) return fail(ErrorKind::exhausted, "no memory for a request");
  if (refused_ != CURLE_OK) ended = refused_;
  if (too_long_) return fail(ErrorKind::exhausted, "the answer of " + request_.url + " is too long");
  if (ended == CURLE_ABORTED_BY_CALLBACK) return fail(ErrorKind::cancelled, "the server stops");
  if (ended != CURLE_OK) {
    const std::string_view why = why_[0] != '\0' ? std::string_view(why_.data()) : curl_easy_strerror(ended);
    return fail(ended == CURLE_OPERATION_TIMEDOUT ? ErrorKind::timed_out : ErrorKind::temporary,
                fmt::format("{}: {}", request_.url, why));
  }
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<unsigned>(status);
  return std::move(response_);
}

}  // namespace ringpost::fetch
