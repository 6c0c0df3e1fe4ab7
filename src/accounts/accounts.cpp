#include "ringpost/accounts/accounts.hpp"

#include <algorithm>
#include <fstream>
#include <mutex>
#include <sstream>

#include "ringpost/mail/address.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/tables/sqlite.hpp"

#include "password.hpp"
#include "snapshot.hpp"
#include "sources.hpp"

namespace ringpost::accounts {

namespace {

constexpr std::string_view kSchema =
    "CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY COLLATE NOCASE, hash TEXT NOT NULL,"
    " home TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS aliases (address TEXT NOT NULL COLLATE NOCASE, position INTEGER NOT NULL,"
    " target TEXT NOT NULL, PRIMARY KEY (address, position)) WITHOUT ROWID;";

constexpr std::size_t kNameSizeMax = 254;  // an address, RFC 5321 section 4.5.3.1.3

Result<void> check_name(std::string_view name) {
  const bool bad = name.empty() || name.size() > kNameSizeMax || std::ranges::any_of(name, [](char c) {
                     return static_cast<unsigned char>(c) <= ' ' || c == ':' || c == '/' || c == 127;
                   });
  if (bad)
    return fail(ErrorKind::permanent,
                "\"" + std::string(name) +
                    "\" cannot be the name of an account; write \"anna\" or \"anna@example.com\"");
  return {};
}

bool uses(const std::vector<std::string>& sources, std::string_view name) {
  return std::ranges::find(sources, name) != sources.end();
}

}  // namespace

struct Accounts::State {
  AccountsOptions options;
  std::unique_ptr<tables::Database> database;
  std::mutex mutex;  // the database and refresh(); never taken by a core
  std::atomic<std::shared_ptr<const Snapshot>> snapshot;
};

Accounts::Accounts(std::unique_ptr<State> state) : state_(std::move(state)) {}
Accounts::~Accounts() = default;

Result<std::unique_ptr<Accounts>> Accounts::open(const AccountsOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->database = RP_TRY(tables::Database::open(options.database.text, kSchema));
  (void)hash_of_nobody();  // made now, so that the first unknown login takes no longer than others
  std::unique_ptr<Accounts> accounts(new Accounts(std::move(state)));
  RP_CHECK(accounts->refresh());
  return accounts;
}

std::shared_ptr<const Directory> Accounts::directory() const {
  return state_->snapshot.load();
}

namespace {

Result<void> read_database(tables::Database& database, Snapshot& into) {
  auto users = RP_TRY(database.prepare("SELECT name, hash, home FROM users"));
  while (RP_TRY(users.step()))
    into.add({.name = users.text(0), .home = users.text(2)}, "sqlite", users.text(1));
  auto aliases = RP_TRY(database.prepare("SELECT address, target FROM aliases ORDER BY address, position"));
  std::string address;
  std::vector<std::string> targets;
  while (RP_TRY(aliases.step())) {
    if (aliases.text(0) != address && !targets.empty()) into.add_alias(address, std::exchange(targets, {}));
    address = aliases.text(0);
    targets.push_back(aliases.text(1));
  }
  if (!targets.empty()) into.add_alias(address, std::move(targets));
  return {};
}

Result<void> read_file_source(const std::string& path, Snapshot& into) {
  std::ifstream file(path);
  if (!file) return fail(ErrorKind::permanent, "accounts.passwd_file: " + path + " cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return read_passwd_file(text.str(), path, into);
}

}  // namespace

Result<void> Accounts::refresh() {
  const std::scoped_lock lock(state_->mutex);
  const AccountsOptions& options = state_->options;
  auto snapshot = std::make_shared<Snapshot>();
  for (const std::string& source : options.userdb) {
    if (source == "sqlite") RP_CHECK(read_database(*state_->database, *snapshot));
    if (source == "passwd_file") RP_CHECK(read_file_source(options.passwd_file.text, *snapshot));
    if (source == "system") read_system_users(options.system_uid_min, *snapshot);
  }
  state_->snapshot.store(std::move(snapshot));
  return {};
}

Task<Login> Accounts::verify(shard::Core& core, std::string login, sasl::Secret password) {
  const auto snapshot = state_->snapshot.load();
  const auto found = snapshot->entries().find(lower_case(login));
  const bool may = found != snapshot->entries().end() && !found->second.hash.empty() &&
                   uses(state_->options.passdb, found->second.source);
  // The same work for a login that does not exist, so that time does not tell which ones do.
  const std::string hash = may ? found->second.hash : hash_of_nobody();
  const bool right = co_await shard::offload(core, [&] { return check_password(password.view(), hash); });
  password.wipe();
  co_return may&& right ? Login::accepted : Login::refused;
}

Result<void> Accounts::add_user(std::string_view name, std::string_view password) {
  RP_CHECK(check_name(name));
  const std::string hash = RP_TRY(hash_password(password));
  {
    const std::scoped_lock lock(state_->mutex);
    auto statement =
        RP_TRY(state_->database->prepare("INSERT OR IGNORE INTO users (name, hash) VALUES (?1, ?2)"));
    statement.bind(1, name).bind(2, hash);
    RP_CHECK(statement.run());
    if (state_->database->changes() == 0)
      return fail(ErrorKind::permanent, "there is an account \"" + std::string(name) +
                                            "\" already; to change its password: ringpost user passwd " +
                                            std::string(name));
  }
  return refresh();
}

namespace {
Error no_such(std::string_view what, std::string_view name, std::string_view list) {
  return {ErrorKind::permanent, 0,
          "there is no " + std::string(what) + " \"" + std::string(name) +
              "\" in the database; see: ringpost " + std::string(list) + " list"};
}
}  // namespace

Result<void> Accounts::set_password(std::string_view name, std::string_view password) {
  const std::string hash = RP_TRY(hash_password(password));
  {
    const std::scoped_lock lock(state_->mutex);
    auto statement = RP_TRY(state_->database->prepare("UPDATE users SET hash = ?2 WHERE name = ?1"));
    statement.bind(1, name).bind(2, hash);
    RP_CHECK(statement.run());
    if (state_->database->changes() == 0) return fail(no_such("account", name, "user"));
  }
  return refresh();
}

Result<void> Accounts::delete_user(std::string_view name) {
  {
    const std::scoped_lock lock(state_->mutex);
    auto statement = RP_TRY(state_->database->prepare("DELETE FROM users WHERE name = ?1"));
    statement.bind(1, name);
    RP_CHECK(statement.run());
    if (state_->database->changes() == 0) return fail(no_such("account", name, "user"));
  }
  return refresh();
}

Result<std::vector<Accounts::Listed>> Accounts::list_users() const {
  std::vector<Listed> users;
  const auto snapshot = state_->snapshot.load();
  for (const auto& [name, entry] : snapshot->entries())
    users.push_back({entry.user.name, entry.source, entry.user.home});
  std::ranges::sort(users, {}, &Listed::name);
  return users;
}

Result<void> Accounts::add_alias(std::string_view address, const std::vector<std::string>& targets) {
  RP_CHECK(check_name(address));
  if (targets.empty()) return fail(ErrorKind::permanent, "an alias needs at least one target");
  for (const std::string& target : targets)
    if (!mail::canonical_address(target, {.allow_bare_local_part = true, .smtputf8 = true}))
      return fail(ErrorKind::permanent, "\"" + target + "\" is not an address");
  {
    const std::scoped_lock lock(state_->mutex);
    auto transaction = RP_TRY(tables::Transaction::begin(*state_->database));
    auto clear = RP_TRY(state_->database->prepare("DELETE FROM aliases WHERE address = ?1"));
    RP_CHECK(clear.bind(1, address).run());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      auto insert = RP_TRY(state_->database->prepare("INSERT INTO aliases VALUES (?1, ?2, ?3)"));
      RP_CHECK(insert.bind(1, address).bind(2, static_cast<std::int64_t>(i)).bind(3, targets[i]).run());
    }
    RP_CHECK(transaction.commit());
  }
  return refresh();
}

Result<void> Accounts::delete_alias(std::string_view address) {
  {
    const std::scoped_lock lock(state_->mutex);
    auto statement = RP_TRY(state_->database->prepare("DELETE FROM aliases WHERE address = ?1"));
    RP_CHECK(statement.bind(1, address).run());
    if (state_->database->changes() == 0) return fail(no_such("alias", address, "alias"));
  }
  return refresh();
}

Result<std::vector<Accounts::ListedAlias>> Accounts::list_aliases() const {
  const std::scoped_lock lock(state_->mutex);
  auto statement =
      RP_TRY(state_->database->prepare("SELECT address, target FROM aliases ORDER BY address, position"));
  std::vector<ListedAlias> aliases;
  while (RP_TRY(statement.step())) {
    if (aliases.empty() || aliases.back().address != statement.text(0))
      aliases.push_back({statement.text(0), {}});
    aliases.back().targets.push_back(statement.text(1));
  }
  return aliases;
}

}  // namespace ringpost::accounts
