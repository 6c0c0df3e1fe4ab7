#include "ringpost/admin/endpoint.hpp"

#include <array>
#include <cerrno>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/admin/limits.hpp"
#include "ringpost/base/signals_blocked.hpp"

#include "line_socket.hpp"
#include "verbs.hpp"

namespace ringpost::admin {

namespace {

constexpr mode_t kSocketMode = 0660;

WallTime wall_now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

// Whether somebody listens on the socket that is there; an errno of something else is in the way.
Result<bool> answers(const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0)
    return errno == ENOENT ? Result<bool>(false) : fail_system(errno, path);
  if (!S_ISSOCK(status.st_mode))
    return fail(ErrorKind::permanent, path + " is there and is no socket; move it away, or set admin.socket");
  if (auto connected = LineSocket::connect_to(path); connected) return true;
  return false;
}

// A socket that nobody answers on was left by a server that died.
Result<int> listen_on(const std::string& path) {
  if (RP_TRY(answers(path)))
    return fail(ErrorKind::permanent,
                "another ringpost answers on " + path + "; stop it, or set another admin.socket");
  (void)unlink(path.c_str());
  const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listening < 0) return fail_system(errno, "socket");
  auto bound = bind_unix(listening, path);
  if (bound && (chmod(path.c_str(), kSocketMode) != 0 || listen(listening, kBacklog) != 0))
    bound = fail_system(errno, path);
  if (bound) return listening;
  close(listening);
  return fail(std::move(bound.error()));
}

}  // namespace

struct Endpoint::State {
  State(Control& the_control, std::string the_path)
      : control(the_control),
        path(std::move(the_path)),
        queue(make_core_queue(the_control)),
        keeper(*queue, the_control.tables()) {}

  Control& control;
  std::string path;
  std::unique_ptr<Queue> queue;
  DirectiveKeeper keeper;
  int listening = -1;
  int ending = -1;  // an eventfd: readable when the workers are to end
  std::vector<std::thread> workers;

  void work(bool keeps_time);
  bool wait_for_client(bool keeps_time);
  void serve(LineSocket client);
};

// False when it is time to end. Workers wait for one socket together; the kernel wakes them all, one gets the client.
bool Endpoint::State::wait_for_client(bool keeps_time) {
  std::array<pollfd, 2> entries{{{listening, POLLIN, 0}, {ending, POLLIN, 0}}};
  const int period =
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kDirectiveCheckPeriod).count());
  (void)poll(entries.data(), entries.size(), keeps_time ? period : -1);
  return entries[1].revents == 0;
}

void Endpoint::State::work(bool keeps_time) {
  while (wait_for_client(keeps_time)) {
    if (keeps_time && !control.status().draining) keeper.end_suspensions(wall_now());
    const int client = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0) serve(LineSocket(client));
  }
}

void Endpoint::State::serve(LineSocket client) {
  const auto request = client.read_line(kRequestBytesMax, kRequestTimeout, ending);
  if (!request && request.error().kind != ErrorKind::exhausted) return;
  std::string out;
  bool reading = true;
  const auto send_out = [&] {
    reading = reading && client.write_all(out, kAnswerTimeout, ending).has_value();
    out.clear();
  };
  const auto line = [&](const Json& json) {
    if (!reading)
      return;  // the verb ends all the same: half an order would be worse than one without an answer
    out += to_string(json);
    out += '\n';
    if (out.size() >= kRequestBytesMax) send_out();
  };
  const auto flush = [&] {
    send_out();
    return reading && !client.gone(ending);
  };
  std::function<void(int)> heir;
  answer(request ? *request : std::string(), control, *queue, keeper, wall_now(), line, flush, &heir);
  send_out();
  if (heir && reading) heir(client.release());
}

Endpoint::Endpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Endpoint>> Endpoint::start(const AdminOptions& options, Control& control) {
  auto listening = listen_on(options.socket.text);
  if (!listening) return fail(std::move(listening.error()).in("admin.socket"));
  auto state = std::make_unique<State>(control, options.socket.text);
  state->listening = *listening;
  state->ending = eventfd(0, EFD_CLOEXEC);
  if (state->ending < 0) {
    close(state->listening);
    return fail_system(errno, "eventfd");
  }
  const SignalsBlocked blocked;
  for (unsigned i = 0; i < kWorkers; ++i)
    state->workers.emplace_back([raw = state.get(), i] { raw->work(i == 0); });
  return std::unique_ptr<Endpoint>(new Endpoint(std::move(state)));
}

Endpoint::~Endpoint() {
  const std::uint64_t one = 1;
  (void)!write(state_->ending, &one, sizeof(one));
  for (std::thread& worker : state_->workers) worker.join();
  (void)unlink(state_->path.c_str());
  close(state_->listening);
  close(state_->ending);
}

}  // namespace ringpost::admin
