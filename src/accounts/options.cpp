#include "ringpost/accounts/options.hpp"

#include <algorithm>

#include "ringpost/base/option_table.hpp"

namespace ringpost::accounts {

namespace {

void check(const AccountsOptions& options, OptionReport& report) {
  const bool uses_file =
      std::ranges::count(options.userdb, "passwd_file") + std::ranges::count(options.passdb, "passwd_file") >
      0;
  if (uses_file && options.passwd_file.empty())
    report.error("passwd_file", "userdb or passdb names passwd_file, and there is none",
                 "set passwd_file to its path");
}

}  // namespace

const OptionTable& option_table(const AccountsOptions*) {
  static const OptionTable table = options_of<AccountsOptions>(
      "accounts", "Who has a mailbox here, and who may log in.",
      {
          field<&AccountsOptions::userdb>("userdb", "Where accounts come from, in this order.",
                                          one_of("sqlite", "passwd_file", "system"),
                                          postfix("local_recipient_maps"), needs_restart()),
          field<&AccountsOptions::passdb>("passdb", "Where passwords come from, in this order.",
                                          one_of("sqlite", "passwd_file"), needs_restart()),
          field<&AccountsOptions::database>("database", "The SQLite file that `ringpost user` keeps.",
                                            not_empty(), needs_restart()),
          field<&AccountsOptions::passwd_file>("passwd_file", "A file of lines name:hash:uid:gid:gecos:home.",
                                               needs_restart()),
          field<&AccountsOptions::system_uid_min>("system_uid_min",
                                                  "Users of the system with a lower id have no mailbox.",
                                                  range(1, 4'000'000'000), needs_restart()),
      },
      &check);
  return table;
}

}  // namespace ringpost::accounts
