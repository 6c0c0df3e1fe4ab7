#include "ringpost/tables/tables.hpp"

#include <mutex>

#include "ringpost/tables/sqlite.hpp"

namespace ringpost::tables {

namespace {
constexpr std::string_view kSchema =
    "CREATE TABLE IF NOT EXISTS facts (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (name, key)) WITHOUT ROWID";
}  // namespace

struct Tables::State {
  std::unique_ptr<Database> database;
  mutable std::mutex mutex;  // commands and offload threads; never a core
};

Tables::Tables(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tables::~Tables() = default;

Result<std::unique_ptr<Tables>> Tables::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->database = RP_TRY(Database::open(path, kSchema));
  return std::unique_ptr<Tables>(new Tables(std::move(state)));
}

Result<void> Tables::put(std::string_view table, std::string_view key, std::string_view value) {
  return apply({{std::string(table), std::string(key), std::string(value)}});
}

Result<void> Tables::erase(std::string_view table, std::string_view key) {
  return apply({{std::string(table), std::string(key), std::nullopt}});
}

Result<void> Tables::apply(const std::vector<Change>& changes) {
  const std::scoped_lock lock(state_->mutex);
  auto transaction = RP_TRY(Transaction::begin(*state_->database));
  for (const Change& change : changes) {
    auto statement =
        RP_TRY(state_->database->prepare(change.value ? "INSERT OR REPLACE INTO facts VALUES (?1, ?2, ?3)"
                                                      : "DELETE FROM facts WHERE name = ?1 AND key = ?2"));
    statement.bind(1, change.table).bind(2, change.key);
    if (change.value) statement.bind(3, *change.value);
    RP_CHECK(statement.run());
  }
  return transaction.commit();
}

Result<std::optional<std::string>> Tables::get(std::string_view table, std::string_view key) const {
  const std::scoped_lock lock(state_->mutex);
  auto statement = RP_TRY(state_->database->prepare("SELECT value FROM facts WHERE name = ?1 AND key = ?2"));
  statement.bind(1, table).bind(2, key);
  if (!RP_TRY(statement.step())) return std::nullopt;
  return statement.text(0);
}

Result<std::vector<Tables::Row>> Tables::rows(std::string_view table) const {
  const std::scoped_lock lock(state_->mutex);
  auto statement =
      RP_TRY(state_->database->prepare("SELECT key, value FROM facts WHERE name = ?1 ORDER BY key"));
  statement.bind(1, table);
  std::vector<Row> rows;
  while (RP_TRY(statement.step())) rows.emplace_back(statement.text(0), statement.text(1));
  return rows;
}

}  // namespace ringpost::tables
