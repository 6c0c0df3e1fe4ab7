// One connection of a client that reads mail: greets, logs in, does one operation after the other, says goodbye.
//
// Layer: tool. Owner: the coroutine LoadCore::drive on one core. IMAP and POP3 derive from it.
// Logins: the operation `login` has a connection of its own, and its latency has the connecting in it. Any other takes
//         the connection that is there, and in a closed loop its latency begins with its command.
#pragma once

#include <optional>
#include <string>

#include "access_core.hpp"
#include "load_flow.hpp"

namespace ringpost::loadgen {

class AccessFlow : public LoadFlow {
 public:
  AccessFlow(AccessCore& owner, const Target& target, Login login)
      : LoadFlow(owner, target), owner_(owner), login_(std::move(login)) {}

 protected:
  enum class Outcome : std::uint8_t {
    acknowledged,
    refused,       // and counted by its code
    lost,          // the connection; nobody knows
    settled,       // told already by settle()
    settled_last,  // and the connection is used up
  };
  // What an acknowledged operation brought.
  struct Yield {
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
  };

  // From the greeting on; TLS after STARTTLS or STLS. False: not welcome, and counted why.
  virtual Task<bool> greet() = 0;
  virtual Task<bool> log_in() = 0;
  // False: the goodbye was not answered.
  virtual Task<bool> log_out() = 0;
  virtual Task<Outcome> perform(std::size_t deed) = 0;
  // The connection can do no more, though it is whole.
  virtual bool used_up() const { return false; }

  // The operation under way is over, before perform() returns.
  void settle();
  // What the server said instead of what was wanted, by its code: "NO [OVERQUOTA]".
  void refuse(const std::string& code, const std::string& text);
  // Of the last refusal.
  LoginAnswer refused_login() const;
  // Receives more; false: the connection is lost, and counted why.
  Task<bool> receive(Instant until);
  Task<bool> send(std::span<const std::span<const std::byte>> pieces);
  Task<bool> send(std::string_view text);

  AccessCore& owner_;
  Login login_;
  Yield yield_;
  std::optional<Job> job_;  // under way, or waiting for its connection

 private:
  static constexpr std::size_t kLogin = 0;  // in both tables
  Task<bool> ready() override;
  Task<bool> converse() override;
  Task<bool> work_off();
  Task<bool> next_job();
  std::string refused_by_;  // code of the last refusal on this connection; empty: none
  bool is_login() const { return job_ && owner_.deed_of(*job_) == kLogin; }
  void finish(Outcome outcome);
  void give_up();
  std::uint64_t begun_ = 0;  // on this connection
};

}  // namespace ringpost::loadgen
