// What a load says at its end; a protocol adds its own.
//
// Layer: tool. After the cores have stopped.
#pragma once

#include <string>
#include <vector>

#include "distribution.hpp"
#include "load_core.hpp"
#include "report.hpp"
#include "server_memory.hpp"

namespace ringpost::loadgen {

class LoadSummary {
 public:
  LoadSummary(const LoadPlan& plan, std::vector<const LoadCore*> cores, const Effort& effort);
  virtual ~LoadSummary() = default;
  LoadSummary(const LoadSummary&) = delete;
  LoadSummary& operator=(const LoadSummary&) = delete;

  void set_memory(const ServerMemory& memory) { memory_ = memory; }
  // A signal ended the run before its time.
  void set_interrupted() { interrupted_ = true; }
  // Why something that belongs to the run is not complete.
  void add_gap(std::string what) { gaps_.push_back(std::move(what)); }
  std::string text() const;
  std::string json() const;
  double rate() const { return per_second(acknowledged(), elapsed_); }
  std::uint64_t acknowledged() const { return sum(&LoadFigures::acknowledged); }
  std::uint64_t wrong() const { return sum(&LoadFigures::refused) + sum(&LoadFigures::unanswered); }
  std::uint64_t overdue() const;
  // Nothing was answered any more for so long at the end, though something waited; below kSilence: 0.
  Duration silence() const { return silence_; }
  Distribution latency() const;

 protected:
  // Behind "N messages of M begun" and "N refused, M unanswered".
  virtual std::string acknowledged_more() const { return {}; }
  virtual std::string refused_more() const { return {}; }
  virtual void add_rows(Table& /*table*/) const {}
  virtual void add_members(JsonObject& /*object*/) const {}
  // Whether the example of a refusal names its code.
  virtual bool examples_have_codes() const { return false; }

  std::uint64_t sum(observe::Counter LoadFigures::* counter) const;
  Duration elapsed() const { return elapsed_; }
  const Effort& effort() const { return effort_; }
  Refusals refusals_;

 private:
  void add_connections(Table& table) const;
  void add_notes(Table& table) const;
  void add_memory(Table& table) const;
  const LoadPlan& plan_;
  std::vector<const LoadCore*> cores_;
  Effort effort_;
  ServerMemory memory_;
  Duration elapsed_{0};
  Duration silence_{0};
  bool interrupted_ = false;
  std::vector<std::string> gaps_;
  std::uint64_t never_begun_ = 0;
  observe::Histogram latency_;
  std::map<std::string, std::uint64_t> troubles_;
};

}  // namespace ringpost::loadgen
