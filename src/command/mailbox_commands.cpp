// mailbox list, check, rebuild: the mail of the running server's users. What moves mail is in mailbox_move.cpp.
#include "mailbox_commands.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/admin/limits.hpp"
#include "ringpost/command/limits.hpp"

#include "spool_progress.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

// ---- list

int list_users(Context& context) {
  const std::size_t width = context.wide ? std::string::npos : kCellWidthMax;
  TextTable table({"USER", ">MAILBOXES", ">MESSAGES", ">SIZE", ">QUOTA"}, width);
  std::string next;
  do {
    const Asked asked = ask_server(
        context, "mailbox list", Json().set("after", next).set("limit", admin::kPageMax),
        [&](const Json& row) {
          const std::int64_t quota = row["quota"].number();
          table.add({printable(row["user"].text()), row["mailboxes"].text(), row["messages"].text(),
                     size_text(row["bytes"].number()), quota == 0 ? "none" : size_text(quota)});
        });
    if (!asked.last) return asked.exit_code;
    next = (*asked.last)["next"].text();
  } while (!next.empty());
  if (!context.json) context.out(table.empty() ? "nobody has mail yet\n" : table.text());
  return kDone;
}

Json mailbox_json(const migrate::MailboxFacts& facts, const migrate::MailboxState& state) {
  return Json()
      .set("mailbox", facts.name)
      .set("messages", state.messages)
      .set("unseen", state.unseen)
      .set("bytes", state.size)
      .set("uid_validity", state.uid_validity)
      .set("uid_next", state.uid_next)
      .set("special_use", facts.special_use)
      .set("subscribed", facts.subscribed);
}

int list_mailboxes(Context& context, const std::string& user) {
  const auto opened = open_mailboxes(context, user);
  if (!opened.server) return opened.exit_code;
  const auto mailboxes = opened.server->mailboxes();
  if (!mailboxes) return fail_with(context, mailboxes.error());
  TextTable table({"MAILBOX", ">MESSAGES", ">UNSEEN", ">SIZE", ">UIDVALIDITY", ">UIDNEXT", "USE"},
                  context.wide ? std::string::npos : kCellWidthMax);
  for (const migrate::MailboxFacts& facts : *mailboxes) {
    const auto state = opened.server->look(facts.name);
    if (!state) return fail_with(context, state.error());
    if (!*state) continue;  // deleted meanwhile
    if (context.json) context.out(to_string(mailbox_json(facts, **state)) + "\n");
    table.add({printable(facts.name), std::to_string((*state)->messages), std::to_string((*state)->unseen),
               size_text(static_cast<std::int64_t>((*state)->size)), std::to_string((*state)->uid_validity),
               std::to_string((*state)->uid_next), facts.special_use});
  }
  if (!context.json) context.out(table.text());
  return kDone;
}

// ---- check, rebuild

struct CheckTotals {
  std::uint64_t messages = 0, bytes = 0, unprepared = 0, findings = 0, mended = 0;
};

std::string finding_text(const std::string& user, const Json& finding) {
  const std::int64_t uid = finding["uid"].number();
  return fmt::format("{}: {}{}: {}{}\n", printable(user), printable(finding["mailbox"].text()),
                     uid == 0 ? "" : fmt::format(" UID {}", uid), printable(finding["text"].text()),
                     finding["mended"] == Json(true) ? "; mended" : "");
}

// All pages of one user. Nothing: the code to end with.
std::optional<int> check_user(Context& context, const std::string& user, bool mend, CheckTotals& totals) {
  Json at;  // from the first message
  const bool json = context.json;
  do {
    Json arguments = Json().set("user", user);
    for (const char* key : {"mailbox", "uid"})
      if (at[key].number() != 0) arguments.set(key, at[key]);
    if (mend) arguments.set("mend", true);
    Context quiet = context;
    quiet.json = false;
    const Asked asked = ask_server(quiet, "mailbox check", std::move(arguments), [&](const Json& finding) {
      ++totals.findings;
      totals.mended += finding["mended"] == Json(true) ? 1 : 0;
      context.out(json ? to_string(finding) + "\n" : finding_text(user, finding));
    });
    if (!asked.last) return asked.exit_code;
    at = *asked.last;
    totals.messages += static_cast<std::uint64_t>(at["messages"].number());
    totals.bytes += static_cast<std::uint64_t>(at["bytes"].number());
    totals.unprepared += static_cast<std::uint64_t>(at["unprepared"].number());
  } while (at["mailbox"].number() != 0);
  return std::nullopt;
}

