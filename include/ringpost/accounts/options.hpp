// [accounts]: who exists and who may log in.
//
// Layer: base only.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::accounts {

struct AccountsOptions {
  std::vector<std::string> userdb{"sqlite", "system"};  // sqlite | passwd_file | system
  std::vector<std::string> passdb{"sqlite"};            // sqlite | passwd_file
  FilePath database = "/var/lib/ringpost/accounts.db";
  FilePath passwd_file;                 // name:hash:uid:gid::home, as Dovecot has it
  std::uint32_t system_uid_min = 1000;  // users of the system below it get no mail (root: alias it)
};
const OptionTable& option_table(const AccountsOptions*);

}  // namespace ringpost::accounts
