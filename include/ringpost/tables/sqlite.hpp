// SQLite as the modules that keep facts in it use it: a connection, a statement, errors that name the file.
//
// Layer: durable. For `tables` and `accounts` only. Blocking. One thread at a time for each Database.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ringpost/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace ringpost::tables {

class Database;

// One use of a prepared statement; positions are 1-based for binding and 0-based for columns, as SQLite counts.
class Statement {
 public:
  Statement& bind(int position, std::string_view text);
  Statement& bind(int position, std::int64_t number);
  // True: a row is there.
  Result<bool> step();
  // Runs to its end.
  Result<void> run();
  std::string text(int column) const;
  std::int64_t number(int column) const;
  bool is_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // WAL, full sync, 5 s of patience with another process; makes the file (mode 0600). A damaged file is an error that
  // says how to recover it. ":memory:" is a database of its own that ends with this object: for the simulator.
  static Result<std::unique_ptr<Database>> open(const std::string& path, std::string_view schema);
  ~Database();

  Result<Statement> prepare(std::string_view sql);
  Result<void> execute(std::string_view sql);
  int changes() const;  // rows that the last statement changed
  const std::string& path() const { return path_; }

 private:
  friend class Statement;
  explicit Database(std::string path) : path_(std::move(path)) {}
  Error error(std::string_view doing) const;
  std::string path_;
  sqlite3* handle_ = nullptr;
};

// BEGIN IMMEDIATE now; rolled back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace ringpost::tables
