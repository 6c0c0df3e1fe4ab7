// queue: look at what waits, and give orders about it.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/admin/limits.hpp"
#include "ringpost/command/limits.hpp"

#include "families.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

// What the options of one command were given, in the form of a request.
struct Wishes {
  std::vector<std::pair<std::string, std::shared_ptr<std::string>>> texts;
  std::vector<std::pair<std::string, std::shared_ptr<bool>>> flags;

  void text(CLI::App& command, const std::string& option, const std::string& argument,
            const std::string& help) {
    texts.emplace_back(argument, std::make_shared<std::string>());
    command.add_option(option, *texts.back().second, help);
  }
  void flag(CLI::App& command, const std::string& option, const std::string& argument,
            const std::string& help) {
    flags.emplace_back(argument, std::make_shared<bool>(false));
    command.add_flag(option, *flags.back().second, help);
  }
  void selector(CLI::App& command) {
    text(command, "--id", "id", "One message");
    text(command, "--domain", "domain", "Recipients of this domain");
    text(command, "--sender", "sender", "From this sender; \"<>\" is the null sender");
    text(command, "--recipient", "recipient", "For this recipient");
    text(command, "--state", "state", "ready, active, deferred, held or suspended");
    text(command, "--older-than", "older_than", "Arrived longer ago than this, as 4h");
  }
  Json arguments() const {
    Json json{Json::Object{}};
    for (const auto& [name, value] : texts)
      if (!value->empty()) json.set(name, *value);
    for (const auto& [name, value] : flags)
      if (*value) json.set(name, true);
    return json;
  }
};

std::size_t cell_width(const Context& context) {
  return context.wide ? std::string::npos : kCellWidthMax;
}

std::string counted(const Json& count, std::string_view what) {
  return plural(static_cast<std::uint64_t>(count.number()), what);
}

// ---- summary ----

int summarize(Context& context, const Wishes& wishes) {
  TextTable table({"GROUP", ">RECIPIENTS", ">READY", ">ACTIVE", ">DEFERRED", ">HELD", ">SUSPENDED",
                   ">CONNECTIONS", "OLDEST", "PROBLEM"},
                  cell_width(context));
  TextTable counts({"GROUP", ">RECIPIENTS"}, cell_width(context));
  const Json arguments = wishes.arguments();
  const bool by_domain = arguments["by"].is_null() || arguments["by"].text() == "domain";
  const Asked asked = ask_server(context, "queue summary", arguments, [&](const Json& line) {
    if (!by_domain) return counts.add({line["group"].text(), line["recipients"].text()});
    table.add({line["group"].text(), line["recipients"].text(), line["ready"].text(), line["active"].text(),
               line["deferred"].text(), line["held"].text(), line["suspended"].text(),
               line["connections"].text(), time_text(line["oldest"].text()), line["problem"].text()});
  });
  if (!asked.last || context.json) return asked.exit_code;
  const TextTable& shown = by_domain ? table : counts;
  if (!shown.empty()) context.out(shown.text());
  const Json& last = *asked.last;
  if (last["groups_left"].number() > 0) context.out(fmt::format("and {} more\n", last["groups_left"].text()));
  if (const auto& refusing = last["refusing"].text(); !refusing.empty())
    context.out(fmt::format("new mail is refused: {}\n", printable(refusing)));
  if (last["passing"].number() > 0)
    context.out(fmt::format("{} under way at level through: their clients wait\n",
                            counted(last["passing"], "message")));
  context.out(last["messages"].number() == 0 ? "the queue is empty\n"
                                             : fmt::format("{}, {}\n", counted(last["messages"], "message"),
                                                           counted(last["recipients"], "recipient")));
  return kDone;
}

// ---- list, show ----

void add_message(TextTable& table, const Json& message) {
  const Json::List& recipients = message["recipients"].list();
  const auto waits = [](const Json& r) { return !r["destination"].text().empty(); };
  const auto first = std::ranges::find_if(recipients, waits);
  if (first == recipients.end()) return;
  const auto waiting = std::ranges::count_if(recipients, waits) + message["recipients_left"].number();
  const std::string more = waiting > 1 ? fmt::format(" and {} more", waiting - 1) : "";
  table.add({message["id"].text(), age_text(message["age_seconds"].number()),
             size_text(message["size"].number()), "<" + message["sender"].text() + ">",
             (*first)["state"].text(), (*first)["address"].text() + more, (*first)["reason"].text()});
}

