// Which tables a configuration file may have, and the structs that they fill.
//
// Layer:  pure; knows no module: the program registers the option struct of each.
// Owner:  whoever loads; the structs must outlive the schema. A reload makes new structs and a new schema.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/base/option_table.hpp"

namespace ringpost::config {

struct Loaded;

// Findings of the program about the whole configuration, such as a route that names no pool.
class CrossReport {
 public:
  explicit CrossReport(Loaded& loaded) : loaded_(loaded) {}
  // `key` as in "route.default.pool"; the finding stands at the line that set it, or its table.
  void error(std::string_view key, std::string message, std::string mend);
  void warning(std::string_view key, std::string message, std::string mend);

 private:
  Loaded& loaded_;
};

class Schema {
 public:
  struct Part {
    std::string name;
    const OptionTable* table = nullptr;
    const OptionCodec* codec = nullptr;
    void* target = nullptr;
    bool named() const { return codec->named; }
  };

  // The one table [name].
  template <HasOptionTable S>
  Schema& section(std::string name, S& target) {
    return add(std::move(name), kOptionCodec<S>, &target);
  }
  // The tables [name.X], one for each X that the operator chooses.
  template <HasOptionTable S>
  Schema& named(std::string name, Named<S>& target) {
    return add(std::move(name), kOptionCodec<Named<S>>, &target);
  }
  // Runs after all tables were read without an error.
  Schema& check(std::function<void(CrossReport&)> check) {
    checks_.push_back(std::move(check));
    return *this;
  }

  const std::vector<Part>& parts() const { return parts_; }
  const std::vector<std::function<void(CrossReport&)>>& checks() const { return checks_; }
  const Part* find(std::string_view name) const;
  // Where a key of that name, or Postfix's name for it, lives: "listener.NAME.banner"; "" when nowhere.
  std::string key_named(std::string_view name) const;

 private:
  Schema& add(std::string name, const OptionCodec& codec, void* target);
  std::vector<Part> parts_;
  std::vector<std::function<void(CrossReport&)>> checks_;
};

}  // namespace ringpost::config
