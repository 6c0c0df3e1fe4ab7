#include "publish/page_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/http/limits.hpp"

namespace ringpost::publish {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::function<std::string()> kPage = [] { return std::string("a 1\n"); };

std::string answer_to(PageClient& client, std::string_view request) {
  client.received(request);
  std::string answer;
  while (!client.to_send().empty()) {
    answer += client.to_send().substr(0, 1);
    client.sent(1);
  }
  return answer;
}
std::string answer_to(std::string_view request) {
  PageClient client(kPage);
  return answer_to(client, request);
}

TEST(PageClient, gives_the_page_and_keeps_the_connection) {
  PageClient client(kPage);
  for (int i = 0; i < 2; ++i) {
    const std::string answer = answer_to(client, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; "
                                   "charset=utf-8\r\nContent-Length: 4\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\na 1\n"));
    EXPECT_TRUE(client.wants_input());
    EXPECT_FALSE(client.finished());
  }
}

TEST(PageClient, answers_one_after_the_other_whatever_comes_at_once) {
  PageClient client(kPage);
  client.received(
      "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string first(client.to_send());
  EXPECT_THAT(first, EndsWith("a 1\n"));
  EXPECT_FALSE(client.wants_input());
  client.sent(first.size());
  const std::string second(client.to_send());
  EXPECT_THAT(second, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(second, HasSubstr("Connection: close\r\n"));
  client.sent(second.size());
  EXPECT_TRUE(client.finished());
}

TEST(PageClient, closes_when_it_is_asked_to) {
  PageClient client(kPage);
  EXPECT_THAT(answer_to(client, "GET /metrics HTTP/1.0\r\n\r\n"), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.finished());
}

TEST(PageClient, gives_the_head_alone_to_who_asks_for_it) {
  const std::string answer = answer_to("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(PageClient, refuses_the_rest) {
  EXPECT_THAT(answer_to("POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer_to("EHLO a\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(answer_to("GET /" + std::string(http::kHeadBytesMax, 'x')), StartsWith("HTTP/1.1 431 "));
}

}  // namespace
}  // namespace ringpost::publish
