// Bayes on the way in: what it says of a message, and what a verdict teaches it.
//
// Layer:  paths. Owner: one for each core; its life encloses that of every message that is judged, and stop() comes before it ends.
// Reads:  the tokens of tables::Bayes in memory, at the speed of memory; nothing waits.
// Learns: lessons gather while a batch is being written in the offload pool, and go with the next. Past kLessonsMax new ones are
//         dropped, and counted: mail does not wait for what it teaches.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/filter/bayes.hpp"
#include "ringpost/intake/filtering.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/tables/bayes.hpp"

namespace ringpost::intake {

class BayesSource final : public FactSource {
 public:
  // `bayes` is loaded, and outlives this. With `per_user`, a message to one recipient is judged by what was learned for them, if
  // that is enough.
  BayesSource(shard::Core& core, tables::Bayes& bayes, bool per_user);

  Task<void> add(const filter::Engine& engine, const filter::MessageView& message,
                 filter::Facts& facts) override;
  void judged(const filter::Engine& engine, const filter::MessageView& message,
              const filter::Verdict& verdict) override;
  // What a person says of a message: learned for `user` where users teach for themselves, else for the site. Its words are read in
  // the offload pool.
  Task<void> teach(std::shared_ptr<const filter::Engine> engine, std::string user, filter::MailKind kind,
                   std::string message);
  void set_per_user(bool per_user) { per_user_ = per_user; }
  // Returns when all that was learned is written.
  Task<void> stop();

  friend FramePool& frame_pool(BayesSource& source) { return source.core_.frames(); }

 private:
  const tables::BayesView& view();
  std::string owner_of(const filter::BayesSettings& settings, const filter::Facts& facts);
  filter::BayesTotals totals_of(const std::string& owner);
  void judge(const filter::BayesSettings& settings, filter::Facts& facts);
  void learn(tables::BayesLesson lesson);
  void begin_writing();
  Task<void> write();

  shard::Core& core_;
  tables::Bayes& bayes_;
  bool per_user_;
  std::shared_ptr<const tables::BayesView> view_;
  std::uint64_t generation_ = 0;
  std::vector<tables::BayesLesson> lessons_;
  std::vector<tables::BayesUse> uses_;
  bool writing_ = false;
  Instant refreshed_;
  shard::Signal written_;
  struct Figures {
    observe::Counter judged, learned_spam, learned_ham, dropped, failed;
  } figures_;
};

}  // namespace ringpost::intake