struct ListWish {
  Wishes selector;
  std::string after;
  std::size_t limit = kListDefault;
};

int list(Context& context, const ListWish& wish) {
  TextTable table({"ID", ">AGE", ">SIZE", "SENDER", "STATE", "RECIPIENT", "REASON"}, cell_width(context));
  std::string after = wish.after;
  std::size_t left = wish.limit;
  std::string next;
  do {
    const std::size_t page = std::min(left, admin::kPageMax);
    Json arguments = wish.selector.arguments();
    arguments.set("after", after).set("limit", page);
    const Asked asked = ask_server(context, "queue list", std::move(arguments),
                                   [&](const Json& m) { add_message(table, m); });
    if (!asked.last) return asked.exit_code;
    next = (*asked.last)["next"].text();
    after = next;
    left -= page;
  } while (left > 0 && !next.empty());
  if (context.json) return kDone;
  context.out(table.empty() ? "no message fits\n" : table.text());
  if (!next.empty()) context.out(fmt::format("there is more: --after {}\n", next));
  return kDone;
}

void show_message(const Context& context, const Json& message) {
  context.out(fmt::format("{}  {}  from <{}>\n", message["id"].text(), size_text(message["size"].number()),
                          printable(message["sender"].text())));
  context.out(fmt::format("arrived {}, {} ago; expires {}\n", time_text(message["arrival"].text()),
                          age_text(message["age_seconds"].number()), time_text(message["expiry"].text())));
  TextTable table({"RECIPIENT", "STATE", "DESTINATION", ">ATTEMPTS", "NEXT ATTEMPT", "REASON"},
                  cell_width(context));
  for (const Json& recipient : message["recipients"].list())
    table.add({recipient["address"].text(), recipient["state"].text(), recipient["destination"].text(),
               recipient["attempts"].text(), time_text(recipient["next_attempt"].text()),
               recipient["reason"].text()});
  context.out(table.text());
  if (message["recipients_left"].number() > 0)
    context.out(fmt::format("and {}\n", counted(message["recipients_left"], "more recipient")));
}

int show(Context& context, const std::string& id) {
  return ask_server(context, "queue show", Json().set("id", id),
                    [&](const Json& m) { show_message(context, m); })
      .exit_code;
}

// ---- orders ----

int change(Context& context, const std::string& verb, const Wishes& wishes) {
  const Asked asked = ask_server(context, "queue " + verb, wishes.arguments(), [](const Json&) {});
  if (!asked.last || context.json) return asked.exit_code;
  const Json& would = (*asked.last)["would_change"];
  context.out(would.is_null() ? fmt::format("{}: {}\n", verb, counted((*asked.last)["changed"], "recipient"))
                              : fmt::format("{} would concern {}\n", verb, counted(would, "recipient")));
  return kDone;
}

int order_flow(Context& context, const std::string& verb, const Wishes& wishes) {
  const Asked asked = ask_server(context, "queue " + verb, wishes.arguments(), [](const Json&) {});
  if (!asked.last || context.json) return asked.exit_code;
  const std::string until = time_text((*asked.last)["until"].text());
  const std::string name = (*asked.last)["destination"].text();
  context.out(fmt::format("{}: {}{}\n", verb, name == "*" ? "all" : printable(name),
                          until.empty() ? "" : " until " + until));
  return kDone;
}

int list_directives(Context& context) {
  // Which messages a hold means: "all" of those that had come by then, unless it names some.
  const auto what = [](const Json& line) {
    std::string said = line["destination"].text();
    for (const char* key : {"domain", "sender", "recipient"})
      if (const std::string text(line[key].text()); !text.empty())
        said += fmt::format("{}{} {}", said.empty() ? "" : ", ", key, printable(text));
    return said.empty() && line["id"].text().empty() ? std::string("all") : said;
  };
  TextTable table({"DIRECTIVE", "DESTINATION", "ID", "UNTIL"}, cell_width(context));
  const Asked asked = ask_server(context, "queue directives", {}, [&](const Json& line) {
    const std::string arrived = time_text(line["arrived_until"].text());
    table.add({line["directive"].text(), what(line), line["id"].text(),
               arrived.empty() ? time_text(line["until"].text()) : "came by " + arrived});
  });
  if (!asked.last || context.json) return asked.exit_code;
  context.out(table.empty() ? "nothing is held or suspended\n" : table.text());
  if ((*asked.last)["held_left"].number() > 0)
    context.out(fmt::format("and {} more held\n", (*asked.last)["held_left"].text()));
  return kDone;
}

