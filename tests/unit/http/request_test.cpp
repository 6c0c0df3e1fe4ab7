#include "ringpost/http/request.hpp"

#include <gtest/gtest.h>

#include "ringpost/http/limits.hpp"

namespace ringpost::http {
namespace {

constexpr std::string_view kGet = "GET /metrics?x=1 HTTP/1.1\r\nHost: mx1\r\nAccept: text/plain\r\n\r\n";

TEST(RequestHead, is_asked_for_until_it_is_whole) {
  for (std::size_t size = 0; size < kGet.size(); ++size) {
    const auto head = read_request_head(kGet.substr(0, size));
    ASSERT_TRUE(head.has_value()) << size << head.error().text;
    EXPECT_FALSE(head->has_value()) << size;
  }
  const auto head = read_request_head(std::string(kGet) + "GET /next");
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->method, "GET");
  EXPECT_EQ((*head)->target, "/metrics?x=1");
  EXPECT_EQ((*head)->path(), "/metrics");
  EXPECT_EQ((*head)->bytes, kGet.size());
  EXPECT_TRUE((*head)->keep_alive);
  EXPECT_FALSE((*head)->has_body);
}

TEST(RequestHead, says_whether_the_connection_stays) {
  const auto keeps = [](std::string text) { return (*read_request_head(text))->keep_alive; };
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
}

TEST(RequestHead, says_whether_a_body_follows) {
  const auto has = [](std::string fields) {
    return (*read_request_head("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"))->has_body;
  };
  EXPECT_TRUE(has("Content-Length: 3\r\n"));
  EXPECT_TRUE(has("Transfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(has("Content-Length: 0\r\n"));
}

TEST(RequestHead, refuses_what_is_no_http) {
  for (const char* text : {"EHLO mx1\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                           "\x16\x03\x01\x02\r\n\r\n", "GET / HTTP/1.1\r\nno field\r\n\r\n",
                           "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"}) {
    const auto head = read_request_head(text);
    ASSERT_FALSE(head.has_value()) << text;
    EXPECT_EQ(head.error().kind, ErrorKind::permanent) << text;
  }
}

TEST(RequestHead, has_a_bound) {
  const auto with = [](std::size_t size) {
    const std::string start = "GET / HTTP/1.1\r\nX: ", end = "\r\n\r\n";
    return read_request_head(start + std::string(size - start.size() - end.size(), 'x') + end);
  };
  EXPECT_TRUE(with(kHeadBytesMax - 1).has_value());
  const auto over = with(kHeadBytesMax + 1);
  ASSERT_FALSE(over.has_value());
  EXPECT_EQ(over.error().kind, ErrorKind::exhausted);
  const auto endless = read_request_head(std::string("GET /") + std::string(kHeadBytesMax, 'x'));
  ASSERT_FALSE(endless.has_value());
  EXPECT_EQ(endless.error().kind, ErrorKind::exhausted);
}

}  // namespace
}  // namespace ringpost::http
