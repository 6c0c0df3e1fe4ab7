#include "load_flow.hpp"

#include <algorithm>

#include "limits.hpp"

namespace ringpost::loadgen {

void LoadFlow::abort() {
  if (connection_) connection_->abort();
}

Task<void> LoadFlow::run() {
  Duration back_off = kBackOffMin;
  while (co_await ready()) {
    if (co_await visit()) {
      back_off = kBackOffMin;
    } else {
      co_await load_core_.pause(back_off);
      back_off = std::min(2 * back_off, kBackOffMax);
    }
  }
}

Task<bool> LoadFlow::ready() {
  co_return load_core_.expects_work();
}

Task<bool> LoadFlow::visit() {
  auto connected = co_await net::connect(load_core_.core(), target_.endpoint, std::nullopt, deadline());
  if (!connected) {
    counters().connect_failures.add();
    counters().note_trouble(connected.error().text);
    co_return false;
  }
  counters().connections.add();
  connection_ = std::move(*connected);
  bool useful = load().tls != TlsUse::implicit || co_await start_tls();
  if (useful)
    useful = co_await converse();
  else
    load_core_.not_welcome(false);
  co_await connection_->close();
  connection_.reset();
  co_return useful;
}

void LoadFlow::note_login(LoginAnswer answer) {
  if (answer == LoginAnswer::accepted) return counters().logins.add();
  counters().logins_refused.add();
  if (answer == LoginAnswer::denied) counters().logins_denied.add();
}

Task<bool> LoadFlow::start_tls() {
  tls::Destination destination{.server_name = target_.host};
  if (load().resume_tls) destination.session_key = to_string(target_.endpoint);
  const auto done = co_await connection_->connect_tls(load_core_.tls(), destination, deadline());
  if (!done) {
    counters().note_trouble(done.error().text);
    co_return false;
  }
  counters().tls_sessions.add();
  if (connection_->tls_facts()->resumed) counters().tls_resumed.add();
  co_return true;
}

// The reply lies in the kernel's buffer until this flow suspends; TLS wants a buffer of its own.
Task<bool> LoadFlow::switch_to_tls() {
  co_await shard::Yield{load_core_.core()};
  connection_->discard_input();
  co_return co_await start_tls();
}

}  // namespace ringpost::loadgen
