#include "sendmail.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include "ringpost/admin/limits.hpp"
#include "ringpost/command/limits.hpp"
#include "ringpost/inject/limits.hpp"
#include "ringpost/inject/pickup_format.hpp"
#include "ringpost/mail/aliases.hpp"
#include "ringpost/mail/xtext.hpp"

#include "files.hpp"
#include "sendmail_arguments.hpp"
#include "sendmail_message.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

constexpr const char* kHelp =
    "sendmail [-t] [-i] [-f SENDER] [-F NAME] [-N NOTIFY] [-R full|hdrs] [-V ID] [RECIPIENT...]\n"
    "  Takes a message from standard input and queues it; also while the server is stopped.\n"
    "  -t   recipients are in To, Cc and Bcc; Bcc is not sent on\n"
    "  -i   a line with a lone dot does not end the message\n"
    "  -bp  shows the queue (as mailq), -bi checks the aliases (as newaliases), -q tries all of the queue "
    "now\n"
    "Example:\n"
    "  printf 'Subject: hello\\n\\nhello\\n' | sendmail -f anna@example.com bea@example.org\n";

// What the configuration says even if it has errors or may not be read: mail must leave this host all the same.
struct Known {
  std::string pickup_directory, socket, aliases, origin;
};
Known known_of(const Context& context) {
  const server::LoadedConfiguration loaded = context.program.load(context.config);
  const server::Configuration defaults;
  const server::Configuration& configuration =
      loaded.configuration != nullptr ? *loaded.configuration : defaults;
  Known known{.pickup_directory = configuration.server.pickup_directory.text,
              .socket = configuration.admin.socket.text,
              .aliases = configuration.domains.aliases.text,
              .origin = configuration.server.origin};
  if (known.origin.empty()) known.origin = context.program.hostname_of(configuration);
  return known;
}

void say(const Context& context, std::string_view name, std::string_view text) {
  context.err(fmt::format("{}: {}\n", name, text));
}

// ---- sending ----

Result<std::string> read_message(int input) {
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    if (before > inject::kPickupBodyMax)
      return fail(ErrorKind::permanent,
                  fmt::format("the message is larger than {} bytes", inject::kPickupBodyMax));
    text.resize(before + 64 * 1024);
    const ssize_t count = read(input, text.data() + before, text.size() - before);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno != EINTR) return fail_system(errno, "read the message");
    if (count == 0) return text;
  }
}

std::string user_name() {
  const passwd* entry = getpwuid(getuid());
  return entry != nullptr ? entry->pw_name : fmt::format("uid{}", getuid());
}

bool needs_smtputf8(const inject::PickupMessage& message) {
  const auto foreign = [](std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  };
  return (message.sender && foreign(*message.sender)) ||
         std::ranges::any_of(message.recipients,
                             [&](const auto& recipient) { return foreign(recipient.address); });
}

int exit_code_of(const Error& error) {
  if (error.temporary()) return EX_TEMPFAIL;
  if (error.system == 0) return EX_DATAERR;  // it is the message
  return error.system == EACCES || error.system == EPERM ? EX_NOPERM : EX_CANTCREAT;
}

