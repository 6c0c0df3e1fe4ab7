#include "ringpost/admin/endpoint.hpp"

#include <fstream>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ringpost/admin/client.hpp"
#include "ringpost/admin/limits.hpp"

#include "admin/line_socket.hpp"
#include "unit/admin/world.hpp"

namespace ringpost::admin {
namespace {

using testing::HasSubstr;

struct Running {
  FakeControl control;
  std::string path = control.folder.file("admin");
  Result<std::unique_ptr<Endpoint>> endpoint = Endpoint::start({.socket = path}, control);
};

const auto kIgnore = [](const Json&) {};

TEST(Endpoint, answers_over_its_socket_which_only_owner_and_group_may_write) {
  Running running;
  ASSERT_TRUE(running.endpoint) << running.endpoint.error().text;
  struct stat status{};
  ASSERT_EQ(stat(running.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660U);
  std::vector<Json> lines;
  const auto last = ask(running.path, "status", {}, [&](const Json& line) { lines.push_back(line); });
  ASSERT_TRUE(last) << last.error().text;
  EXPECT_EQ(lines.at(0)["hostname"].text(), "mx1");
}

TEST(Endpoint, carries_a_refusal_to_the_client) {
  Running running;
  const auto refused = ask(running.path, "queue dance", {}, kIgnore);
  ASSERT_FALSE(refused);
  EXPECT_FALSE(refused.error().unreachable);
  EXPECT_THAT(refused.error().text, HasSubstr("queue dance"));
}

TEST(Endpoint, takes_the_place_of_a_socket_that_nobody_answers_on) {
  FakeControl control;
  const std::string path = control.folder.file("admin");
  const int left_behind = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_TRUE(bind_unix(left_behind, path));
  close(left_behind);
  const auto endpoint = Endpoint::start({.socket = path}, control);
  ASSERT_TRUE(endpoint) << endpoint.error().text;
  EXPECT_TRUE(ask(path, "status", {}, kIgnore));
}

TEST(Endpoint, leaves_a_live_socket_and_any_other_file_alone) {
  Running running;
  const auto second = Endpoint::start({.socket = running.path}, running.control);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().text, HasSubstr("another ringpost"));
  EXPECT_TRUE(ask(running.path, "status", {}, kIgnore));
  const std::string file = running.control.folder.file("precious");
  std::ofstream(file) << "x";
  EXPECT_FALSE(Endpoint::start({.socket = file}, running.control));
  EXPECT_TRUE(std::filesystem::is_regular_file(file));
}

TEST(Endpoint, is_gone_with_its_socket_when_it_ends) {
  Running running;
  running.endpoint->reset();
  EXPECT_FALSE(std::filesystem::exists(running.path));
  const auto refused = ask(running.path, "status", {}, kIgnore);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().unreachable);
  EXPECT_THAT(refused.error().mend, HasSubstr("ringpost serve"));
}

std::string answer_to(const std::string& path, const std::string& bytes) {
  auto client = LineSocket::connect_to(path);
  if (!client || !client->write_all(bytes, 10s)) return "";
  return client->read_line(kRequestBytesMax, 10s).value_or("");
}

TEST(Endpoint, refuses_a_request_that_is_too_long_and_serves_the_next) {
  Running running;
  const std::string text = R"({"verb":"status","arguments":{"x":")";
  const std::string end = "\"}}";
  const std::string fits = text + std::string(kRequestBytesMax - text.size() - end.size(), 'x') + end + "\n";
  EXPECT_THAT(answer_to(running.path, fits), HasSubstr("no argument"));
  const std::string too_long =
      text + std::string(kRequestBytesMax + 1 - text.size() - end.size(), 'x') + end + "\n";
  EXPECT_THAT(answer_to(running.path, too_long), HasSubstr("not JSON"));
  EXPECT_TRUE(ask(running.path, "status", {}, kIgnore));
}

TEST(Endpoint, ends_although_a_client_says_nothing) {
  Running running;
  const auto silent = LineSocket::connect_to(running.path);
  ASSERT_TRUE(silent);
  EXPECT_TRUE(ask(running.path, "status", {}, kIgnore));
  running.endpoint->reset();  // the test hangs here if a worker waits for the client
}

TEST(Endpoint, names_a_path_that_is_too_long_for_a_socket) {
  FakeControl control;
  const auto endpoint = Endpoint::start({.socket = control.folder.file(std::string(120, 'x'))}, control);
  ASSERT_FALSE(endpoint);
  EXPECT_THAT(endpoint.error().text, HasSubstr("too long"));
}

}  // namespace
}  // namespace ringpost::admin
