// One IMAP connection of a load.
//
// Layer: tool. Owner: the coroutine LoadCore::drive on one core.
// RFCs:  9051 and 3501 (either revision will do), 2177 (IDLE), 7888 (LITERAL+, LITERAL-).
#pragma once

#include <string>

#include "access_flow.hpp"
#include "imap_reader.hpp"

namespace ringpost::loadgen {

class ImapFlow final : public AccessFlow {
 public:
  using AccessFlow::AccessFlow;
  void stop() override;

 private:
  // How a command ended.
  enum class End : std::uint8_t { ok, refused, lost, go_on };
  // What untagged answers brought while a command was under way.
  struct Tally {
    std::uint64_t fetched = 0;
    std::uint64_t numbers = 0;
    std::uint64_t bytes = 0;
    bool mailbox_changed = false;
  };

  Task<bool> greet() override;
  Task<bool> log_in() override;
  Task<bool> log_out() override;
  Task<Outcome> perform(std::size_t deed) override;

  Task<bool> hear_greeting();
  Task<Outcome> do_command(std::string text);
  Task<Outcome> do_fetch(std::string text, std::uint64_t expected);
  Task<Outcome> do_batch(std::string_view before, std::string_view after, bool expects_all);
  Task<Outcome> select();
  Task<Outcome> append();
  Task<Outcome> idle();
  Task<bool> hold();
  Task<bool> hold_until(Instant until);
  Task<void> ask_abilities();

  // Sends "TAG text" and hears its answers, up to the tagged one, or to "+".
  Task<End> command(std::string_view text);
  Task<bool> begin(std::string_view text);
  Task<End> hear(Instant until);
  std::optional<End> listen();
  std::optional<End> take(const ImapAnswer& answer);
  Outcome outcome_of(End end);
  bool needs_folder(std::size_t deed) const;
  const AccessPlan& plan() const { return owner_.plan(); }
  const AccessOptions& options() const { return plan().options; }

  ImapReader reader_;
  ImapAbilities abilities_;
  Tally tally_;
  OwnParts own_;
  std::string line_;     // of the command
  std::string waiting_;  // its tag
  std::uint64_t commands_ = 0;
  std::uint64_t exists_ = 0;  // messages of the selected folder
  std::uint64_t cursor_ = 0;  // of the next batch
  bool selected_ = false;
  bool authenticated_ = false;
  bool seen_ = false;  // what STORE does next
  bool leaving_ = false;
  bool idling_ = false;
};

}  // namespace ringpost::loadgen
