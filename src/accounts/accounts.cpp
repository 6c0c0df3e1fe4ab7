#include "ringpost/accounts/accounts.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/crypto/hash.hpp"
#include "ringpost/crypto/secret.hpp"
#include "ringpost/mail/address.hpp"

#include "password.hpp"
#include "sources.hpp"
#include "state.hpp"

namespace ringpost::accounts {

namespace {

Result<void> check_name(std::string_view name) {
  const bool bad = name.empty() || name.size() > kNameSizeMax || name.front() == '@' ||
                   std::ranges::any_of(name, [](char c) {
                     return static_cast<unsigned char>(c) <= ' ' || c == ':' || c == '/' || c == 127;
                   });
  if (bad)
    return fail(ErrorKind::permanent,
                "\"" + std::string(name) +
                    "\" cannot be the name of an account; write \"anna\" or \"anna@example.com\"");
  return {};
}

// In lists of who may do what with a mailbox (RFC 4314 section 2).
bool is_everybody(std::string_view name) {
  constexpr std::string_view kAnyone = "anyone";
  return std::ranges::equal(name, kAnyone, {},
                            [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
}

Result<void> check_label(std::string_view label) {
  const bool bad = label.empty() || label.size() > kAppLabelSizeMax || std::ranges::any_of(label, [](char c) {
                     return static_cast<unsigned char>(c) < ' ' || c == 127;
                   });
  if (bad)
    return fail(
        ErrorKind::permanent,
        "\"" + std::string(label) + "\" cannot be a label; write where the password is used, in 64 bytes");
  return {};
}

// "@example.com" is the rest of a domain.
Result<void> check_alias(std::string_view address) {
  const bool rest = address.starts_with('@');
  const std::string whole = rest ? "x" + std::string(address) : std::string(address);
  if (mail::canonical_address(whole, {.allow_bare_local_part = !rest, .smtputf8 = true})) return {};
  return fail(
      ErrorKind::permanent,
      "\"" + std::string(address) +
          "\" cannot be an alias; write \"info\", \"info@example.com\", or \"@example.com\" for all names "
          "of a domain that nobody has");
}

Error no_such(std::string_view what, std::string_view name, std::string_view list) {
  return {ErrorKind::permanent, 0,
          "there is no " + std::string(what) + " \"" + std::string(name) +
              "\" in the database; see: ringpost " + std::string(list) + " list"};
}

Result<std::string> read_text(const std::string& path, std::string_view option) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) return fail(ErrorKind::permanent, std::string(option) + ": " + path + " cannot be read");
  return text.str();
}

Result<std::unique_ptr<TokenCheck>> read_token_key(const AccountsOptions& options) {
  std::string key = RP_TRY(read_text(options.token_key.text, "accounts.token_key"));
  auto check = make_jwt_check(key, token_rules(options));
  crypto::wipe(key);
  if (!check) return fail(std::move(check.error()).in("accounts.token_key: " + options.token_key.text));
  return check;
}

Result<void> read_file_source(const std::string& path, Snapshot& into) {
  return read_passwd_file(RP_TRY(read_text(path, "accounts.passwd_file")), path, into);
}

}  // namespace

TokenRules token_rules(const AccountsOptions& options) {
  return {options.token_issuer, options.token_audience, options.token_claim};
}

Accounts::Accounts(std::unique_ptr<State> state) : state_(std::move(state)) {}
Accounts::~Accounts() = default;

Result<std::unique_ptr<Accounts>> Accounts::open(const AccountsOptions& options,
                                                 const std::vector<std::string>& local_domains) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->store = RP_TRY(Store::open(options.database.text));
  state->failures = std::make_unique<Failures>(state->store->secret());
  if (!options.token_key.empty()) state->tokens = RP_TRY(read_token_key(options));
  state->right_passwords_key.resize(crypto::kSha256Bytes);
  RP_CHECK(crypto::random_bytes(std::as_writable_bytes(std::span(state->right_passwords_key))));
  // Made now, so that the first unknown login takes no longer than others.
  (void)hash_of_nobody(options.password_hash);
  std::unique_ptr<Accounts> accounts(new Accounts(std::move(state)));
  accounts->serve(local_domains);
  RP_CHECK(accounts->refresh());
  return accounts;
}

std::shared_ptr<const Directory> Accounts::directory() const {
  return state_->snapshot.load();
}

void Accounts::serve(const std::vector<std::string>& local_domains) {
  const std::scoped_lock lock(state_->mutex);
  state_->local_domains.clear();
  for (const std::string& domain : local_domains)
    if (std::string canonical; mail::append_canonical_domain(domain, canonical))
      state_->local_domains.insert(std::move(canonical));
}

Result<void> Accounts::refresh() {
  const std::scoped_lock lock(state_->mutex);
  const AccountsOptions& options = state_->options;
  auto snapshot = std::make_shared<Snapshot>(state_->local_domains);
  snapshot->number = ++state_->snapshots;
  for (const std::string& source : options.userdb) {
    if (source == "sqlite") RP_CHECK(state_->store->read(*snapshot));
    if (source == "passwd_file") RP_CHECK(read_file_source(options.passwd_file.text, *snapshot));
    if (source == "system") read_system_users(options.system_uid_min, *snapshot);
  }
  state_->scram_for_all = std::ranges::all_of(snapshot->entries(), [&](const auto& named) {
    return !state_->may_log_in(named.second) || named.second.has_main_key;
  });
  state_->snapshot.store(std::move(snapshot));
  return {};
}

// ---- users

