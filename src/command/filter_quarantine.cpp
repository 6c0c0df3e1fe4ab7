// filter quarantine: what the filter has put aside, on the running server.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/admin/limits.hpp"
#include "ringpost/command/limits.hpp"

#include "families.hpp"
#include "filter_commands.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

void add_message(TextTable& table, const Json& message) {
  const Json::List& recipients = message["recipients"].list();
  const std::int64_t more =
      static_cast<std::int64_t>(recipients.size()) + message["recipients_left"].number() - 1;
  std::string to = recipients.empty() ? "" : recipients.front().text();
  if (more > 0) to += fmt::format(" and {} more", more);
  table.add({message["id"].text(), age_text(message["age_seconds"].number()),
             size_text(message["size"].number()), message["score"].text(),
             "<" + message["sender"].text() + ">", to, message["subject"].text()});
}

int list(Context& context, std::size_t limit) {
  const std::size_t width = context.wide ? std::string::npos : kCellWidthMax;
  TextTable table({"ID", ">AGE", ">SIZE", ">SCORE", "SENDER", "RECIPIENT", "SUBJECT"}, width);
  std::string next;
  do {
    const std::size_t page = std::min(limit, admin::kPageMax);
    const Asked asked = ask_server(context, "quarantine list", Json().set("after", next).set("limit", page),
                                   [&](const Json& message) { add_message(table, message); });
    if (!asked.last) return asked.exit_code;
    next = (*asked.last)["next"].text();
    limit -= page;
  } while (limit > 0 && !next.empty());
  if (context.json) return kDone;
  context.out(table.empty() ? "the quarantine is empty\n" : table.text());
  if (!next.empty()) context.out("there is more: --limit\n");
  return kDone;
}

void show_message(const Context& context, const Json& message) {
  context.out(fmt::format("{}  {}  from <{}>{}\n", message["id"].text(), size_text(message["size"].number()),
                          printable(message["sender"].text()),
                          message["client"].text().empty() ? "" : ", " + message["client"].text()));
  context.out(fmt::format("arrived {} ago; expires {}\n", age_text(message["age_seconds"].number()),
                          time_text(message["expiry"].text())));
  context.out(fmt::format("score {} of {}: {}\n", message["score"].text(), message["required"].text(),
                          printable(message["tests"].text())));
  for (const Json& recipient : message["recipients"].list())
    context.out(fmt::format("  to <{}>\n", printable(recipient.text())));
  context.out("\n");
  const std::string text = message["header"].text();
  std::string_view header = text;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find("\r\n"), header.size());
    std::string line(header.substr(0, end));
    std::ranges::replace(line, '\t', ' ');
    context.out(printable(line) + "\n");
    header.remove_prefix(std::min(end + 2, header.size()));
  }
}

struct Choice {
  std::string id;
  bool all = false;
};

int change(Context& context, const std::string& verb, const Choice& choice) {
  Json arguments = Json().set("id", choice.id);
  if (choice.all) arguments.set("all", true);
  const Asked asked = ask_server(context, "quarantine " + verb, std::move(arguments), [](const Json&) {});
  if (!asked.last || context.json) return asked.exit_code;
  context.out(fmt::format("{}: {}\n", verb,
                          plural(static_cast<std::uint64_t>((*asked.last)["changed"].number()), "message")));
  return kDone;
}

void add_change(CLI::App& family, Registry& registry, const std::string& verb, const std::string& help) {
  Context& context = registry.context;
  const auto choice = std::make_shared<Choice>();
  CLI::App* command =
      registry.leaf(family, verb, help, fmt::format("  ringpost filter quarantine {} 0000G1R40002F", verb),
                    [&context, choice, verb] { return change(context, verb, *choice); });
  command->add_option("ID", choice->id, "Its id");
  command->add_flag("--all", choice->all, "Everything in the quarantine");
}

}  // namespace

void add_filter_quarantine_commands(CLI::App& parent, Registry& registry) {
  Context& context = registry.context;
  CLI::App* family =
      Registry::family(parent, "quarantine", "Looks at what the filter of the running server has put aside");
  const auto limit = std::make_shared<std::size_t>(1000);
  CLI::App* listing =
      registry.leaf(*family, "list", "What is in it, and why", "  ringpost filter quarantine list",
                    [&context, limit] { return list(context, *limit); });
  listing->add_option("--limit", *limit, "So many at the most")
      ->capture_default_str()
      ->check(CLI::Range(1UL, 1'000'000UL));
  const auto id = std::make_shared<std::string>();
  CLI::App* showing = registry.leaf(*family, "show", "One message: envelope, rules that hit, header",
                                    "  ringpost filter quarantine show 0000G1R40002F", [&context, id] {
                                      return ask_server(context, "quarantine show", Json().set("id", *id),
                                                        [&](const Json& message) {
                                                          if (!context.json) show_message(context, message);
                                                        })
                                          .exit_code;
                                    });
  showing->add_option("ID", *id, "Its id")->required();
  add_change(*family, registry, "release", "Delivers what is no spam after all");
  add_change(*family, registry, "delete", "Ends messages, without a report");
}

}  // namespace ringpost::command
