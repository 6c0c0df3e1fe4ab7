// Logging in: passwords, proofs and tokens.
#include <algorithm>
#include <cstring>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/crypto/keyed_hash.hpp"
#include "ringpost/crypto/secret.hpp"
#include "ringpost/shard/await.hpp"

#include "password.hpp"
#include "state.hpp"

namespace ringpost::accounts {

bool Accounts::State::asks(std::string_view passdb) const {
  return std::ranges::find(options.passdb, passdb) != options.passdb.end();
}

bool Accounts::State::may_log_in(const Entry& entry) const {
  if (entry.locked) return false;
  return asks(entry.source == Source::system ? "pam" : to_string(entry.source));
}

sasl::ScramKeys Accounts::State::keys_of_nobody(std::string_view login) const {
  const std::string name = snapshot.load()->name_of(login);
  const crypto::Sha256Digest salt = crypto::hmac_sha256(store->secret(), "salt:" + name);
  return {std::string(crypto::as_text(salt).substr(0, 16)),
          kScramIterations,
          {{crypto::hmac_sha256(store->secret(), "stored:" + name),
            crypto::hmac_sha256(store->secret(), "server:" + name)}}};
}

sasl::ScramKeys Accounts::State::keys(const Entry* entry, std::string_view login) const {
  if (entry == nullptr || !may_log_in(*entry) || entry->keys.keys.empty()) return keys_of_nobody(login);
  return entry->keys;
}

// Keyed by what only this process knows. What the accounts were when it was right is a part of it.
RecentId Accounts::State::id_of(const Snapshot& then, const Entry& entry, std::string_view password) const {
  std::string text = std::to_string(then.number) + ':' + entry.user.name + ':';
  text.reserve(text.size() + password.size());  // it never grows, so no copy of the password is left behind
  text += password;
  const RecentId id = crypto::hmac_sha256(right_passwords_key, text);
  crypto::wipe(text);
  return id;
}

namespace {

std::optional<std::size_t> find_key(const sasl::ScramKeys& keys, std::string_view password) {
  const sasl::ScramKey made = sasl::derive_scram_key(password, keys.salt, keys.iterations);
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < keys.keys.size(); ++i)
    if (crypto::equal_in_constant_time(std::span(made.stored), std::span(keys.keys[i].stored))) found = i;
  return found;
}

Login meaning(PamAnswer answer) {
  switch (answer) {
    case PamAnswer::accepted:
      return Login::accepted;
    case PamAnswer::refused:
      return Login::refused;
    case PamAnswer::unavailable:
      break;
  }
  return Login::unavailable;
}

}  // namespace

// What it costs depends on whether there is such a login, and on what is kept of its password. Nobody learns which: whoever is
// refused hears so after whole seconds (LoginDesk).
Checked check_login(const Accounts::State& state, const Entry* entry, std::string_view login,
                    std::string_view password) {
  const bool may = entry != nullptr && state.may_log_in(*entry);
  if (may && !entry->keys.keys.empty())
    if (const auto key = find_key(state.keys(entry, login), password)) return {Login::accepted, key};
  if (may && entry->source == Source::system)
    return {meaning(check_by_pam({state.options.pam_service, state.options.pam_folder.text}, entry->user.name,
                                 password)),
            {}};
  const bool has_hash = may && !entry->hash.empty();
  const bool right =
      check_password(password, has_hash ? entry->hash : hash_of_nobody(state.options.password_hash));
  return {has_hash && right ? Login::accepted : Login::refused, {}};
}

// Who logged in by a hash alone gets keys now, that we know the password; from the next snapshot on they serve SCRAM.
void note_login(Accounts::State& state, const Entry& entry, const Checked& checked, std::string_view password,
                std::int64_t now) {
  const std::scoped_lock lock(state.mutex);
  if (checked.key) {
    const std::string_view label = entry.label_of(*checked.key);
    if (!label.empty()) (void)state.store->note_use(entry.user.name, label, now);
  } else if (!entry.has_main_key && !password.empty()) {
    auto keys = state.store->salt_of(entry.user.name, false);
    if (!keys) return;
    keys->keys.push_back(sasl::derive_scram_key(password, keys->salt, keys->iterations));
    (void)state.store->add_keys(entry.user.name, entry.hash, *keys);
  }
}

sasl::MechanismSet Accounts::mechanisms(bool bound) const {
  sasl::MechanismSet offered;
  if (state_->scram_for_all.load(std::memory_order_relaxed)) {
    offered.add(sasl::Mechanism::scram_sha_256);
    if (bound) offered.add(sasl::Mechanism::scram_sha_256_plus);
  }
  offered.add(sasl::MechanismSet::passwords());
  if (state_->tokens != nullptr) offered.add(sasl::MechanismSet::tokens());
  return offered;
}

namespace {

// Behind a trusted one are many people, none of whom is known by it.
IpAddress counted(const AccountsOptions& options, const IpAddress& peer) {
  const bool trusted = std::ranges::any_of(options.login_trusted_networks,
                                           [&](const Network& network) { return network.contains(peer); });
  return trusted ? IpAddress{} : peer;
}

}  // namespace

