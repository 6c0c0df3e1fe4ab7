// serve, reload, stop, status, version.
#include <algorithm>
#include <cerrno>

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/server/version.hpp"

#include "families.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

int reload(Context& context) {
  const Asked asked = ask_server(context, "reload", {}, [](const Json&) {});
  if (!asked.last) return asked.exit_code;
  const int exit_code = (*asked.last)["rules_refused"].text() == "true" ? kFindings : asked.exit_code;
  if (context.json) return exit_code;
  context.out(fmt::format("configuration {} is in force\n", (*asked.last)["generation"].text()));
  for (const Json& waiting : (*asked.last)["waiting"].list()) context.out("but " + waiting.text() + "\n");
  return exit_code;
}

void show_status(const Context& context, const Json& status) {
  context.out(fmt::format("ringpost {} on {}, up {}{}\n", status["version"].text(), status["hostname"].text(),
                          age_text(status["uptime_seconds"].number()),
                          status["draining"].text() == "true" ? ", ending" : ""));
  context.out(fmt::format("  {}\n  {}, generation {}, process {}\n", status["backend"].text(),
                          status["configuration"].text(), status["generation"].text(), status["pid"].text()));
  std::int64_t judged = 0, spam = 0, quarantined = 0;
  for (const Json& core : status["cores"].list()) {
    judged += core["judged"].number();
    spam += core["spam"].number();
    quarantined += core["quarantined"].number();
  }
  if (status["filter"].text() != "off" || quarantined > 0)
    context.out(fmt::format("  filter: {}; {} judged, {} spam, {} in the quarantine\n",
                            status["filter"].text(), judged, spam, quarantined));
  TextTable table({"CORE", ">MESSAGES", ">CONNECTIONS", ">DELIVERIES", "SPOOL"}, kCellWidthMax);
  for (const Json& core : status["cores"].list()) {
    const std::string damages =
        core["damages"].number() > 0 ? core["damages"].text() + " damaged places" : "";
    const bool full = core["full"].text() == "true";
    table.add({core["core"].text(), core["messages"].text(), core["connections"].text(),
               core["deliveries"].text(),
               full              ? "full: new mail hears 452"
               : damages.empty() ? "good"
                                 : damages});
  }
  if (!table.empty()) context.out(table.text());
}

int status(Context& context) {
  return ask_server(context, "status", {}, [&](const Json& line) { show_status(context, line); }).exit_code;
}

// True when the process has ended within the bound. One that is not there any more has ended.
bool wait_for_end(pid_t process, Duration bound) {
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  if (descriptor < 0) return errno == ESRCH;
  pollfd entry{.fd = descriptor, .events = POLLIN, .revents = 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(bound).count();
  const bool ended = poll(&entry, 1, static_cast<int>(milliseconds)) == 1;
  close(descriptor);
  return ended;
}

struct StopWish {
  std::string drain;
  bool wait = true;
};

int stop(Context& context, const StopWish& wish) {
  const auto drain = wish.drain.empty() ? Result<Duration>(Duration{0}) : parse_duration(wish.drain);
  if (!drain) {
    complain(context, drain.error().text, "for example --drain 30s");
    return kUsage;
  }
  pid_t process = 0;
  Context quiet = context;
  quiet.json = false;
  const Asked found = ask_server(
      quiet, "status", {}, [&](const Json& line) { process = static_cast<pid_t>(line["pid"].number()); });
  if (!found.last) return found.exit_code;
  const auto loaded = load_good(context);
  if (!loaded) return kFindings;
  Json arguments;
  if (!wish.drain.empty()) arguments.set("drain", wish.drain);
  const Asked asked = ask_server(context, "stop", std::move(arguments), [](const Json&) {});
  if (!asked.last || !wish.wait) return asked.exit_code;
  const Duration bound = std::max(*drain, loaded->configuration->server.drain) + kStopGrace;
  if (wait_for_end(process, bound)) {
    if (!context.json) context.out("the server has ended\n");
    return kDone;
  }
  complain(context, fmt::format("process {} is still ending", process),
           "wait, or end it with: kill " + std::to_string(process));
  return kFindings;
}

int version(Context& context) {
  if (context.json)
    context.out(fmt::format("{{\"version\":\"{}\"}}\n", server::kVersion));
  else
    context.out(fmt::format("ringpost {}\n", server::kVersion));
  return kDone;
}

}  // namespace

void add_server_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  registry.leaf(app, "serve", "Runs the server until it is told to stop",
                "  ringpost serve --config /etc/ringpost/ringpost.toml\n"
                "  SIGTERM lets open transactions finish, a second one does not; SIGHUP reloads.",
                [&context] { return context.program.serve(context.config); });
  registry.leaf(app, "reload", "Puts the changed configuration in force; a bad one leaves the old running",
                "  ringpost check && ringpost reload", [&context] { return reload(context); });
  const auto wish = std::make_shared<StopWish>();
  CLI::App* stopping =
      registry.leaf(app, "stop", "Ends the server: open transactions finish, the queue stays",
                    "  ringpost stop --drain 30s", [&context, wish] { return stop(context, *wish); });
  stopping->add_option("--drain", wish->drain, "How long open transactions may take (default: server.drain)");
  stopping->add_flag("!--no-wait", wish->wait, "Return at once");
  registry.leaf(app, "status", "How the server is, a row for each core", "  ringpost status",
                [&context] { return status(context); });
  registry.leaf(app, "version", "Which version this is", "  ringpost version",
                [&context] { return version(context); });
}

}  // namespace ringpost::command