int send_message(const Context& context, const std::string& name, const SendmailArguments& arguments,
                 int input) {
  if (arguments.recipients.empty() && !arguments.recipients_from_header) {
    say(context, name, "there is no recipient; name one, or use -t to take those of the header");
    return EX_USAGE;
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (arguments.sender && std::ranges::any_of(*arguments.sender, is_control)) {
    say(context, name, "-f: the sender has a control character or a line break");
    return EX_DATAERR;
  }
  auto text = read_message(input);
  if (!text) {
    say(context, name, text.error().text);
    return text.error().system != 0 ? EX_IOERR : EX_DATAERR;
  }
  const Known known = known_of(context);
  std::string address = arguments.sender.value_or(user_name());
  if (!address.empty() && !address.contains('@')) address += "@" + known.origin;
  auto letter = make_letter(arguments, *text, address);
  if (!letter) {
    say(context, name, letter.error());
    return letter.error().starts_with("there is no recipient") ? EX_USAGE : EX_DATAERR;
  }
  inject::PickupMessage message{.sender = arguments.sender,
                                .dsn_return = arguments.dsn_return,
                                .envelope_id = mail::xtext(arguments.envelope_id),
                                .body = std::move(letter->body)};
  for (std::string& recipient : letter->recipients)
    message.recipients.push_back({.address = std::move(recipient), .notify = arguments.notify});
  message.smtputf8 = needs_smtputf8(message);
  if (auto written = inject::write_pickup(known.pickup_directory, message); !written) {
    say(context, name, written.error().text);
    return exit_code_of(written.error());
  }
  return EX_OK;
}

// ---- mailq ----

int refused(const Context& context, const std::string& name, const admin::Refusal& refusal) {
  say(context, name, refusal.mend.empty() ? refusal.text : refusal.text + "; " + refusal.mend);
  return refusal.unreachable ? EX_UNAVAILABLE : EX_SOFTWARE;
}

struct QueueTotals {
  std::int64_t messages = 0, bytes = 0;
};

void print_message(const Context& context, const admin::Json& message, QueueTotals& totals) {
  if (totals.messages++ == 0)
    context.out("-Queue ID-    --Size-- ----Arrival Time---- -Sender/Recipient-------\n");
  totals.bytes += message["size"].number();
  const std::string sender = message["sender"].text();
  context.out(fmt::format("{:<13} {:>8} {:<20} {}\n", message["id"].text(), message["size"].text(),
                          time_text(message["arrival"].text()),
                          sender.empty() ? "MAILER-DAEMON" : printable(sender)));
  for (const admin::Json& recipient : message["recipients"].list()) {
    if (recipient["destination"].text().empty()) continue;  // nothing waits for this one
    if (const std::string reason = recipient["reason"].text(); !reason.empty())
      context.out(fmt::format("{:>44}({})\n", "", printable(reason)));
    context.out(fmt::format("{:44}{}\n", "", printable(recipient["address"].text())));
  }
  context.out("\n");
}

int show_queue(const Context& context, const std::string& name) {
  const std::string socket = known_of(context).socket;
  QueueTotals totals;
  for (std::string after;;) {
    admin::Json arguments;
    arguments.set("after", after).set("limit", admin::kPageMax);
    const auto last = admin::ask(socket, "queue list", std::move(arguments), [&](const admin::Json& message) {
      print_message(context, message, totals);
    });
    if (!last) return refused(context, name, last.error());
    after = (*last)["next"].text();
    if (after.empty()) break;
  }
  if (totals.messages == 0)
    context.out("Mail queue is empty\n");
  else
    context.out(fmt::format("-- {} Kbytes in {} Request{}.\n", (totals.bytes + 1023) / 1024, totals.messages,
                            totals.messages == 1 ? "" : "s"));
  return EX_OK;
}

int flush_queue(const Context& context, const std::string& name) {
  const auto last = admin::ask(known_of(context).socket, "queue flush", {}, [](const admin::Json&) {});
  return last ? EX_OK : refused(context, name, last.error());
}

// ---- newaliases ----

int make_aliases(const Context& context, const std::string& name) {
  const Known known = known_of(context);
  if (known.aliases.empty()) {
    say(context, name, "no aliases file is configured (domains.aliases)");
    return EX_CONFIG;
  }
  const auto text = read_whole(known.aliases, kNamedFileMax);
  if (!text) {
    say(context, name, text.error().text);
    return EX_NOINPUT;
  }
  const mail::ParsedAliases parsed = mail::parse_aliases(*text);
  for (const mail::AliasError& error : parsed.errors)
    context.err(fmt::format("{}:{}: {}; {}\n", known.aliases, error.line, error.text, error.mend));
  if (!parsed.errors.empty()) return EX_DATAERR;
  const auto told = admin::ask(known.socket, "reload", {}, [](const admin::Json&) {});
  if (!told && !told.error().unreachable) return refused(context, name, told.error());
  context.out(fmt::format("{}: {} {}{}\n", known.aliases, parsed.table.size(),
                          parsed.table.size() == 1 ? "alias" : "aliases",
                          told ? "" : "; the server will read them when it starts"));
  return EX_OK;
}

}  // namespace

bool is_sendmail_name(std::string_view name) {
  return name == "sendmail" || name == "mailq" || name == "newaliases";
}

int run_sendmail(const Context& context, const std::string& name, const std::vector<std::string>& words,
                 int input) {
  const auto arguments = parse_sendmail_arguments(name, words);
  if (!arguments) {
    say(context, name, arguments.error());
    return EX_USAGE;
  }
  Context mine = context;
  if (!arguments->config.empty()) mine.config = arguments->config;
  switch (arguments->mode) {
    case SendmailMode::help:
      context.out(kHelp);
      return EX_OK;
    case SendmailMode::show_queue:
      return show_queue(mine, name);
    case SendmailMode::flush_queue:
      return flush_queue(mine, name);
    case SendmailMode::make_aliases:
      return make_aliases(mine, name);
    case SendmailMode::deliver:
      return send_message(mine, name, *arguments, input);
  }
  return EX_SOFTWARE;
}

}  // namespace ringpost::command
