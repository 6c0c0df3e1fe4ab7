#include "account_access.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/crypto/secret.hpp"

#include "files.hpp"

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

}  // namespace

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

Result<std::string> ask_known_password(const Context& context) {
  if (isatty(STDIN_FILENO) == 0) return read_password_line();
  const EchoOff quiet(STDIN_FILENO);
  context.err("Password: ");
  return read_password_line();
}

namespace {

// As root, files of the database are to belong to the server's user: be that user for as long as this lives.
class AsServer {
 public:
  AsServer(const std::string& user, const std::string& database) {
    const bool root = geteuid() == 0;
    const passwd* entry = root ? getpwnam(user.c_str()) : nullptr;
    const bool other = entry != nullptr && entry->pw_uid != 0;
    if (root && !other) return;
    // Accounts may come before the first start of the server, which makes the folder otherwise.
    const std::string folder = database.substr(0, database.rfind('/'));
    struct stat status{};
    if (stat(folder.c_str(), &status) != 0 && make_folder(folder, 0700) && other)
      (void)!chown(folder.c_str(), entry->pw_uid, entry->pw_gid);
    if (other) changed_ = setegid(entry->pw_gid) == 0 && seteuid(entry->pw_uid) == 0;
  }
  ~AsServer() {
    if (changed_) (void)!(seteuid(0) != 0 || setegid(0) != 0);
  }
  AsServer(const AsServer&) = delete;
  AsServer& operator=(const AsServer&) = delete;

 private:
  bool changed_ = false;
};

}  // namespace

int change_accounts(Context& context, const Change& change, const std::function<void(bool told)>& say) {
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
  say(told == Told::yes);
  return told == Told::refused ? kFindings : kDone;
}

int change_accounts(Context& context, const Change& change, const std::string& done) {
  return change_accounts(context, change, [&](bool told) {
    if (context.json)
      context.out(fmt::format("{{\"done\":true,\"server_told\":{}}}\n", told));
    else
      context.out(done + (told ? "\n" : "; the server will know when it starts\n"));
  });
}

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

}  // namespace ringpost::command
