#include "ringpost/admin/client.hpp"

#include <cerrno>

#include <fmt/format.h>

#include "ringpost/admin/limits.hpp"

#include "line_socket.hpp"

namespace ringpost::admin {

namespace {

// A verb may take as long as every core may; the server answers before that.
constexpr Duration kWait = kCoreTimeout * 4;

std::unexpected<Refusal> unreachable(const std::string& path, const Error& error) {
  Refusal refusal{
      .unreachable = true, .text = "the server does not answer on " + path + ": " + error.text, .mend = {}};
  if (error.system == ENOENT || error.system == ECONNREFUSED)
    refusal.mend = "start it with `ringpost serve`, or name its configuration with --config";
  else if (error.system == EACCES || error.system == EPERM)
    refusal.mend = "run this as root or as the server's user";
  else
    refusal.mend = "look into its log";
  return std::unexpected(std::move(refusal));
}

// The lines of the answer, until the one that says that it was the last.
std::expected<Json, Refusal> converse(LineSocket& socket, const std::string& path, const Json& request,
                                      const std::function<void(const Json&)>& line) {
  if (auto sent = socket.write_all(to_string(request) + "\n", kRequestTimeout); !sent)
    return unreachable(path, sent.error());
  for (;;) {
    const auto text = socket.read_line(kAnswerLineMax, kWait);
    if (!text) return unreachable(path, text.error());
    auto json = parse_json(*text);
    if (!json) return unreachable(path, json.error());
    if (const Json& error = (*json)["error"]; !error.is_null())
      return std::unexpected(Refusal{.text = error["text"].text(), .mend = error["mend"].text()});
    if (const bool* done = (*json)["done"].as<bool>(); done != nullptr && *done) return std::move(*json);
    line(*json);
  }
}

}  // namespace

std::expected<Json, Refusal> ask(const std::string& socket_path, std::string_view verb, Json arguments,
                                 const std::function<void(const Json&)>& line) {
  auto socket = LineSocket::connect_to(socket_path);
  if (!socket) return unreachable(socket_path, socket.error());
  return converse(*socket, socket_path, Json().set("verb", verb).set("arguments", std::move(arguments)),
                  line);
}

std::expected<Opened, Refusal> open_connection(const std::string& socket_path, std::string_view verb,
                                               Json arguments) {
  auto socket = LineSocket::connect_to(socket_path);
  if (!socket) return unreachable(socket_path, socket.error());
  const auto done =
      converse(*socket, socket_path, Json().set("verb", verb).set("arguments", std::move(arguments)),
               [](const Json&) {});
  if (!done) return std::unexpected(done.error());
  Opened opened{.descriptor = -1, .received = socket->take_pending()};
  opened.descriptor = socket->release();
  return opened;
}

}  // namespace ringpost::admin
