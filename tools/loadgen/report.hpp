// The end of a run, for people and for programs.
//
// Layer: tool.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/units.hpp"
#include "ringpost/observe/registry.hpp"

namespace ringpost::loadgen {

// An object in JSON, written from the front.
class JsonObject {
 public:
  JsonObject& add(std::string_view key, std::integral auto number) {
    return raw(key, std::to_string(number));
  }
  JsonObject& add(std::string_view key, bool yes) { return raw(key, yes ? "true" : "false"); }
  JsonObject& add(std::string_view key, double number);
  JsonObject& add(std::string_view key, std::string_view text);
  JsonObject& add(std::string_view key, const char* text) { return add(key, std::string_view(text)); }
  JsonObject& add(std::string_view key, const JsonObject& object) { return raw(key, object.text()); }
  JsonObject& add(std::string_view key, const std::vector<std::string>& texts);
  std::string text() const { return "{" + members_ + "}"; }

 private:
  JsonObject& raw(std::string_view key, std::string_view value);
  std::string members_;
};

// A table of two columns.
class Table {
 public:
  void row(std::string_view name, std::string value) { rows_.emplace_back(name, std::move(value)); }
  std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

std::string milliseconds(std::uint64_t nanoseconds);  // "1.234 ms"
std::string grouped(std::uint64_t number);            // "1 234 567"
// "p50 0.412 ms, p90 ..."
std::string percentiles(const observe::Histogram& histogram);
JsonObject percentiles_json(const observe::Histogram& histogram);

// What the process itself spent.
struct Effort {
  Duration elapsed{0};
  Duration cpu{0};
  std::vector<double> busy;     // of each core, 0 to 1
  std::vector<double> waiting;  // ready to run, but others had the CPU; 0 to 1
  double busiest() const;
  double longest_wait() const;
  bool saturated() const;  // a core had no time left
};
// `unit`: in the plural, "messages".
void add_effort(const Effort& effort, std::uint64_t count, std::string_view unit, Table& table);
JsonObject effort_json(const Effort& effort, std::uint64_t messages);
double per_second(std::uint64_t count, Duration elapsed);

}  // namespace ringpost::loadgen
