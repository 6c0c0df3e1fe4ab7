// trace: live sessions.
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "families.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

struct TraceWish {
  std::string peer, domain, time;
};

std::string line_of(const Json& line) {
  const std::string who = line["who"].text();
  const std::string_view mark = who == "client" ? "C:" : who == "server" ? "S:" : "--";
  return fmt::format("{} {:<9} {} {} {} {}\n", time_text(line["time"].text()), line["session"].text(),
                     line["peer"].text(), printable(line["place"].text()), mark,
                     printable(line["text"].text()));
}

int trace(const Context& context, const TraceWish& wish) {
  Json arguments{Json::Object()};
  if (!wish.peer.empty()) arguments.set("peer", wish.peer);
  if (!wish.domain.empty()) arguments.set("domain", wish.domain);
  if (!wish.time.empty()) arguments.set("for", wish.time);
  Context quiet = context;
  quiet.json = false;
  // Each line at once, also into a pipe.
  const auto show = [&](const Json& line) {
    context.out(context.json ? admin::to_string(line) + "\n" : line_of(line));
    std::fflush(stdout);
  };
  const Asked asked = ask_server(quiet, "trace", std::move(arguments), show);
  if (!asked.last) return asked.exit_code;
  if (context.json) context.out(admin::to_string(*asked.last) + "\n");
  if (const auto dropped = (*asked.last)["dropped"].number(); dropped > 0)
    complain(context, fmt::format("{} lines came too fast and are missing", dropped),
             "trace one --peer, or one --domain");
  return kDone;
}

}  // namespace

void add_trace_command(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  const auto wish = std::make_shared<TraceWish>();
  CLI::App* command = registry.leaf(
      app, "trace", "What SMTP clients and servers say to each other, live; passwords are blanked",
      "  ringpost trace --peer 192.0.2.0/24\n"
      "  ringpost trace --domain example.com --for 2m\n"
      "  C: the client, S: the server, --: a note. Bodies are counted, not shown. ^C ends it.",
      [&context, wish] { return trace(context, *wish); });
  // An empty one would be as if it were not there, and trace everything.
  const CLI::Validator something(
      [](std::string& text) { return text.empty() ? std::string("nothing is named") : std::string(); }, "");
  command->add_option("--peer", wish->peer, "Only sessions with this address or network")->check(something);
  command->add_option("--domain", wish->domain, "Only sessions with mail from or to this domain")
      ->check(something);
  command->add_option("--for", wish->time, "For so long (default and at most 15m)")->check(something);
}

}  // namespace ringpost::command
