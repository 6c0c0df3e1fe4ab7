#include "ringpost/accounts/options.hpp"

#include <algorithm>

#include "ringpost/base/option_table.hpp"

namespace ringpost::accounts {

namespace {

bool names(const std::vector<std::string>& sources, std::string_view source) {
  return std::ranges::find(sources, source) != sources.end();
}

void check(const AccountsOptions& options, OptionReport& report) {
  const bool uses_file = names(options.userdb, "passwd_file") || names(options.passdb, "passwd_file");
  if (uses_file && options.passwd_file.empty())
    report.error("passwd_file", "userdb or passdb names passwd_file, and there is none",
                 "set passwd_file to its path");
  for (const std::string& source : options.passdb) {
    const std::string users = source == "pam" ? "system" : source;
    if (!names(options.userdb, users))
      report.error("passdb", source + " has the passwords of accounts that userdb does not name",
                   "add \"" + users + "\" to userdb");
  }
  if (options.token_key.empty() && !(options.token_issuer.empty() && options.token_audience.empty()))
    report.error("token_key", "there are rules for tokens, and no key to check them with",
                 "set token_key to the file of the issuer's public key");
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
                                          one_of("sqlite", "passwd_file", "pam"), needs_restart()),
          field<&AccountsOptions::database>("database", "The SQLite file that `ringpost user` keeps.",
                                            not_empty(), needs_restart()),
          field<&AccountsOptions::passwd_file>(
              "passwd_file",
              "A file of lines name:hash:uid:gid:gecos:home:shell:extra fields; the end may be left away.",
              needs_restart()),
          field<&AccountsOptions::system_uid_min>("system_uid_min",
                                                  "Users of the system with a lower id have no mailbox.",
                                                  range(1, 4'000'000'000), needs_restart()),
          field<&AccountsOptions::password_hash>(
              "password_hash", "How `ringpost user` hashes a password; argon2id takes 64 MiB for each login.",
              needs_restart()),
          field<&AccountsOptions::pam_service>("pam_service", "The service that passdb pam asks.",
                                               not_empty(), needs_restart()),
          field<&AccountsOptions::pam_folder>(
              "pam_folder", "Where the file of that service is; \"\" for the system's folders.",
              needs_restart()),
          field<&AccountsOptions::token_key>(
              "token_key",
              "Whose tokens let users in (OAUTHBEARER, XOAUTH2): a file with a public key or certificate in "
              "PEM for RS256 or ES256, or a shared secret for HS256; \"\" for none.",
              needs_restart()),
          field<&AccountsOptions::token_issuer>(
              "token_issuer", "What \"iss\" of a token must be; \"\" for anything.", needs_restart()),
          field<&AccountsOptions::token_audience>(
              "token_audience", "What \"aud\" of a token must be or hold; \"\" for anything.",
              needs_restart()),
          field<&AccountsOptions::token_claim>("token_claim", "The claim of a token that names the account.",
                                               not_empty(), needs_restart()),
          field<&AccountsOptions::login_trusted_networks>(
              "login_trusted_networks",
              "Webmail and proxies that log in for many people: their failed logins do not slow down their "
              "address.",
              needs_restart()),
      },
      &check);
  return table;
}

}  // namespace ringpost::accounts
