#include "ringpost/publish/page_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <list>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ringpost/base/signals_blocked.hpp"
#include "ringpost/publish/limits.hpp"

#include "page_client.hpp"

namespace ringpost::publish {

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  Connection(int socket, const std::function<std::string()>& page) : descriptor(socket), client(page) {}
  ~Connection() { close(descriptor); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int descriptor;
  PageClient client;
  Clock::time_point deadline = Clock::now() + kPagePatience;

  short events() const { return client.wants_input() ? POLLIN : POLLOUT; }
  // False: it has ended.
  bool go_on() {
    if (client.wants_input() && !receive()) return false;
    return send_out() && !client.finished();
  }

 private:
  bool receive() {
    std::array<char, 4096> bytes;
    const ssize_t count = recv(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count == 0) return false;
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    client.received({bytes.data(), static_cast<std::size_t>(count)});
    return true;
  }
  bool send_out() {
    while (!client.to_send().empty()) {
      const std::string_view bytes = client.to_send();
      const ssize_t count = send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count < 0) return errno == EAGAIN || errno == EINTR;
      client.sent(static_cast<std::size_t>(count));
      deadline = Clock::now() + kPagePatience;
    }
    return true;
  }
};

}  // namespace

struct PageServer::State {
  std::vector<int> listening;
  std::function<std::string()> page;
  int ending = eventfd(0, EFD_CLOEXEC);
  std::list<Connection> connections;
  std::thread thread;

  ~State() {
    for (const int socket : listening) close(socket);
    if (ending >= 0) close(ending);
  }
  void run();
  std::vector<pollfd> entries() const;
  std::list<Connection>::iterator longest_silent();
  void accept_from(int socket);
  void serve(const std::vector<pollfd>& entries);
};

// The connection that waits for a request, or for the rest of one, longest; the end: none waits.
std::list<Connection>::iterator PageServer::State::longest_silent() {
  auto found = connections.end();
  for (auto each = connections.begin(); each != connections.end(); ++each)
    if (each->client.wants_input() && (found == connections.end() || each->deadline < found->deadline))
      found = each;
  return found;
}

// The end, then the listening sockets while there is room, then the connections. There is room while all who have a place are
// not being answered: who says nothing makes way.
std::vector<pollfd> PageServer::State::entries() const {
  std::vector<pollfd> entries{{ending, POLLIN, 0}};
  const bool room =
      connections.size() < kPageClientsMax ||
      std::ranges::any_of(connections, [](const Connection& one) { return one.client.wants_input(); });
  for (const int socket : listening) entries.push_back({room ? socket : -1, POLLIN, 0});
  for (const Connection& connection : connections)
    entries.push_back({connection.descriptor, connection.events(), 0});
  return entries;
}

void PageServer::State::accept_from(int socket) {
  if (connections.size() >= kPageClientsMax) {
    const auto silent = longest_silent();
    if (silent == connections.end()) return;
    connections.erase(silent);
  }
  const int client = accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client >= 0)
    connections.emplace_back(client, page);
  else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
    std::this_thread::sleep_for(kPagePause);
}

void PageServer::State::serve(const std::vector<pollfd>& entries) {
  const auto now = Clock::now();
  std::size_t at = 1 + listening.size();
  for (auto each = connections.begin(); each != connections.end(); ++at) {
    const bool gone = entries[at].revents != 0 ? !each->go_on() : now >= each->deadline;
    each = gone ? connections.erase(each) : std::next(each);
  }
}

void PageServer::State::run() {
  for (;;) {
    std::vector<pollfd> all = entries();
    // Without clients nothing has a deadline.
    const int look = connections.empty() ? -1 : 1000;
    if (poll(all.data(), all.size(), look) < 0 && errno != EINTR) return;
    if (all[0].revents != 0) return;
    serve(all);
    for (std::size_t i = 0; i < listening.size(); ++i)
      if (all[1 + i].revents != 0) accept_from(listening[i]);
  }
}

PageServer::PageServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<PageServer>> PageServer::start(std::vector<int> listening,
                                                      std::function<std::string()> page) {
  auto state = std::make_unique<State>();
  state->listening = std::move(listening);
  state->page = std::move(page);
  if (state->ending < 0) return fail_system(errno, "eventfd");
  const SignalsBlocked blocked;
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  return std::unique_ptr<PageServer>(new PageServer(std::move(state)));
}

PageServer::~PageServer() {
  const std::uint64_t one = 1;
  (void)!write(state_->ending, &one, sizeof(one));
  state_->thread.join();
}

}  // namespace ringpost::publish
