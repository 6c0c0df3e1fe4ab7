// What Bayes has learned: durable in a file of its own, and in memory for the cores.
//
// Layer:   durable. Owner: one for the process. Blocking: call from commands, at start, or through the offload pool; only
//          view(), generation() and what a view gives are for cores.
// Durable: a call that has returned is on stable storage. Lessons are appended to a journal, one transaction for a batch, and
//          folded into the base when there is enough of it; so learning a mail writes its tokens and nothing else.
// Shared:  a command may learn while the server runs: each takes in what the other appended with refresh().
// Owners:  "" is the whole site; a name is one user. A token belongs to one of them.
// Expiry:  above tokens_max, those that were of no use for the longest time go, down to three quarters; of one age the rarest
//          go first. Where SpamAssassin looks for an age that frees about as much, this frees just that.
// Limits:  tables/limits.hpp.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/tables/token_table.hpp"

namespace ringpost::tables {

enum class Learned : std::uint8_t { ham = 1, spam = 2 };

// One mail that somebody calls ham or spam.
struct BayesLesson {
  std::string owner;                    // "": the site
  std::array<std::byte, 20> message{};  // by which it is known again
  Learned as = Learned::ham;
  bool only_if_new = false;  // what was learned before stays, as whatever it was
  std::int64_t time = 0;     // when the mail came; seconds since 1970
  std::vector<std::uint64_t> tokens;
};
// How many lessons became what.
struct BayesOutcome {
  std::uint64_t learned = 0;    // new, or until now known as the other kind
  std::uint64_t relearned = 0;  // of them, those that were known as the other kind
  std::uint64_t forgotten = 0;
  std::uint64_t unchanged = 0;  // known as that kind already; for forget: not known
};

struct BayesUse {  // tokens that helped to judge a mail: they are not old
  std::string owner;
  std::int64_t time = 0;
  std::vector<std::uint64_t> tokens;
};

// What cores read. The counts in it change while it is used; it is replaced when owners come or the table is made anew.
class BayesView {
 public:
  struct Owner {
    std::uint32_t id = 0;
    std::atomic<std::uint64_t> spam{0}, ham{0};  // mails learned
  };
  // nullptr: nothing was ever learned for it.
  const Owner* owner(std::string_view name) const;
  const TokenTable& tokens() const { return *tokens_; }

 private:
  friend class Bayes;
  std::shared_ptr<TokenTable> tokens_;
  std::vector<std::pair<std::string, std::shared_ptr<Owner>>> owners_;  // by name
};

struct BayesFigures {
  std::uint64_t tokens = 0;
  std::uint64_t spam = 0, ham = 0;  // mails of all owners
  std::uint64_t owners = 0;
  std::uint64_t journal_size = 0;  // bytes
  std::uint64_t refused = 0;       // tokens for which the table had no room
};

class Bayes {
 public:
  struct Limits {
    std::size_t tokens_max = 150'000;
    std::size_t messages_max = 1'000'000;            // whose kind is remembered
    std::size_t journal_size_max = 4 * 1024 * 1024;  // bytes; or the size of the base, if that is more
  };
  // Makes the file if there is none; as root, for whom the folder belongs to. Nothing is in memory yet.
  static Result<std::unique_ptr<Bayes>> open(const std::string& path, const Limits& limits);
  ~Bayes();

  // Reads all of it into memory; from then on view() has it, and what is learned here is seen there at once.
  Result<void> load();
  // The same for what another process appended since. True: there was something.
  Result<bool> refresh();
  std::shared_ptr<const BayesView> view() const;
  // Changes whenever view() would give another one.
  std::uint64_t generation() const;

  // All of it in one transaction, or none.
  Result<BayesOutcome> learn(std::span<const BayesLesson> lessons, std::int64_t now);
  Result<BayesOutcome> forget(std::span<const BayesLesson> lessons);
  Result<void> touch(std::span<const BayesUse> uses);

  // Folds the journal into the base and lets old tokens go, if it is time (or anyway).
  Result<bool> compact(bool anyway = false);
  Result<BayesFigures> figures();

 private:
  struct State;
  explicit Bayes(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::tables
