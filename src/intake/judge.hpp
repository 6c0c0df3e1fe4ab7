// One message through the spam filter, to what becomes of it.
//
// Layer: paths, private. Owner: the Intake of one core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/marks.hpp"
#include "ringpost/intake/filtering.hpp"
#include "ringpost/intake/intake.hpp"
#include "ringpost/patterns/expression.hpp"

namespace ringpost::intake {

enum class Action : std::uint8_t { accept, tag, junk, quarantine, reject, discard };
std::string_view to_string(Action action);

struct Judgement {
  Action action = Action::accept;
  double score = 0;
  double required = 0;
  std::string tests;    // names of the rules that hit
  filter::Marks marks;  // offsets are in the mail as it came, without our Received line
  Duration time{0};
  Duration quarantine_expiry{0};  // how long the message may live when it goes into the quarantine

  std::uint16_t flags() const;
};

class Judge {
 public:
  explicit Judge(shard::Core& core);

  void set_settings(std::shared_ptr<const FilterSettings> settings) { settings_ = std::move(settings); }
  void set_sources(std::vector<FactSource*> sources) { sources_ = std::move(sources); }
  const FilterSettings* settings() const { return settings_.get(); }
  bool wants(const Origin& origin) const;

  // `message`: what came so far, with what stands before it (our Received line first). `mail`: of it, what holds the header as it
  // came. Both stay valid until it resumes.
  Task<Judgement> judge(std::span<const std::span<const std::byte>> message, std::string_view mail,
                        const Origin& origin, const mail::Envelope& envelope);

  friend FramePool& frame_pool(Judge& judge) { return judge.core_.frames(); }

 private:
  struct Work;
  Task<void> run(Work& work);
  Task<void> run_on_core(Work& work);
  Task<void> run_in_pool(Work& work);
  Task<void> ask(Work& work);
  Action action_for(const filter::Verdict& verdict, const FilterSettings& settings,
                    const Origin& origin) const;
  void count(const Judgement& judgement, const filter::Verdict& verdict);

  shard::Core& core_;
  std::shared_ptr<const FilterSettings> settings_;  // null: there is no filter
  std::vector<FactSource*> sources_;
  std::unique_ptr<patterns::Scratch> scratch_;             // of this core; made with the first message
  std::vector<std::unique_ptr<patterns::Scratch>> spare_;  // of scans in the offload pool, for the next ones
  struct Figures {
    observe::Counter messages, spam, junked, quarantined, rejected, discarded, in_pool, gave_up, cut_short;
    observe::Histogram time;
  } figures_;
};

}  // namespace ringpost::intake
