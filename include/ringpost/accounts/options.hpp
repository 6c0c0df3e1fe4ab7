// [accounts]: who exists and who may log in.
//
// Layer: base only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::accounts {

// How a new password is hashed; any is read.
enum class PasswordHash : std::uint8_t { yescrypt, argon2id };
constexpr auto option_choices(const PasswordHash*) {
  return std::to_array<Choice<PasswordHash>>(
      {{"yescrypt", PasswordHash::yescrypt}, {"argon2id", PasswordHash::argon2id}});
}

struct AccountsOptions {
  std::vector<std::string> userdb{"sqlite", "system"};  // sqlite | passwd_file | system
  std::vector<std::string> passdb{"sqlite"};            // sqlite | passwd_file | pam
  FilePath database = "/var/lib/ringpost/accounts.db";
  FilePath passwd_file;                 // name:hash:uid:gid::home::extra, as Dovecot has it
  std::uint32_t system_uid_min = 1000;  // users of the system below it get no mail (root: alias it)
  PasswordHash password_hash = PasswordHash::yescrypt;
  std::string pam_service = "ringpost";
  FilePath pam_folder;  // "" for the system's
  FilePath token_key;
  std::string token_introspection;  // a URL. "" and no token_key: no logins by token
  std::string token_client;
  FilePath token_client_secret;
  FilePath token_authorities;
  Duration token_timeout = 5s;
  Duration token_kept = 5min;
  std::string token_issuer;
  std::string token_audience;
  std::string token_claim = "email";
  std::vector<Network> login_trusted_networks;
};
const OptionTable& option_table(const AccountsOptions*);

}  // namespace ringpost::accounts
