#include "store.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/crypto/keyed_hash.hpp"
#include "ringpost/crypto/secret.hpp"

namespace ringpost::accounts {

namespace {

// What the first Ringpost made; each later version adds a step. `user_version` says how many were taken.
constexpr std::string_view kFirstSchema =
    "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY COLLATE NOCASE, hash TEXT NOT NULL,"
    " home TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS aliases (address TEXT NOT NULL COLLATE NOCASE, position INTEGER NOT NULL,"
    " target TEXT NOT NULL, PRIMARY KEY (address, position)) WITHOUT ROWID;";

constexpr std::array<std::string_view, 1> kSteps{
    // Quotas, keys for SCRAM, application passwords.
    "ALTER TABLE users ADD COLUMN quota INTEGER;"
    "ALTER TABLE users ADD COLUMN salt BLOB;"
    "ALTER TABLE users ADD COLUMN iterations INTEGER;"
    "ALTER TABLE users ADD COLUMN stored_key BLOB;"
    "ALTER TABLE users ADD COLUMN server_key BLOB;"
    "CREATE TABLE app_passwords (user TEXT NOT NULL COLLATE NOCASE, label TEXT NOT NULL COLLATE NOCASE,"
    " stored_key BLOB NOT NULL, server_key BLOB NOT NULL, created INTEGER NOT NULL, last_used INTEGER,"
    " PRIMARY KEY (user, label)) WITHOUT ROWID;"
    "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
};

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kSecretBytes = 32;

Result<std::string> random_text(std::size_t size) {
  std::string text(size, '\0');
  RP_CHECK(crypto::random_bytes(std::as_writable_bytes(std::span(text))));
  return text;
}

std::optional<crypto::Sha256Digest> digest_of(std::string_view bytes) {
  crypto::Sha256Digest digest;
  if (bytes.size() != digest.size()) return std::nullopt;
  std::ranges::copy(std::as_bytes(std::span(bytes)), digest.begin());
  return digest;
}

// Columns `stored` and the one behind it; nullopt when there are no keys.
std::optional<sasl::ScramKey> key_of(const tables::Statement& row, int stored) {
  const auto client = digest_of(row.bytes(stored));
  const auto server = digest_of(row.bytes(stored + 1));
  if (!client || !server) return std::nullopt;
  return sasl::ScramKey{*client, *server};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& path) {
  std::unique_ptr<Store> store(new Store(RP_TRY(tables::Database::open(path, kFirstSchema))));
  RP_CHECK(store->migrate());
  RP_CHECK(store->read_secret());
  return store;
}

Result<void> Store::migrate() {
  const auto version = [this]() -> Result<std::size_t> {
    auto asked = RP_TRY(database_->prepare("PRAGMA user_version"));
    const bool answered = RP_TRY(asked.step());
    return answered ? static_cast<std::size_t>(asked.number(0)) : 0;
  };
  if (RP_TRY(version()) == kSteps.size()) return {};
  auto transaction = RP_TRY(tables::Transaction::begin(*database_));
  const std::size_t taken = RP_TRY(version());  // again: another process may have been faster
  if (taken > kSteps.size())
    return fail(ErrorKind::permanent, database_->path() + " was made by a newer Ringpost; run that one");
  for (std::size_t i = taken; i < kSteps.size(); ++i) RP_CHECK(database_->execute(kSteps[i]));
  RP_CHECK(database_->execute("PRAGMA user_version = " + std::to_string(kSteps.size())));
  return transaction.commit();
}

Result<void> Store::read_secret() {
  const auto read = [this]() -> Result<bool> {
    auto select = RP_TRY(database_->prepare("SELECT value FROM secrets WHERE name = 'server'"));
    const bool found = RP_TRY(select.step());
    if (found) secret_ = select.bytes(0);
    return found;
  };
  if (RP_TRY(read())) return {};
  // Of two processes that make the database the first one's stays.
  auto insert =
      RP_TRY(database_->prepare("INSERT OR IGNORE INTO secrets (name, value) VALUES ('server', ?1)"));
  const std::string made = RP_TRY(random_text(kSecretBytes));
  RP_CHECK(insert.bind_bytes(1, made).run());
  if (RP_TRY(read())) return {};
  return fail(ErrorKind::permanent, database_->path() + ": the server's secret cannot be kept");
}

Result<bool> Store::changed(tables::Statement& statement) {
  RP_CHECK(statement.run());
  return database_->changes() > 0;
}

// ---- reading

Result<void> Store::read(Snapshot& into) {
  RP_CHECK(read_users(into));
  RP_CHECK(read_app_passwords(into));
  return read_aliases(into);
}

Result<void> Store::read_users(Snapshot& into) {
  auto users = RP_TRY(database_->prepare(
      "SELECT name, hash, home, quota, salt, iterations, stored_key, server_key FROM users"));
  while (RP_TRY(users.step())) {
    Entry entry{.user = {.name = users.text(0), .home = users.text(2)},
                .source = Source::sqlite,
                .hash = users.text(1)};
    if (!users.is_null(3)) entry.user.quota = static_cast<std::uint64_t>(users.number(3));
    entry.keys.salt = users.bytes(4);
    entry.keys.iterations = static_cast<std::uint32_t>(users.number(5));
    if (const auto key = key_of(users, 6)) {
      entry.keys.keys.push_back(*key);
      entry.has_main_key = true;
    }
    into.add(std::move(entry));
  }
  return {};
}

Result<void> Store::read_app_passwords(Snapshot& into) {
  auto rows = RP_TRY(database_->prepare(
      "SELECT user, label, stored_key, server_key FROM app_passwords ORDER BY user, label"));
  while (RP_TRY(rows.step())) {
    const auto key = key_of(rows, 2);
    Entry* entry = into.entry_of(rows.text(0));
    if (!key || entry == nullptr || entry->source != Source::sqlite) continue;
    entry->keys.keys.push_back(*key);
    entry->app_labels.push_back(rows.text(1));
  }
  return {};
}

Result<void> Store::read_aliases(Snapshot& into) {
  for (Accounts::ListedAlias& alias : RP_TRY(aliases()))
    into.add_alias(alias.address, std::move(alias.targets));
  return {};
}

// ---- users

Result<bool> Store::has_user(std::string_view name) {
  auto select = RP_TRY(database_->prepare("SELECT 1 FROM users WHERE name = ?1"));
  return select.bind(1, name).step();
}

Result<bool> Store::add_user(std::string_view name, std::string_view hash, const sasl::ScramKeys& keys,
                             std::optional<std::uint64_t> quota) {
  auto insert = RP_TRY(database_->prepare(
      "INSERT OR IGNORE INTO users (name, hash, salt, iterations, stored_key, server_key, quota)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
  insert.bind(1, name).bind(2, hash).bind_bytes(3, keys.salt).bind(4, std::int64_t{keys.iterations});
  insert.bind_bytes(5, crypto::as_text(keys.keys.front().stored));
  insert.bind_bytes(6, crypto::as_text(keys.keys.front().server));
  if (quota) insert.bind(7, static_cast<std::int64_t>(*quota));
  return changed(insert);
}

Result<bool> Store::set_password(std::string_view name, std::string_view hash, const sasl::ScramKeys& keys) {
  auto update =
      RP_TRY(database_->prepare("UPDATE users SET hash = ?2, salt = ?3, iterations = ?4, stored_key = ?5, "
                                "server_key = ?6 WHERE name = ?1"));
  update.bind(1, name).bind(2, hash).bind_bytes(3, keys.salt).bind(4, std::int64_t{keys.iterations});
  update.bind_bytes(5, crypto::as_text(keys.keys.front().stored));
  update.bind_bytes(6, crypto::as_text(keys.keys.front().server));
  return changed(update);
}

Result<void> Store::add_keys(std::string_view name, std::string_view hash, const sasl::ScramKeys& keys) {
  auto update = RP_TRY(database_->prepare(
      "UPDATE users SET stored_key = ?5, server_key = ?6"
      " WHERE name = ?1 AND hash = ?2 AND salt = ?3 AND iterations = ?4 AND stored_key IS NULL"));
  update.bind(1, name).bind(2, hash).bind_bytes(3, keys.salt).bind(4, std::int64_t{keys.iterations});
  update.bind_bytes(5, crypto::as_text(keys.keys.front().stored));
  update.bind_bytes(6, crypto::as_text(keys.keys.front().server));
  return update.run();
}

Result<bool> Store::set_quota(std::string_view name, std::optional<std::uint64_t> quota) {
  auto update = RP_TRY(database_->prepare("UPDATE users SET quota = ?2 WHERE name = ?1"));
  update.bind(1, name);
  if (quota) update.bind(2, static_cast<std::int64_t>(*quota));
  return changed(update);
}

Result<bool> Store::delete_user(std::string_view name) {
  auto transaction = RP_TRY(tables::Transaction::begin(*database_));
  auto apps = RP_TRY(database_->prepare("DELETE FROM app_passwords WHERE user = ?1"));
  RP_CHECK(apps.bind(1, name).run());
  auto user = RP_TRY(database_->prepare("DELETE FROM users WHERE name = ?1"));
  user.bind(1, name);
  const bool was_there = RP_TRY(changed(user));
  RP_CHECK(transaction.commit());
  return was_there;
}

Result<sasl::ScramKeys> Store::salt_of(std::string_view name, bool fresh) {
  auto select = RP_TRY(database_->prepare("SELECT salt, iterations FROM users WHERE name = ?1"));
  select.bind(1, name);
  const bool found = RP_TRY(select.step());
  if (found && !select.is_null(0) && !fresh)
    return sasl::ScramKeys{std::string(select.bytes(0)), static_cast<std::uint32_t>(select.number(1)), {}};
  sasl::ScramKeys made{RP_TRY(random_text(kSaltBytes)), kScramIterations, {}};
  if (!found || fresh) return made;
  auto update = RP_TRY(
      database_->prepare("UPDATE users SET salt = ?2, iterations = ?3 WHERE name = ?1 AND salt IS NULL"));
  update.bind(1, name).bind_bytes(2, made.salt).bind(3, std::int64_t{made.iterations});
  RP_CHECK(update.run());
  return made;
}

// ---- application passwords

Result<std::vector<Accounts::AppPassword>> Store::app_passwords(std::string_view name) {
  auto rows = RP_TRY(database_->prepare(
      "SELECT label, created, last_used FROM app_passwords WHERE user = ?1 ORDER BY label"));
  rows.bind(1, name);
  std::vector<Accounts::AppPassword> found;
  while (RP_TRY(rows.step())) {
    Accounts::AppPassword app{.label = rows.text(0), .created = rows.number(1)};
    if (!rows.is_null(2)) app.last_used = rows.number(2);
    found.push_back(std::move(app));
  }
  return found;
}

Result<bool> Store::add_app_password(std::string_view name, std::string_view label,
                                     const sasl::ScramKeys& keys, std::int64_t now) {
  auto insert = RP_TRY(
      database_->prepare("INSERT OR IGNORE INTO app_passwords (user, label, stored_key, server_key, created)"
                         " VALUES (?1, ?2, ?3, ?4, ?5)"));
  insert.bind(1, name).bind(2, label).bind_bytes(3, crypto::as_text(keys.keys.front().stored));
  insert.bind_bytes(4, crypto::as_text(keys.keys.front().server)).bind(5, now);
  return changed(insert);
}

Result<bool> Store::delete_app_password(std::string_view name, std::string_view label) {
  auto remove = RP_TRY(database_->prepare("DELETE FROM app_passwords WHERE user = ?1 AND label = ?2"));
  remove.bind(1, name).bind(2, label);
  return changed(remove);
}

Result<void> Store::note_use(std::string_view name, std::string_view label, std::int64_t now) {
  auto update =
      RP_TRY(database_->prepare("UPDATE app_passwords SET last_used = ?3 WHERE user = ?1 AND label = ?2"));
  return update.bind(1, name).bind(2, label).bind(3, now).run();
}

// ---- aliases

Result<void> Store::set_alias(std::string_view address, const std::vector<std::string>& targets) {
  auto transaction = RP_TRY(tables::Transaction::begin(*database_));
  auto clear = RP_TRY(database_->prepare("DELETE FROM aliases WHERE address = ?1"));
  RP_CHECK(clear.bind(1, address).run());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    auto insert = RP_TRY(database_->prepare("INSERT INTO aliases VALUES (?1, ?2, ?3)"));
    RP_CHECK(insert.bind(1, address).bind(2, static_cast<std::int64_t>(i)).bind(3, targets[i]).run());
  }
  return transaction.commit();
}

Result<bool> Store::delete_alias(std::string_view address) {
  auto remove = RP_TRY(database_->prepare("DELETE FROM aliases WHERE address = ?1"));
  remove.bind(1, address);
  return changed(remove);
}

Result<std::vector<Accounts::ListedAlias>> Store::aliases() {
  auto rows = RP_TRY(database_->prepare("SELECT address, target FROM aliases ORDER BY address, position"));
  std::vector<Accounts::ListedAlias> found;
  while (RP_TRY(rows.step())) {
    if (found.empty() || found.back().address != rows.text(0)) found.push_back({rows.text(0), {}});
    found.back().targets.push_back(rows.text(1));
  }
  return found;
}

}  // namespace ringpost::accounts