struct Order {
  const char* verb;
  const char* help;
  const char* example;
};
constexpr std::array kOrders = std::to_array<Order>({
    {"flush", "Tries now what waits for its time", "  ringpost queue flush --domain example.com"},
    {"hold", "Keeps messages from being sent; expiry still rules",
     "  ringpost queue hold --sender news@example.com --dry-run"},
    {"release", "Ends a hold", "  ringpost queue release --sender news@example.com"},
    {"bounce", "Ends messages, with a report to the sender",
     "  ringpost queue bounce --domain example.invalid"},
    {"cancel", "Ends messages, without a report",
     "  ringpost queue cancel --sender news@example.com --older-than 4h"},
});

void add_order(CLI::App& queue, Registry& registry, const Order& order) {
  Context& context = registry.context;
  const auto wishes = std::make_shared<Wishes>();
  CLI::App* command = registry.leaf(
      queue, order.verb, order.help, order.example,
      [&context, wishes, verb = std::string(order.verb)] { return change(context, verb, *wishes); });
  wishes->selector(*command);
  wishes->flag(*command, "--all", "all", "The whole queue");
  wishes->flag(*command, "--dry-run", "dry_run", "Only say how many recipients it would concern");
}

void add_flow_order(CLI::App& queue, Registry& registry, const Order& order) {
  Context& context = registry.context;
  const auto wishes = std::make_shared<Wishes>();
  CLI::App* command = registry.leaf(
      queue, order.verb, order.help, order.example,
      [&context, wishes, verb = std::string(order.verb)] { return order_flow(context, verb, *wishes); });
  wishes->text(*command, "--domain", "domain", "The flow to this domain");
  wishes->text(*command, "--destination", "destination", "The flow that `ringpost queue summary` calls so");
  wishes->flag(*command, "--all", "all", "Every flow");
  if (order.verb == std::string_view("suspend"))
    wishes->text(*command, "--for", "for", "Ends by itself after this, as 2h");
}

}  // namespace

void add_queue_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  CLI::App* queue = Registry::family(app, "queue", "Looks at the queue of the running server, and orders it");

  const auto by = std::make_shared<Wishes>();
  CLI::App* summary =
      registry.leaf(*queue, "summary", "How much waits, and where", "  ringpost queue summary --by age",
                    [&context, by] { return summarize(context, *by); });
  by->text(*summary, "--by", "by", "domain (default), age or state");

  const auto wish = std::make_shared<ListWish>();
  CLI::App* listing = registry.leaf(*queue, "list", "Messages that wait, a page at a time",
                                    "  ringpost queue list --state deferred --domain example.com",
                                    [&context, wish] { return list(context, *wish); });
  wish->selector.selector(*listing);
  listing->add_option("--after", wish->after, "Go on after this id");
  listing->add_option("--limit", wish->limit, "So many at the most")
      ->capture_default_str()
      ->check(CLI::Range(1UL, 1'000'000UL));

  const auto id = std::make_shared<std::string>();
  CLI::App* showing =
      registry.leaf(*queue, "show", "One message with all its recipients",
                    "  ringpost queue show 0000G1R40002F", [&context, id] { return show(context, *id); });
  showing->add_option("ID", *id, "Its queue id")->required();

  for (const Order& order : kOrders) add_order(*queue, registry, order);
  add_flow_order(*queue, registry,
                 {"suspend", "Stops a flow, mail to come included",
                  "  ringpost queue suspend --domain example.com --for 2h"});
  add_flow_order(*queue, registry,
                 {"resume", "Ends a suspension", "  ringpost queue resume --domain example.com"});
  registry.leaf(*queue, "directives", "What is held and suspended", "  ringpost queue directives",
                [&context] { return list_directives(context); });
}

}  // namespace ringpost::command