std::string totals_text(const CheckTotals& totals, bool mend) {
  std::string text = fmt::format("{} read, {}: ", plural(totals.messages, "message"),
                                 size_text(static_cast<std::int64_t>(totals.bytes)));
  text += totals.findings == 0 ? "all is well" : plural(totals.findings, "finding");
  if (totals.mended != 0) text += fmt::format(", {} mended", totals.mended);
  if (totals.unprepared != 0 && mend)
    text += fmt::format("; the structure of {} prepared", plural(totals.unprepared, "message"));
  return text + "\n";
}

Json totals_json(const CheckTotals& totals) {
  return Json()
      .set("messages", totals.messages)
      .set("bytes", totals.bytes)
      .set("unprepared", totals.unprepared)
      .set("findings", totals.findings)
      .set("mended", totals.mended);
}

// Nothing: the code to end with, and it was complained about.
std::expected<std::vector<std::string>, int> all_users(Context& context) {
  std::vector<std::string> users;
  std::string next;
  Context quiet = context;
  quiet.json = false;
  do {
    const Asked asked =
        ask_server(quiet, "mailbox list", Json().set("after", next).set("limit", admin::kPageMax),
                   [&](const Json& row) { users.push_back(row["user"].text()); });
    if (!asked.last) return std::unexpected(asked.exit_code);
    next = (*asked.last)["next"].text();
  } while (!next.empty());
  return users;
}

int check(Context& context, std::vector<std::string> users) {
  if (users.empty()) {
    auto all = all_users(context);
    if (!all) return all.error();
    users = std::move(*all);
  }
  CheckTotals totals;
  {
    SpoolProgress progress(context, "checking");
    for (std::size_t i = 0; i < users.size(); ++i) {
      progress.show(i, users.size());
      if (const auto ended = check_user(context, users[i], false, totals)) return *ended;
    }
  }
  context.out(context.json ? to_string(totals_json(totals)) + "\n" : totals_text(totals, false));
  return totals.findings == 0 ? kDone : kFindings;
}

int rebuild(Context& context, const std::string& user) {
  CheckTotals totals;
  if (const auto ended = check_user(context, user, true, totals)) return *ended;
  Context quiet = context;
  quiet.json = false;
  const Asked asked = ask_server(quiet, "mailbox rebuild", Json().set("user", user), [](const Json&) {});
  if (!asked.last) return asked.exit_code;
  context.out(context.json ? to_string(totals_json(totals)) + "\n"
                           : totals_text(totals, true) + "the index was made anew and written\n");
  return totals.findings == totals.mended ? kDone : kFindings;
}

}  // namespace

OpenedMailboxes open_mailboxes(const Context& context, const std::string& user, bool alone) {
  const auto loaded = load_good(context);
  if (!loaded) return {nullptr, kFindings};
  auto opened = admin::open_connection(loaded->configuration->admin.socket.text, "mailbox session",
                                       Json().set("user", user).set("alone", alone));
  if (!opened) {
    complain(context, opened.error().text, opened.error().mend);
    return {nullptr, opened.error().unreachable ? kUnreachable : kFindings};
  }
  auto server = migrate::ImapServer::over(opened->descriptor, std::move(opened->received));
  if (!server) return {nullptr, fail_with(context, server.error())};
  return {std::move(*server), kDone};
}

void add_mailbox_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  CLI::App* family = Registry::family(app, "mailbox", "The mail that is kept here");
  const auto whose = std::make_shared<std::string>();
  CLI::App* listing = registry.leaf(
      *family, "list", "Whose mail there is, or the mailboxes of one user",
      "  ringpost mailbox list anna@example.com",
      [&context, whose] { return whose->empty() ? list_users(context) : list_mailboxes(context, *whose); });
  listing->add_option("USER", *whose, "The account; without one, all users");

  const auto users = std::make_shared<std::vector<std::string>>();
  CLI::App* checking = registry.leaf(
      *family, "check", "Reads every message and compares it with the index; changes nothing",
      "  ringpost mailbox check anna@example.com", [&context, users] { return check(context, *users); });
  checking->add_option("USER", *users, "Accounts; without one, all users");

  const auto user = std::make_shared<std::string>();
  CLI::App* rebuilding = registry.leaf(
      *family, "rebuild", "Makes anew what is derived from the messages of a user: structures and the index",
      "  ringpost mailbox rebuild anna@example.com", [&context, user] { return rebuild(context, *user); });
  rebuilding->add_option("USER", *user, "The account")->required();
  add_mailbox_move_commands(*family, registry);
}

}  // namespace ringpost::command