Result<void> Accounts::add_user(std::string_view name, std::string_view password,
                                std::optional<std::uint64_t> quota) {
  RP_CHECK(check_name(name));
  if (is_everybody(name))
    return fail(ErrorKind::permanent,
                "\"" + std::string(name) + "\" is everybody's name where mailboxes are shared; take another");
  const std::string hash = RP_TRY(hash_password(password, state_->options.password_hash));
  {
    const std::scoped_lock lock(state_->mutex);
    sasl::ScramKeys keys = RP_TRY(state_->store->salt_of(name, true));
    keys.keys.push_back(sasl::derive_scram_key(password, keys.salt, keys.iterations));
    if (!RP_TRY(state_->store->add_user(name, hash, keys, quota)))
      return fail(ErrorKind::permanent, "there is an account \"" + std::string(name) +
                                            "\" already; to change its password: ringpost user passwd " +
                                            std::string(name));
  }
  return refresh();
}

Result<void> Accounts::set_password(std::string_view name, std::string_view password) {
  const std::string hash = RP_TRY(hash_password(password, state_->options.password_hash));
  {
    const std::scoped_lock lock(state_->mutex);
    // Application passwords are hashed with the salt that is there.
    const bool fresh = RP_TRY(state_->store->app_passwords(name)).empty();
    sasl::ScramKeys keys = RP_TRY(state_->store->salt_of(name, fresh));
    keys.keys.push_back(sasl::derive_scram_key(password, keys.salt, keys.iterations));
    if (!RP_TRY(state_->store->set_password(name, hash, keys))) return fail(no_such("account", name, "user"));
  }
  return refresh();
}

Result<void> Accounts::set_quota(std::string_view name, std::optional<std::uint64_t> quota) {
  {
    const std::scoped_lock lock(state_->mutex);
    if (!RP_TRY(state_->store->set_quota(name, quota))) return fail(no_such("account", name, "user"));
  }
  return refresh();
}

Result<void> Accounts::delete_user(std::string_view name) {
  {
    const std::scoped_lock lock(state_->mutex);
    if (!RP_TRY(state_->store->delete_user(name))) return fail(no_such("account", name, "user"));
  }
  return refresh();
}

Result<std::vector<Accounts::Listed>> Accounts::list_users() const {
  std::vector<Listed> users;
  const auto snapshot = state_->snapshot.load();
  for (const auto& [name, entry] : snapshot->entries())
    users.push_back({.name = entry.user.name,
                     .source = std::string(to_string(entry.source)),
                     .home = entry.user.home,
                     .quota = entry.user.quota,
                     .scram = entry.has_main_key,
                     .app_passwords = entry.app_labels.size()});
  std::ranges::sort(users, {}, &Listed::name);
  return users;
}

// ---- application passwords

Result<std::string> Accounts::add_app_password(std::string_view name, std::string_view label,
                                               std::int64_t now) {
  RP_CHECK(check_label(label));
  std::string password = RP_TRY(make_app_password());
  {
    const std::scoped_lock lock(state_->mutex);
    if (!RP_TRY(state_->store->has_user(name))) return fail(no_such("account", name, "user"));
    if (RP_TRY(state_->store->app_passwords(name)).size() >= kAppPasswordsMax)
      return fail(ErrorKind::permanent, "\"" + std::string(name) + "\" has " +
                                            std::to_string(kAppPasswordsMax) +
                                            " application passwords already; delete one that is not used");
    sasl::ScramKeys keys = RP_TRY(state_->store->salt_of(name, false));
    keys.keys.push_back(sasl::derive_scram_key(password, keys.salt, keys.iterations));
    if (!RP_TRY(state_->store->add_app_password(name, label, keys, now)))
      return fail(ErrorKind::permanent, "\"" + std::string(name) + "\" has a password for \"" +
                                            std::string(label) +
                                            "\" already; delete it first, or take another label");
  }
  RP_CHECK(refresh());
  return password;
}

Result<void> Accounts::delete_app_password(std::string_view name, std::string_view label) {
  {
    const std::scoped_lock lock(state_->mutex);
    if (!RP_TRY(state_->store->delete_app_password(name, label)))
      return fail(ErrorKind::permanent, "\"" + std::string(name) + "\" has no application password \"" +
                                            std::string(label) + "\"; see: ringpost user passwd " +
                                            std::string(name) + " --apps");
  }
  return refresh();
}

Result<std::vector<Accounts::AppPassword>> Accounts::list_app_passwords(std::string_view name) const {
  const std::scoped_lock lock(state_->mutex);
  if (!RP_TRY(state_->store->has_user(name))) return fail(no_such("account", name, "user"));
  return state_->store->app_passwords(name);
}

// ---- aliases

Result<void> Accounts::add_alias(std::string_view address, const std::vector<std::string>& targets) {
  RP_CHECK(check_alias(address));
  if (targets.empty()) return fail(ErrorKind::permanent, "an alias needs at least one target");
  for (const std::string& target : targets)
    if (!mail::canonical_address(target, {.allow_bare_local_part = true, .smtputf8 = true}))
      return fail(ErrorKind::permanent, "\"" + target + "\" is not an address");
  {
    const std::scoped_lock lock(state_->mutex);
    RP_CHECK(state_->store->set_alias(address, targets));
  }
  return refresh();
}

Result<void> Accounts::delete_alias(std::string_view address) {
  {
    const std::scoped_lock lock(state_->mutex);
    if (!RP_TRY(state_->store->delete_alias(address))) return fail(no_such("alias", address, "alias"));
  }
  return refresh();
}

Result<std::vector<Accounts::ListedAlias>> Accounts::list_aliases() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->store->aliases();
}

}  // namespace ringpost::accounts
