// The pickup directory: what the sendmail command left there becomes mail, also what it left while the server was stopped.
//
// Layer:  services. Owner: one for the process, on core 0. Files are read in the offload pool.
// Rule:   a file is deleted only when its message is durable. A crash between the two sends it twice, never not at all.
// Trust:  anybody on the host may leave a file. Its owner is who sends; links, pipes and files that are not whole are
//         moved to "bad", with a notice. Recipients are judged as for a client on this host; for those refused the sender
//         gets a report.
// Limits: inject/limits.hpp. Without disk or memory files wait where they are.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "ringpost/base/task.hpp"
#include "ringpost/inject/limits.hpp"
#include "ringpost/intake/intake.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/policy/policy.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::inject {

// Immutable; a reload gives new ones.
struct PickupSettings {
  std::string hostname;
  std::string origin;  // completes bare addresses; the domain of MAILER-DAEMON
  std::string directory;
  std::shared_ptr<const policy::Policy> policy;
  std::size_t message_size_max = kPickupBodyMax;  // what the sendmail command takes, the server takes
};

class Pickup {
 public:
  // intake::Intake::take, or what a test puts in its place.
  using Take = std::function<Task<intake::Verdict>(
      std::span<const std::byte> message, const intake::Origin& origin, const mail::Envelope& envelope)>;

  // `intake` outlives this.
  Pickup(shard::Core& core, intake::Intake& intake, std::shared_ptr<const PickupSettings> settings);
  Pickup(shard::Core& core, Take take, std::shared_ptr<const PickupSettings> settings);
  ~Pickup();  // after run() has returned

  // Makes the directory when it is missing, takes what is there, then what comes, until stop(). An error (the directory
  // cannot be used) is a notice, and is tried again.
  Task<void> run();
  // Finishes the file in hand.
  void stop();
  void set_settings(std::shared_ptr<const PickupSettings> settings);

  struct State;
  friend FramePool& frame_pool(Pickup& pickup) { return pickup.frames(); }

 private:
  FramePool& frames();
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::inject
