// The registry of eval functions: rules whose test is code instead of an expression, "header X eval:check_y('a', 2)".
//
// Layer:  pure. A function sees the view of the message and the facts; it never does I/O, reads a clock or logs.
// Shape:  loading a rule calls the function's factory once, with the arguments and settings that the .cf files gave; the
//         factory builds what it needs (sets of domains, compiled expressions) and returns the test. The test runs once a
//         message, on any core at the same time as on others: it may keep nothing but what is in its EvalScratch.
// Owner:  `standard_evals()` is the one table of the program, made at its first call and immutable from then on.
// Limits: an eval function takes time that is bounded by the size of its view, without nested loops over it.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/settings.hpp"

namespace ringpost::filter {

class MessageView;
class RuleSet;
enum class RuleArea : std::uint8_t;  // ringpost/filter/rules.hpp

// How often it hit (0: not), or the fact that was not there.
struct EvalAnswer {
  std::uint32_t hits = 0;
  Fact missing = Fact::none;

  static EvalAnswer of(bool hit) { return {hit ? 1U : 0U, Fact::none}; }
  static EvalAnswer times(std::uint32_t hits) { return {hits, Fact::none}; }
  static EvalAnswer needs(Fact fact) { return {0, fact}; }
};

// What functions of one family work out once for a message and share: `scratch.of<FreemailState>()` is value-initialized
// at its first use. One scan, one core.
class EvalScratch {
 public:
  template <class T>
  T& of() {
    static const std::size_t number = next_number();
    if (number >= slots_.size()) slots_.resize(number + 1);
    std::shared_ptr<void>& slot = slots_[number];
    if (!slot) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
  }

 private:
  // Each type of this program has one, given at its first use.
  static std::size_t next_number() {
    static std::atomic<std::size_t> next{0};
    return next.fetch_add(1, std::memory_order_relaxed);
  }
  std::vector<std::shared_ptr<void>> slots_;
};

// The same while rules are loaded: what many rules need and is made once, from the settings.
class EvalShared {
 public:
  template <class T, class Make>
  std::shared_ptr<const T> of(std::string_view key, Make make) {
    std::shared_ptr<const void>& slot = slots_[std::string(key) + typeid(T).name()];
    if (!slot) slot = std::make_shared<const T>(make());
    return std::static_pointer_cast<const T>(slot);
  }

 private:
  std::map<std::string, std::shared_ptr<const void>, std::less<>> slots_;
};

struct EvalSetup {
  std::string_view rule;                   // its name
  RuleArea area;                           // what it was declared as
  std::span<const std::string> arguments;  // without quotes; valid during the factory call
  const Settings& settings;                // outlives the made function
  EvalShared& shared;
  const RuleSet* rules = nullptr;  // all of them: some functions answer from what another rule asks for
};

struct EvalCall {
  const MessageView& message;
  const Facts& facts;
  EvalScratch& scratch;
};

using EvalFunction = std::function<EvalAnswer(const EvalCall&)>;
// An error (a number of arguments, a word that is none of the choices) is named with the rule's file and line; the rule is skipped.
using EvalFactory = std::function<Result<EvalFunction>(const EvalSetup&)>;

class EvalRegistry {
 public:
  struct Entry {
    EvalFactory make;
    // It works only with facts that no message carries (DNS, Bayes); `filter list` says so.
    Fact needs = Fact::none;
    bool counts = false;  // it may hit more than once; none of the standard ones does
  };

  void add(std::string_view name, EvalFactory make, Fact needs = Fact::none);
  void let_count(std::string_view name) { entries_.find(name)->second.counts = true; }
  // The plain form: a test of the message and the arguments, copied.
  using Plain = EvalAnswer (*)(const EvalCall&, std::span<const std::string> arguments);
  struct Arguments {
    std::size_t least = 0, most = 0;
  };
  void add(std::string_view name, Arguments count, Plain test, Fact needs = Fact::none);

  const Entry* find(std::string_view name) const;
  std::vector<std::string_view> names() const;

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

// All functions that this program has; src/filter/eval_table.cpp lists the families.
const EvalRegistry& standard_evals();

}  // namespace ringpost::filter
