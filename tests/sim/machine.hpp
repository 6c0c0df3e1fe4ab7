// The machine on which the server runs: N cores of it, wired as in production, that start, stop, die and start again.
//
// Layer: simulator. Owner: the World. Everything is server::CoreServices with simulated cores below, DNS and accounts beside.
// Life:  off -> opening -> starting -> running -> stopping -> off; from each of them a crash leads to off.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/io/sim.hpp"
#include "ringpost/shard/core.hpp"

#include "profile.hpp"
#include "server/core_services.hpp"

namespace ringpost::simulator {

class Machine {
 public:
  enum class Phase : std::uint8_t { off, opening, starting, running, stopping };
  using Upstream = std::function<std::unique_ptr<resolve::Upstream>(shard::Core&)>;

  Machine(io::SimWorld& world, const Profile& profile, accounts::Accounts& accounts, Upstream upstream);

  Phase phase() const { return phase_; }
  unsigned count() const { return part_ ? static_cast<unsigned>(part_->cores.size()) : 0; }
  shard::Core& core(unsigned index) { return *part_->cores[index]; }
  server::CoreServices& services(unsigned index) { return *part_->services[index]; }
  unsigned starts() const { return starts_; }
  // Of the ids that this life gives.
  std::uint32_t epoch() const { return part_->shared.spool_start.epoch; }

  // The core has its log open, and is about to read it; not all have.
  bool has_opened(unsigned index) const {
    return phase_ == Phase::opening && part_->answers[index].has_value();
  }

  // False: it could not start, and is off again; `trouble` says why.
  bool start(unsigned cores);
  void stop();  // in good order; ends as off
  void crash(bool power);
  // Goes on with starting and stopping. Call it after each round.
  void step();
  const std::string& trouble() const { return trouble_; }

  static constexpr std::uint32_t kHost = 0;

 private:
  struct Part {  // between two starts
    explicit Part(unsigned count) : mesh(count), leases(count), clients(count) {}
    shard::Mesh mesh;
    deliver::Leases leases;
    net::ClientLimits clients;
    server::Shared shared;
    std::unique_ptr<io::Backend> files;
    std::vector<std::unique_ptr<io::Backend>> backends;
    std::vector<std::unique_ptr<shard::Core>> cores;
    std::vector<std::unique_ptr<server::CoreServices>> services;
    std::vector<std::optional<Result<void>>> answers;
  };
  using Make = Task<Result<void>> (*)(server::CoreServices&, std::shared_ptr<const server::Material>);
  static Task<void> answer(shard::Core& core, Task<Result<void>> task, std::optional<Result<void>>& into);
  static Task<Result<void>> shut_down(server::CoreServices& services);
  Result<void> prepare(unsigned cores);
  Result<void> listen(Part& part);
  template <class F>
  void on_all(Phase phase, F make);
  bool all_answered() const;
  std::optional<Error> first_error() const;
  void abandon();

  io::SimWorld& world_;
  std::shared_ptr<const server::Material> material_;
  shard::CoreOptions core_options_;
  accounts::Accounts& accounts_;
  Upstream upstream_;
  std::unique_ptr<Part> part_;
  Phase phase_ = Phase::off;
  unsigned starts_ = 0;
  std::string trouble_;
};

}  // namespace ringpost::simulator