Task<KeysAnswer> Accounts::scram_keys(shard::Core& core, IpAddress peer, std::string login) {
  const auto snapshot = state_->snapshot.load();
  const Duration wait =
      co_await state_->failures->wait(core, counted(state_->options, peer), snapshot->name_of(login));
  if (wait > Duration{}) co_return KeysAnswer{{}, wait};
  co_return KeysAnswer{state_->keys(snapshot->login(login), login), {}};
}

namespace {

// Whom an attempt counts for. A token names nobody who could be protected by it, but the address that brings it.
std::string account_of(const Snapshot& snapshot, const sasl::Credentials& credentials) {
  return snapshot.name_of(credentials.authentication_id.empty() ? credentials.authorization_id
                                                                : credentials.authentication_id);
}

Outcome outcome_of(Login login) {
  switch (login) {
    case Login::accepted:
      return Outcome::good;
    case Login::refused:
      return Outcome::wrong;
    default:
      return Outcome::unknown;
  }
}

}  // namespace

Task<LoginAnswer> Accounts::authenticate(shard::Core& core, IpAddress peer, sasl::Credentials credentials) {
  const std::string account = account_of(*state_->snapshot.load(), credentials);
  peer = counted(state_->options, peer);
  const Duration wait = co_await state_->failures->begin(core, peer, account);
  if (wait > Duration{}) co_return LoginAnswer{Login::delayed, {}, wait, {}};
  LoginAnswer answer = credentials.evidence == sasl::Evidence::token
                           ? co_await judge_token(core, std::move(credentials))
                           : co_await judge(core, std::move(credentials));
  co_await state_->failures->end(core, peer, account, outcome_of(answer.login));
  co_return answer;
}

Task<LoginAnswer> Accounts::judge(shard::Core& core, sasl::Credentials credentials) {
  const std::string& login = credentials.authentication_id;
  // A password is tried even so: who may act as whom is not told to strangers.
  const bool as_another = !credentials.authorization_id.empty() && credentials.authorization_id != login;
  const auto snapshot = state_->snapshot.load();
  const Entry* entry = snapshot->login(login);
  Checked checked;
  const std::int64_t now = core.wall_now().seconds();
  if (credentials.evidence == sasl::Evidence::proof) {
    if (credentials.key && entry != nullptr && state_->may_log_in(*entry))
      checked = {Login::accepted, credentials.key};
  } else {
    checked = co_await check_password_of(core, *snapshot, entry, credentials);
  }
  if (as_another) checked.login = Login::refused;
  const bool noteworthy = checked.login == Login::accepted && !checked.again &&
                          entry->source == Source::sqlite &&
                          (checked.key ? !entry->label_of(*checked.key).empty() : !entry->has_main_key);
  if (noteworthy)
    (void)co_await shard::offload(core, [&] {
      note_login(*state_, *entry, checked, credentials.password.view(), now);
      return true;
    });
  credentials.wipe();
  co_return LoginAnswer{
      checked.login, checked.login == Login::accepted ? entry->user.name : std::string(), {}, {}};
}

// Programs log in again and again with the password that was right a moment ago: that it is right is not worked out anew while the
// accounts are as they were. PAM's passwords may change without our knowing.
Task<Checked> Accounts::check_password_of(shard::Core& core, const Snapshot& snapshot, const Entry* entry,
                                          const sasl::Credentials& credentials) {
  const std::string_view password = credentials.password.view();
  const std::string& login = credentials.authentication_id;
  const bool may_be_known = entry != nullptr && entry->source != Source::system;
  auto& known = state_->right_passwords[core.index()];
  RecentId id{};
  if (may_be_known) {
    id = state_->id_of(snapshot, *entry, password);
    if (const Checked* const before = known.find(id, core.now())) co_return *before;
  }
  Checked checked =
      co_await shard::offload(core, [&] { return check_login(*state_, entry, login, password); });
  if (may_be_known && checked.login == Login::accepted)
    known.put(id, {checked.login, checked.key, true}, core.now() + kPasswordKept);
  co_return checked;
}

Task<LoginAnswer> Accounts::judge_token(shard::Core& core, sasl::Credentials credentials) {
  if (state_->tokens == nullptr) co_return LoginAnswer{};
  auto named = co_await state_->tokens->check(core, std::move(credentials.password));
  if (!named) {
    if (!named.error().temporary()) co_return LoginAnswer{};
    co_return LoginAnswer{Login::unavailable, {}, {}, std::move(named).error().text};
  }
  const auto snapshot = state_->snapshot.load();
  const auto same = [&](const std::string& asked) {
    return asked.empty() || snapshot->name_of(asked) == snapshot->name_of(*named);
  };
  const Entry* entry = snapshot->login(*named);
  if (entry == nullptr || entry->locked || !same(credentials.authentication_id) ||
      !same(credentials.authorization_id))
    co_return LoginAnswer{};
  co_return LoginAnswer{Login::accepted, entry->user.name, {}, {}};
}

void Accounts::set_introspection(std::unique_ptr<Introspection> endpoint) {
  const AccountsOptions& options = state_->options;
  auto asks = make_introspection_check(std::move(endpoint), token_rules(options), options.token_kept);
  state_->tokens = state_->tokens == nullptr ? std::move(asks)
                                             : make_either_check(std::move(state_->tokens), std::move(asks));
}

}  // namespace ringpost::accounts
