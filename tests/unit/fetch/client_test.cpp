// Requests to a server of this process, over loopback.
#include "ringpost/fetch/client.hpp"

#include <array>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ringpost/fetch/limits.hpp"

#include "support/machine.hpp"

namespace ringpost::fetch {
namespace {

// Answers each connection by what `say` makes of the request; "" leaves it open and silent until the end.
class Server {
 public:
  explicit Server(std::function<std::string(const std::string&)> say)
      : say_(std::move(say)), listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listening_, any, size), 0);
    EXPECT_EQ(::listen(listening_, 512), 0);
    EXPECT_EQ(::getsockname(listening_, any, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    for (const int socket : silent_) ::close(socket);
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}/ask", port_); }

 private:
  void serve() {
    for (int socket = 0; (socket = ::accept(listening_, nullptr, nullptr)) >= 0;) {
      const std::string answer = say_(read_request(socket));
      if (answer.empty()) {
        silent_.push_back(socket);
        continue;
      }
      for (std::size_t sent = 0; sent < answer.size();) {
        const auto count = ::send(socket, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) break;
        sent += static_cast<std::size_t>(count);
      }
      ::close(socket);
    }
  }
  static std::string read_request(int socket) {
    std::string request;
    std::array<char, 4096> part{};
    for (;;) {
      const std::size_t head = request.find("\r\n\r\n");
      const std::size_t length = request.find("Content-Length: ");
      if (head != std::string::npos && length != std::string::npos &&
          request.size() >= head + 4 + std::stoul(request.substr(length + 16)))
        return request;
      const auto count = ::recv(socket, part.data(), part.size(), 0);
      if (count <= 0) return request;
      request.append(part.data(), static_cast<std::size_t>(count));
    }
  }

  std::function<std::string(const std::string&)> say_;
  int listening_;
  std::uint16_t port_ = 0;
  std::vector<int> silent_;
  std::thread thread_;
};

std::string answer_of(std::string_view body, std::string_view status = "200 OK", std::string_view more = {}) {
  return fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{}", status, more,
                     body.size(), body);
}

class FetchTest : public ::testing::Test {
 protected:
  ~FetchTest() override { client_->stop(); }
  Request request(const std::string& url, Duration timeout = 10s) const {
    return {.url = url,
            .body = "token=secret",
            .content_type = "application/x-www-form-urlencoded",
            .accept = "application/json",
            .user = {},
            .password = {},
            .authorities = {},
            .timeout = timeout};
  }
  Task<void> ask(Request request, Result<Response>& result, std::size_t& done) {
    result = co_await client_->post(machine_.core(), std::move(request));
    ++done;
  }
  friend FramePool& frame_pool(FetchTest& test) { return test.machine_.core().frames(); }
  Result<Response> post(Request request) {
    Result<Response> result;
    std::size_t done = 0;
    EXPECT_TRUE(machine_.run(ask(std::move(request), result, done)));
    return result;
  }

  ringpost::testing::Machine machine_{"epoll"};
  std::unique_ptr<Client> client_ = Client::start().value();
};

TEST_F(FetchTest, a_request_is_sent_as_it_is_written) {
  std::string seen;
  Server server([&](const std::string& request) {
    seen = request;
    return answer_of("{\"active\":true}", "201 Created");
  });
  Request wanted = request(server.url());
  wanted.user = "mail.example.com";
  wanted.password = "pass:word";
  const auto response = post(std::move(wanted));
  ASSERT_TRUE(response) << response.error().text;
  EXPECT_EQ(response->status, 201U);
  EXPECT_EQ(response->body, "{\"active\":true}");
  EXPECT_TRUE(seen.starts_with("POST /ask HTTP/1.1\r\n")) << seen;
  EXPECT_TRUE(seen.ends_with("\r\n\r\ntoken=secret")) << seen;
  for (const std::string_view line :
       {"Content-Type: application/x-www-form-urlencoded\r\n", "Accept: application/json\r\n",
        "Authorization: Basic bWFpbC5leGFtcGxlLmNvbTpwYXNzOndvcmQ=\r\n"})
    EXPECT_NE(seen.find(line), std::string::npos) << line << " is not in " << seen;
  EXPECT_EQ(seen.find("Expect:"), std::string::npos);
}

TEST_F(FetchTest, nobody_is_followed_to_another_place) {
  Server elsewhere([](const std::string&) { return answer_of("you should not be here"); });
  Server server([&](const std::string&) {
    return answer_of("", "302 Found", "Location: " + elsewhere.url() + "\r\n");
  });
  const auto response = post(request(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302U);
  EXPECT_EQ(response->body, "");
}

TEST_F(FetchTest, an_answer_may_be_so_long) {
  std::string body(kResponseBytesMax, 'a');
  Server server([&](const std::string&) { return answer_of(body); });
  auto response = post(request(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body.size(), kResponseBytesMax);
  body += 'a';
  response = post(request(server.url()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::exhausted);
  EXPECT_NE(response.error().text.find("too long"), std::string::npos) << response.error().text;
}

TEST_F(FetchTest, headers_may_be_so_long) {
  Server server([](const std::string&) {
    return answer_of("", "200 OK", "X: " + std::string(kHeaderBytesMax, 'a') + "\r\n");
  });
  const auto response = post(request(server.url()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::exhausted);
}

TEST_F(FetchTest, who_says_nothing_is_not_waited_for) {
  Server server([](const std::string&) { return ""; });
  const auto response = post(request(server.url(), 50ms));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::timed_out);
}

TEST_F(FetchTest, what_goes_wrong_names_the_place) {
  for (const std::string url : {"http://127.0.0.1:1/", "ftp://127.0.0.1/", "https://127.0.0.1:1/"}) {
    const auto response = post(request(url));
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().kind, ErrorKind::temporary) << url;
    EXPECT_NE(response.error().text.find(url), std::string::npos) << response.error().text;
  }
  Server server([](const std::string&) { return "this is no HTTP\r\n\r\n"; });
  EXPECT_EQ(post(request(server.url())).error().kind, ErrorKind::temporary);
}

TEST_F(FetchTest, so_many_are_under_way_and_a_stop_ends_them) {
  Server server([](const std::string&) { return ""; });
  std::vector<Result<Response>> results(kRequestsMax + 1);
  std::size_t done = 0;
  for (auto& result : results) machine_.core().spawn(ask(request(server.url()), result, done));
  ASSERT_TRUE(machine_.turn_until([&] { return done == 1; }));
  EXPECT_EQ(results.back().error().kind, ErrorKind::exhausted);
  client_->stop();
  ASSERT_TRUE(machine_.turn_until([&] { return done == results.size(); }));
  for (std::size_t i = 0; i < kRequestsMax; ++i)
    EXPECT_EQ(results[i].error().kind, ErrorKind::cancelled) << i;
  EXPECT_EQ(post(request(server.url())).error().kind, ErrorKind::cancelled);
}

}  // namespace
}  // namespace ringpost::fetch
