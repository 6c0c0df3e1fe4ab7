// user: the accounts of the database. They work while the server is stopped; a running one is told.
#include <ctime>
#include <memory>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "ringpost/crypto/secret.hpp"

#include "account_access.hpp"
#include "families.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

constexpr std::string_view kNoQuota = "none";

// "10GiB", or "none".
Result<std::optional<std::uint64_t>> parse_quota(const std::string& text) {
  if (text == kNoQuota) return std::nullopt;
  auto size = parse_bytes(text);
  if (!size)
    return fail(ErrorKind::permanent, "\"" + text +
                                          "\" is no quota; write \"10GiB\", or \"none\" for that of the "
                                          "configuration");
  return size->count;
}

std::string quota_text(const std::optional<std::uint64_t>& quota) {
  return quota ? to_string(Bytes{*quota}) : std::string(kNoQuota);
}

admin::Json quota_json(const std::optional<std::uint64_t>& quota) {
  return quota ? admin::Json(*quota) : admin::Json();
}

std::string day_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

int add_user(Context& context, const std::string& name, const std::string& quota_given) {
  std::optional<std::uint64_t> quota;
  if (!quota_given.empty()) {
    auto parsed = parse_quota(quota_given);
    if (!parsed) return fail_with(context, parsed.error());
    quota = *parsed;
  }
  auto password = ask_password(context);
  if (!password) return fail_with(context, password.error());
  const int code = change_accounts(
      context, [&](accounts::Accounts& accounts) { return accounts.add_user(name, *password, quota); },
      name + " is a user now");
  crypto::wipe(*password);
  return code;
}

int set_password(Context& context, const std::string& name) {
  auto password = ask_password(context);
  if (!password) return fail_with(context, password.error());
  const int code = change_accounts(
      context, [&](accounts::Accounts& accounts) { return accounts.set_password(name, *password); },
      name + " has a new password");
  crypto::wipe(*password);
  return code;
}

// The password is the only thing on standard output, for whoever pipes it on.
int add_app_password(Context& context, const std::string& name, const std::string& label) {
  std::string password;
  const int code = change_accounts(
      context,
      [&](accounts::Accounts& accounts) -> Result<void> {
        password = RP_TRY(accounts.add_app_password(name, label, std::time(nullptr)));
        return {};
      },
      [&](bool told) {
        if (context.json)
          return context.out(to_string(admin::Json()
                                           .set("name", name)
                                           .set("label", label)
                                           .set("password", password)
                                           .set("server_told", told)) +
                             "\n");
        context.err(fmt::format("The password of {} for \"{}\", shown this once{}:\n", name, label,
                                told ? "" : "; the server will know when it starts"));
        context.out(password + "\n");
      });
  crypto::wipe(password);
  return code;
}

int delete_app_password(Context& context, const std::string& name, const std::string& label) {
  return change_accounts(
      context, [&](accounts::Accounts& accounts) { return accounts.delete_app_password(name, label); },
      fmt::format("the password of {} for \"{}\" is good for nothing now", name, label));
}

int list_app_passwords(Context& context, const std::string& name) {
  return with_accounts(context, [&](const accounts::Accounts& accounts) -> Result<void> {
    TextTable table({"LABEL", "CREATED", "LAST USED"}, std::string::npos);
    for (const auto& app : RP_TRY(accounts.list_app_passwords(name))) {
      table.add(
          {printable(app.label), day_text(app.created), app.last_used ? day_text(*app.last_used) : "never"});
      if (context.json)
        context.out(
            to_string(admin::Json()
                          .set("label", app.label)
                          .set("created", app.created)
                          .set("last_used", app.last_used ? admin::Json(*app.last_used) : admin::Json())) +
            "\n");
    }
    if (!context.json)
      context.out(table.empty() ? fmt::format("{} has no application password; make one with: ringpost user "
                                              "passwd {} --app LABEL\n",
                                              name, name)
                                : table.text());
    return {};
  });
}

struct PasswordArguments {
  std::string label;
  bool list = false;
  bool remove = false;
};

int change_password(Context& context, const std::string& name, const PasswordArguments& arguments) {
  if (arguments.list) return list_app_passwords(context, name);
  if (arguments.remove) return delete_app_password(context, name, arguments.label);
  if (!arguments.label.empty()) return add_app_password(context, name, arguments.label);
  return set_password(context, name);
}

