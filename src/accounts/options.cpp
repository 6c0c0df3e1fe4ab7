#include "ringpost/accounts/options.hpp"

#include <algorithm>

#include "ringpost/base/option_table.hpp"

namespace ringpost::accounts {

namespace {

bool names(const std::vector<std::string>& sources, std::string_view source) {
  return std::ranges::find(sources, source) != sources.end();
}

// A token is as good as a password: it goes over TLS, or stays on this host.
bool is_safe_url(std::string_view url) {
  if (url.starts_with("https://")) return url.size() > 8;
  for (const std::string_view host : {"http://localhost", "http://127.0.0.1", "http://[::1]"})
    if (url.starts_with(host) &&
        (url.size() == host.size() || url[host.size()] == '/' || url[host.size()] == ':'))
      return true;
  return false;
}

void check_tokens(const AccountsOptions& options, OptionReport& report) {
  const std::string& url = options.token_introspection;
  if (options.token_key.empty() && url.empty() &&
      !(options.token_issuer.empty() && options.token_audience.empty()))
    report.error(
        "token_key", "there are rules for tokens, and nothing to check them with",
        "set token_key to the file of the issuer's public key, or token_introspection to its endpoint");
  if (!url.empty() && !is_safe_url(url))
    report.error("token_introspection", "tokens would cross the net unprotected",
                 "write an https:// address, or http:// of this very host");
  if (options.token_client.empty() != options.token_client_secret.empty())
    report.error("token_client", "token_client and token_client_secret belong together",
                 "set both, or neither");
  if (url.empty() && !options.token_client.empty())
    report.error("token_client", "nobody is asked about tokens", "set token_introspection too");
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
  check_tokens(options, report);
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
          field<&AccountsOptions::token_introspection>(
              "token_introspection",
              "The address where the issuer of tokens is asked about them (RFC 7662); \"\" to ask nobody.",
              example("\"https://login.example.com/introspect\""), needs_restart()),
          field<&AccountsOptions::token_client>(
              "token_client", "By which name the server logs in there; \"\" for none.", needs_restart()),
          field<&AccountsOptions::token_client_secret>(
              "token_client_secret", "A file with the password that belongs to it.", needs_restart()),
          field<&AccountsOptions::token_authorities>(
              "token_authorities",
              "A PEM file of those who may vouch for that server's certificate; \"\" for the system's.",
              needs_restart()),
          field<&AccountsOptions::token_timeout>("token_timeout", "How long its answer may take.",
                                                 range(100ms, 1min), needs_restart()),
          field<&AccountsOptions::token_kept>(
              "token_kept",
              "How long an answer holds at most, and so a token that was revoked; 0s to ask at each login.",
              range(0s, 24h), needs_restart()),
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
