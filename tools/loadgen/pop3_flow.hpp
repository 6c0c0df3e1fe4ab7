// One POP3 connection of a load.
//
// Layer: tool. Owner: the coroutine LoadCore::drive on one core.
// RFCs:  1939, 2595 (STLS).
#pragma once

#include <string>

#include "access_flow.hpp"
#include "pop3_reader.hpp"

namespace ringpost::loadgen {

class Pop3Flow final : public AccessFlow {
 public:
  using AccessFlow::AccessFlow;

 private:
  enum class End : std::uint8_t { ok, refused, lost };

  Task<bool> greet() override;
  Task<bool> log_in() override;
  Task<bool> log_out() override;
  Task<Outcome> perform(std::size_t deed) override;
  bool used_up() const override;

  Task<Outcome> do_line(std::string_view text);
  Task<Outcome> do_list(std::string_view text);
  Task<Outcome> do_message(std::string_view before, std::string_view after);
  Task<Outcome> do_delete();
  bool next_message();

  Task<End> command(std::string_view text);
  Task<End> hear();
  // The lines behind a first line; nothing: the connection is lost.
  Task<std::optional<Pop3Body>> hear_body();
  Outcome outcome_of(End end);

  Pop3Reader reader_;
  std::string line_;         // of the command
  std::string said_;         // by the last answer that was good
  std::uint64_t count_ = 0;  // messages of the maildrop
  std::uint64_t cursor_ = 0;
  bool known_ = false;  // count_
};

}  // namespace ringpost::loadgen