int show_quota(Context& context, const std::string& name) {
  return with_accounts(context, [&](const accounts::Accounts& accounts) -> Result<void> {
    for (const auto& user : RP_TRY(accounts.list_users())) {
      if (user.name != name) continue;
      if (context.json)
        context.out(to_string(admin::Json().set("name", name).set("quota", quota_json(user.quota))) + "\n");
      else
        context.out(quota_text(user.quota) + "\n");
      return {};
    }
    return fail(ErrorKind::permanent, "there is no account \"" + name + "\"; see: ringpost user list");
  });
}

int set_quota(Context& context, const std::string& name, const std::string& text) {
  if (text.empty()) return show_quota(context, name);
  auto quota = parse_quota(text);
  if (!quota) return fail_with(context, quota.error());
  return change_accounts(
      context, [&](accounts::Accounts& accounts) { return accounts.set_quota(name, *quota); },
      name + " has the quota " + quota_text(*quota) + " now");
}

int list_users(Context& context) {
  return with_accounts(context, [&](const accounts::Accounts& accounts) -> Result<void> {
    TextTable table({"NAME", "SOURCE", ">QUOTA", "SCRAM", ">APPS", "HOME"}, std::string::npos);
    for (const auto& user : RP_TRY(accounts.list_users())) {
      table.add({user.name, user.source, quota_text(user.quota), user.scram ? "yes" : "no",
                 std::to_string(user.app_passwords), user.home});
      if (context.json)
        context.out(to_string(admin::Json()
                                  .set("name", user.name)
                                  .set("source", user.source)
                                  .set("quota", quota_json(user.quota))
                                  .set("scram", user.scram)
                                  .set("app_passwords", user.app_passwords)
                                  .set("home", user.home)) +
                    "\n");
    }
    if (!context.json)
      context.out(table.empty() ? "there is no user; make one with: ringpost user add NAME\n" : table.text());
    return {};
  });
}

void add_password_command(CLI::App& user, Registry& registry, const std::shared_ptr<std::string>& name) {
  Context& context = registry.context;
  const auto arguments = std::make_shared<PasswordArguments>();
  CLI::App* passwd = registry.leaf(
      user, "passwd", "Gives a user another password, or a device of the user one of its own",
      "  ringpost user passwd anna@example.com\n"
      "  ringpost user passwd anna@example.com --app phone             # makes a password and shows it once\n"
      "  ringpost user passwd anna@example.com --apps                  # which there are, and when they were "
      "used\n"
      "  ringpost user passwd anna@example.com --app phone --delete",
      [&context, name, arguments] { return change_password(context, *name, *arguments); });
  passwd->add_option("NAME", *name, "anna, or anna@example.com")->required();
  CLI::Option* app = passwd->add_option("--app", arguments->label, "Where the application password is used");
  passwd->add_flag("--delete", arguments->remove, "Deletes that application password")->needs(app);
  passwd->add_flag("--apps", arguments->list, "Lists the application passwords")->excludes(app);
}

}  // namespace

void add_user_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  CLI::App* user = Registry::family(app, "user", "Who has a mailbox here and may log in");
  const auto name = std::make_shared<std::string>();
  const auto quota = std::make_shared<std::string>();
  const auto named = [name](CLI::App* command) {
    command->add_option("NAME", *name, "anna, or anna@example.com")->required();
    return command;
  };
  named(registry.leaf(*user, "add", "Makes a user; asks for the password, or reads a line of standard input",
                      "  ringpost user add anna@example.com\n  pwgen 20 1 | tee secret | ringpost user add "
                      "robot --quota 1GiB",
                      [&context, name, quota] { return add_user(context, *name, *quota); }))
      ->add_option("--quota", *quota, "How much mail it may keep: 10GiB");
  add_password_command(*user, registry, name);
  named(
      registry.leaf(*user, "quota", "Shows or sets how much mail a user may keep",
                    "  ringpost user quota anna@example.com 10GiB\n"
                    "  ringpost user quota anna@example.com none      # as the configuration has it for all",
                    [&context, name, quota] { return set_quota(context, *name, *quota); }))
      ->add_option("SIZE", *quota, "10GiB, or none");
  registry.leaf(*user, "list", "All users, and where they come from", "  ringpost user list",
                [&context] { return list_users(context); });
  named(registry.leaf(*user, "delete", "Deletes a user; the mail stays where it is",
                      "  ringpost user delete anna@example.com", [&context, name] {
                        return change_accounts(
                            context, [&](accounts::Accounts& a) { return a.delete_user(*name); },
                            *name + " is no user any more");
                      }));
}

}  // namespace ringpost::command
