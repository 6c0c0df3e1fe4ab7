// user, alias: the accounts of the database. They work while the server is stopped; a running one is told.
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/base/option_value.hpp"
#include "ringpost/command/limits.hpp"
#include "ringpost/crypto/secret.hpp"

#include "families.hpp"
#include "files.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

// The terminal shows nothing of what is typed while this lives.
class EchoOff {
 public:
  explicit EchoOff(int descriptor) : descriptor_(descriptor), on_(tcgetattr(descriptor, &before_) == 0) {
    if (!on_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    tcsetattr(descriptor_, TCSAFLUSH, &quiet);
  }
  ~EchoOff() {
    if (on_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  int descriptor_;
  termios before_{};
  bool on_;
};

// A line of standard input without its end, read a byte at a time: nothing of it stays in a buffer of stdio.
Result<std::string> read_password_line() {
  std::string line;
  line.reserve(kPasswordSizeMax + 1);
  for (char c = 0;;) {
    const ssize_t count = read(STDIN_FILENO, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_system(errno, "read the password");
    if (count == 0 || c == '\n') break;
    if (line.size() == kPasswordSizeMax)
      return fail(ErrorKind::permanent,
                  fmt::format("the password has more than {} bytes; take a shorter one", kPasswordSizeMax));
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty())
    return fail(ErrorKind::permanent, "no password was given; type one, or pipe one line into this command");
  return line;
}

Result<std::string> ask_password(const Context& context) {
  if (isatty(STDIN_FILENO) == 0) return read_password_line();
  const EchoOff quiet(STDIN_FILENO);
  context.err("Password: ");
  std::string first = RP_TRY(read_password_line());
  context.err("Once more: ");
  auto second = read_password_line();
  const bool same = second && *second == first;
  if (second) crypto::wipe(*second);
  if (same) return first;
  crypto::wipe(first);
  return fail(ErrorKind::permanent, "the two are not the same; try again");
}

// As root, files of the database are to belong to the server's user: be that user for as long as this lives.
class AsServer {
 public:
  AsServer(const std::string& user, const std::string& database) {
    const passwd* entry = geteuid() == 0 ? getpwnam(user.c_str()) : nullptr;
    if (entry == nullptr || entry->pw_uid == 0) return;
    const std::string folder = database.substr(0, database.rfind('/'));
    struct stat status{};
    if (stat(folder.c_str(), &status) != 0 && make_folder(folder, 0700))
      (void)!chown(folder.c_str(), entry->pw_uid, entry->pw_gid);
    changed_ = setegid(entry->pw_gid) == 0 && seteuid(entry->pw_uid) == 0;
  }
  ~AsServer() {
    if (changed_) (void)!(seteuid(0) != 0 || setegid(0) != 0);
  }
  AsServer(const AsServer&) = delete;
  AsServer& operator=(const AsServer&) = delete;

 private:
  bool changed_ = false;
};

using Change = std::function<Result<void>(accounts::Accounts&)>;

int change_accounts(Context& context, const Change& change, const std::string& done) {
  const auto loaded = load_good(context);
  if (!loaded) return kFindings;
  const server::Configuration& configuration = *loaded->configuration;
  {
    const AsServer as_server(configuration.server.user, configuration.accounts.database.text);
    auto accounts = accounts::Accounts::open(configuration.accounts);
    if (!accounts) return fail_with(context, accounts.error());
    if (auto changed = change(**accounts); !changed) return fail_with(context, changed.error());
  }
  const Told told = tell_server(context, configuration.admin.socket.text, "accounts refresh");
  if (context.json)
    context.out(fmt::format("{{\"done\":true,\"server_told\":{}}}\n", told == Told::yes));
  else
    context.out(done + (told == Told::yes ? "\n" : "; the server will know when it starts\n"));
  return told == Told::refused ? kFindings : kDone;
}

using Set = Result<void> (accounts::Accounts::*)(std::string_view name, std::string_view password);

int set_password(Context& context, const std::string& name, Set set, const std::string& done) {
  auto password = ask_password(context);
  if (!password) return fail_with(context, password.error());
  const int code = change_accounts(
      context, [&](accounts::Accounts& accounts) { return (accounts.*set)(name, *password); }, done);
  crypto::wipe(*password);
  return code;
}

// Reads only, but the database's side files must not come to belong to root either.
int with_accounts(Context& context, const std::function<Result<void>(const accounts::Accounts&)>& show) {
  const auto loaded = load_good(context);
  if (!loaded) return kFindings;
  const server::Configuration& configuration = *loaded->configuration;
  const AsServer as_server(configuration.server.user, configuration.accounts.database.text);
  const auto accounts = accounts::Accounts::open(configuration.accounts);
  if (!accounts) return fail_with(context, accounts.error());
  if (auto shown = show(**accounts); !shown) return fail_with(context, shown.error());
  return kDone;
}

int list_users(Context& context) {
  return with_accounts(context, [&](const accounts::Accounts& accounts) -> Result<void> {
    TextTable table({"NAME", "SOURCE", "HOME"}, std::string::npos);
    for (const auto& user : RP_TRY(accounts.list_users())) {
      table.add({user.name, user.source, user.home});
      if (context.json)
        context.out(
            admin::to_string(
                admin::Json().set("name", user.name).set("source", user.source).set("home", user.home)) +
            "\n");
    }
    if (!context.json)
      context.out(table.empty() ? "there is no user; make one with: ringpost user add NAME\n" : table.text());
    return {};
  });
}

int list_aliases(Context& context) {
  return with_accounts(context, [&](const accounts::Accounts& accounts) -> Result<void> {
    TextTable table({"ALIAS", "TARGETS"}, std::string::npos);
    for (const auto& alias : RP_TRY(accounts.list_aliases())) {
      admin::Json::List targets;
      std::string text;
      for (const std::string& target : alias.targets) {
        targets.emplace_back(target);
        text += (text.empty() ? "" : ", ") + target;
      }
      table.add({alias.address, text});
      if (context.json)
        context.out(
            admin::to_string(admin::Json().set("address", alias.address).set("targets", std::move(targets))) +
            "\n");
    }
    if (!context.json)
      context.out(table.empty() ? "there is no alias in the database; see also the file domains.aliases\n"
                                : table.text());
    return {};
  });
}

void add_user_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  CLI::App* user = Registry::family(app, "user", "Who has a mailbox here and may log in");
  const auto name = std::make_shared<std::string>();
  const auto named = [name](CLI::App* command) {
    command->add_option("NAME", *name, "anna, or anna@example.com")->required();
  };
  named(registry.leaf(
      *user, "add", "Makes a user; asks for the password, or reads a line of standard input",
      "  ringpost user add anna@example.com\n  pwgen 20 1 | tee secret | ringpost user add robot",
      [&context, name] {
        return set_password(context, *name, &accounts::Accounts::add_user, *name + " is a user now");
      }));
  named(registry.leaf(*user, "passwd", "Gives a user another password",
                      "  ringpost user passwd anna@example.com", [&context, name] {
                        return set_password(context, *name, &accounts::Accounts::set_password,
                                            *name + " has a new password");
                      }));
  registry.leaf(*user, "list", "All users, and where they come from", "  ringpost user list",
                [&context] { return list_users(context); });
  named(registry.leaf(*user, "delete", "Deletes a user; the mail stays where it is",
                      "  ringpost user delete anna@example.com", [&context, name] {
                        return change_accounts(
                            context, [&](accounts::Accounts& a) { return a.delete_user(*name); },
                            *name + " is no user any more");
                      }));
}

void add_alias_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  CLI::App* alias =
      Registry::family(app, "alias", "Addresses that are other addresses; the file domains.aliases has more");
  const auto address = std::make_shared<std::string>();
  const auto targets = std::make_shared<std::vector<std::string>>();
  CLI::App* adding = registry.leaf(
      *alias, "add", "Makes an alias, or gives it other targets",
      "  ringpost alias add info@example.com anna@example.com bea@example.org", [&context, address, targets] {
        return change_accounts(
            context, [&](accounts::Accounts& a) { return a.add_alias(*address, *targets); },
            *address + " is an alias now");
      });
  adding->add_option("ADDRESS", *address, "The alias")->required();
  adding->add_option("TARGET", *targets, "Where its mail goes; one or more")->required();
  registry.leaf(*alias, "list", "The aliases of the database", "  ringpost alias list",
                [&context] { return list_aliases(context); });
  CLI::App* deleting = registry.leaf(
      *alias, "delete", "Deletes an alias", "  ringpost alias delete info@example.com", [&context, address] {
        return change_accounts(
            context, [&](accounts::Accounts& a) { return a.delete_alias(*address); },
            *address + " is no alias any more");
      });
  deleting->add_option("ADDRESS", *address, "The alias")->required();
}

}  // namespace

void add_account_commands(CLI::App& app, Registry& registry) {
  add_user_commands(app, registry);
  add_alias_commands(app, registry);
}

}  // namespace ringpost::command
