// Whole sending sides on simulated cores, with simulated time, disk and network; scripted servers on one core more.
//
// Owner: a test.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ringpost/deliver/service.hpp"
#include "ringpost/resolve/scripted_upstream.hpp"
#include "ringpost/shard/simulation.hpp"

#include "peer.hpp"

namespace ringpost::deliver::test {

struct LoggedEvent {
  std::string type;
  std::map<std::string, std::string> fields;
};

struct NewMail {
  std::string from = "sender@origin.test";
  std::vector<std::string> to;
  std::string body = "Subject: hello\r\n\r\nbody\r\n";
  mail::Notify notify;
  mail::DsnReturn dsn_return = mail::DsnReturn::unset;
  std::uint16_t flags = 0;  // mail::kQuarantined
};

class World {
 public:
  explicit World(unsigned cores = 1, std::uint64_t seed = 1);
  ~World();

  // ---- before begin()
  Settings& settings() { return *settings_; }
  Named<RouteOptions> routes;
  std::unordered_map<std::string, std::string> passwords;
  std::vector<std::string> local_domains{"origin.test"};
  Local* local = nullptr;
  bool keeps_mailboxes = false;  // in a store that `local` delivers to; with one core
  std::unique_ptr<tls::ClientContext> tls;
  Directives directives;
  void zone(std::string_view line);  // "example.com MX 10 mx.example.com"
  Peer& add_peer(const std::string& address, std::uint16_t port = 25);
  // There is a host, but nobody answers: connects wait.
  void add_silence(const std::string& address, std::uint16_t port = 25);
  void begin();

  // ---- afterwards
  MessageId send(const NewMail& mail, unsigned core = 0);  // durable on return
  // At level through: what its client hears stands there when it hears it. `lmtp`: an answer for each recipient.
  using Answered = std::shared_ptr<std::optional<intake::Verdict>>;
  Answered pass(const NewMail& mail, bool lmtp = false);
  bool run_until(const std::function<bool()>& done, Duration bound = std::chrono::hours(1)) {
    return simulation_.run_until(done, bound);
  }
  void run_for(Duration time) { simulation_.run_for(time); }
  void shift_time_of_day(Duration by) { simulation_.world().shift_wall_clock(by); }
  Service& service(unsigned core = 0) { return *parts_[core]->service; }
  spool::Spool& spool(unsigned core = 0) { return *parts_[core]->spool; }
  store::Store& store() { return *parts_[0]->store; }
  resolve::ScriptedUpstream& dns(unsigned core = 0) { return *parts_[core]->upstream; }
  shard::Core& core(unsigned index = 0) { return simulation_.core(index); }
  // What was logged since the last call, of that type ("": any).
  std::vector<LoggedEvent> events(const std::string& type = {});
  std::string log();  // all of it, for who must find out what went wrong
  // Runs a question of the service to its end.
  template <class T>
  T ask(Task<T> task) {
    std::optional<T> answer;
    core().spawn(keep(core(), std::move(task), answer));
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    return std::move(*answer);
  }
  // The mail that waits, and what the spool says of its recipients.
  std::vector<spool::Outcome> outcomes(MessageId id);
  bool empty(unsigned core = 0) { return spool(core).message_count() == 0; }
  std::uint64_t figure(std::string_view name, unsigned core = 0);
  void end();
  // The machine loses power and starts again, with what the disks have; peers must be added anew, and `begin` called.
  void power_cut();

 private:
  struct Part {
    std::unique_ptr<store::Sharing> sharing;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<spool::Spool> spool;
    std::unique_ptr<intake::Intake> intake;
    resolve::ScriptedUpstream* upstream = nullptr;
    std::unique_ptr<resolve::Resolver> resolver;
    std::unique_ptr<Service> service;
  };
  template <class T>
  static Task<void> keep(shard::Core&, Task<T> task, std::optional<T>& answer) {
    answer.emplace(co_await std::move(task));
  }
  Task<void> open(shard::Core& core, Part& part, spool::SpoolStart start);
  Task<void> close(shard::Core& core, Part& part);
  Task<void> take(shard::Core& core, const NewMail& mail, std::optional<MessageId>& id);
  Task<void> take_through(shard::Core& core, NewMail mail, bool lmtp, Answered answered);
  Task<void> stop_peers(shard::Core& core);
  Task<void> fill_line(shard::Core& core, Endpoint endpoint);

  shard::Simulation simulation_;
  std::unique_ptr<Settings> settings_;
  std::unique_ptr<Leases> leases_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<io::Handle> silent_;
  std::vector<std::string> zone_;
  std::vector<LoggedEvent> events_;
  unsigned opened_ = 0, closed_ = 0;
  bool peers_stopped_ = false;
  struct Dead;  // what ran on cores without power stands still for ever
};

// The lines of a peer that begin so.
std::size_t count_lines(const Peer& peer, std::string_view beginning);

}  // namespace ringpost::deliver::test
