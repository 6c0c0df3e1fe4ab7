// Small durable facts in SQLite: what is not mail but must survive a restart, such as holds and suspensions.
//
// Layer:  durable. Owner: one for the process; one writer. Blocking: call from commands, at start, or through the
//         offload pool. WAL with full sync: a call that has returned is on stable storage.
// Form:   named tables of (key, value) text pairs; what a value means is its owner's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/base/result.hpp"

namespace ringpost::tables {

class Tables {
 public:
  // Opens or makes the database. A damaged one is an error that names the file and how to recover it.
  static Result<std::unique_ptr<Tables>> open(const std::string& path);
  ~Tables();

  Result<void> put(std::string_view table, std::string_view key, std::string_view value);
  Result<void> erase(std::string_view table, std::string_view key);
  Result<std::optional<std::string>> get(std::string_view table, std::string_view key) const;
  using Row = std::pair<std::string, std::string>;
  Result<std::vector<Row>> rows(std::string_view table) const;  // by key
  // All of it in one transaction, or none.
  struct Change {
    std::string table, key;
    std::optional<std::string> value;  // none: erase
  };
  Result<void> apply(const std::vector<Change>& changes);

  struct State;

 private:
  explicit Tables(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::tables
