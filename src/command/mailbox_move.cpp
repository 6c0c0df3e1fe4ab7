// mailbox import, mailbox export: mail of other servers and formats into the mailboxes of a user, and out of them.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <span>

#include <fmt/format.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/migrate/maildir.hpp"
#include "ringpost/migrate/mbox.hpp"
#include "ringpost/migrate/move.hpp"

#include "account_access.hpp"
#include "files.hpp"
#include "mailbox_commands.hpp"
#include "spool_progress.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

struct MoveWishes {
  std::string user, place, format;
  std::vector<std::string> mailboxes;  // empty: all
  // import
  std::string into;  // the name of what is INBOX there, or of the only mailbox
  bool new_uids = false, dry_run = false;
  std::string login, password_file;
  bool any_certificate = false, clear_text = false;
  // export
  bool uids = false;
};

// What was done, mailbox by mailbox.
class Report {
 public:
  explicit Report(const Context& context)
      : context_(context),
        table_({"MAILBOX", ">FOUND", ">MOVED", ">KNOWN", ">FAILED", ">SIZE", "UIDS"},
               context.wide ? std::string::npos : kCellWidthMax) {}

  void add(const std::string& name, const migrate::Moved& moved) {
    total_.found += moved.found;
    total_.moved += moved.moved;
    total_.known += moved.known;
    total_.failed += moved.failed;
    total_.bytes += moved.bytes;
    if (context_.json) context_.out(to_string(json(moved).set("mailbox", name)) + "\n");
    table_.add({printable(name), std::to_string(moved.found), std::to_string(moved.moved),
                std::to_string(moved.known), std::to_string(moved.failed),
                size_text(static_cast<std::int64_t>(moved.bytes)), moved.uids_kept ? "kept" : "new"});
  }
  // Mailboxes of others than the user.
  void left_out(std::uint64_t mailboxes) { left_out_ = mailboxes; }
  // `done`: all mailboxes were gone through.
  int finish(std::string_view what, bool done) {
    const bool whole = done && all_ && total_.failed == 0;
    if (context_.json)
      context_.out(to_string(json(total_).set("left_out", left_out_).set("done", whole)) + "\n");
    else
      context_.out((table_.empty() ? "" : table_.text()) +
                   fmt::format("{} {}, {} were there, {} failed\n", plural(total_.moved, "message"), what,
                               total_.known, total_.failed) +
                   (left_out_ == 0 ? ""
                                   : fmt::format("{} of other users or shared left out\n",
                                                 left_out_ == 1 ? "1 mailbox"
                                                                : fmt::format("{} mailboxes", left_out_))));
    return whole && notes_ == 0 ? kDone : kFindings;
  }
  // A mailbox could not be moved, or not all of it.
  void fail(const std::string& mailbox, const Error& error) {
    all_ = false;
    note((mailbox.empty() ? "\"\"" : mailbox) + ": " + error.text);
  }
  void note(const std::string& text) {
    ++notes_;
    complain(context_, printable(text));
  }

 private:
  static Json json(const migrate::Moved& moved) {
    return Json()
        .set("found", moved.found)
        .set("moved", moved.moved)
        .set("known", moved.known)
        .set("failed", moved.failed)
        .set("bytes", moved.bytes)
        .set("uids_kept", moved.uids_kept);
  }
  const Context& context_;
  TextTable table_;
  migrate::Moved total_;
  std::uint64_t notes_ = 0;
  std::uint64_t left_out_ = 0;
  bool all_ = true;  // mailboxes
};

bool is_wanted(const MoveWishes& wishes, const std::string& name) {
  if (wishes.mailboxes.empty()) return true;
  return std::ranges::any_of(wishes.mailboxes, [&](const std::string& wanted) {
    return name == wanted || name.starts_with(wanted + "/");
  });
}

// Of this mailbox alone: its name fits nowhere, or something else has it. The others are tried.
bool is_of_one(const Error& error) {
  return error.kind == ErrorKind::permanent && error.system != ENOSPC && error.system != EDQUOT &&
         error.system != EROFS;
}

// Every mailbox that is wanted has had its turn, or one of them has shown that there is no use in going on.
template <class Move>
Result<void> for_each_wanted(const Context& context, const MoveWishes& wishes,
                             std::span<const migrate::MailboxFacts> mailboxes, Report& report, Move move) {
  for (const migrate::MailboxFacts& mailbox : mailboxes) {
    if (!is_wanted(wishes, mailbox.name)) continue;
    migrate::Moved moved;
    SpoolProgress progress(context, printable(mailbox.name));
    const auto done =
        move(mailbox, [&](std::uint64_t at, std::uint64_t total) { progress.show(at, total); }, moved);
    report.add(mailbox.name, moved);
    if (done) continue;
    if (!is_of_one(done.error())) return done;
    report.fail(mailbox.name, done.error());
  }
  return {};
}

// ---- import

Result<std::unique_ptr<migrate::Source>> open_imap(const Context& context, const MoveWishes& wishes,
                                                   const migrate::ImapAddress& address) {
  migrate::ImapLogin login{.name = wishes.login.empty() ? wishes.user : wishes.login,
                           .password = {},
                           .verify = !wishes.any_certificate,
                           .needs_tls = !wishes.clear_text};
  if (wishes.password_file.empty()) {
    login.password = RP_TRY(ask_known_password(context));
  } else {
    login.password = RP_TRY(read_whole(wishes.password_file, Bytes{kPasswordSizeMax}));
    while (login.password.ends_with('\n') || login.password.ends_with('\r')) login.password.pop_back();
  }
  return migrate::ImapServer::connect(address, login);
}

Result<std::unique_ptr<migrate::Source>> open_source(const Context& context, const MoveWishes& wishes,
                                                     const migrate::Note& note) {
  if (wishes.place.find("://") != std::string::npos) {
    const auto address = migrate::parse_imap_address(wishes.place);
    if (!address)
      return fail(ErrorKind::permanent,
                  wishes.place + " is no IMAP server; write imaps://HOST or imap://HOST:PORT");
    return open_imap(context, wishes, *address);
  }
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(wishes.place, error);
  const bool maildir =
      wishes.format.empty() ? is_folder && migrate::is_maildir(wishes.place) : wishes.format == "maildir";
  if (maildir) return migrate::read_maildir(wishes.place, {.new_uids = wishes.new_uids}, note);
  return migrate::read_mbox(wishes.place, {.new_uids = wishes.new_uids}, note);
}

// INBOX becomes `into`, and the others go below it; without it all keep their names.
std::string target_name(const MoveWishes& wishes, const std::string& name) {
  if (wishes.into.empty()) return name;
  return name == "INBOX" ? wishes.into : wishes.into + "/" + name;
}

Result<void> import_all(const Context& context, const MoveWishes& wishes, migrate::Source& source,
                        migrate::ImapServer& server, Report& report, const migrate::Note& note) {
  const auto mailboxes = RP_TRY(source.mailboxes());
  report.left_out(source.left_out());
  if (std::ranges::none_of(mailboxes, [&](const auto& each) { return is_wanted(wishes, each.name); }))
    return fail(ErrorKind::permanent, "there is no such mailbox; without --mailbox all are imported");
  return for_each_wanted(
      context, wishes, mailboxes, report,
      [&](const migrate::MailboxFacts& mailbox, const migrate::Progress& progress, migrate::Moved& moved) {
        return migrate::import_mailbox(
            source, server,
            {.from = mailbox, .to = target_name(wishes, mailbox.name), .dry_run = wishes.dry_run}, progress,
            note, moved);
      });
}

int import_mail(Context& context, const MoveWishes& wishes) {
  Report report(context);
  const migrate::Note note = [&](const std::string& text) { report.note(text); };
  const auto opened = open_mailboxes(context, wishes.user, true);
  if (!opened.server) return opened.exit_code;
  const auto source = open_source(context, wishes, note);
  if (!source) return fail_with(context, source.error());
  const auto done = import_all(context, wishes, **source, *opened.server, report, note);
  if (!done) {
    complain(context, printable(done.error().text),
             "what was moved stays; mend it and run the command again, which brings the rest");
    (void)report.finish("imported", false);
    return kFindings;
  }
  return report.finish(wishes.dry_run ? "would be imported" : "imported", true);
}

// ---- export

Result<void> export_all(const Context& context, const MoveWishes& wishes, migrate::Source& source,
                        Report& report, const migrate::Note& note) {
  const auto mailboxes = RP_TRY(source.mailboxes());
  report.left_out(source.left_out());
  if (std::ranges::none_of(mailboxes, [&](const auto& each) { return is_wanted(wishes, each.name); }))
    return fail(ErrorKind::permanent, "there is no such mailbox; ringpost mailbox list USER shows them");
  const auto target = RP_TRY(wishes.format == "mbox" ? migrate::write_mbox(wishes.place, wishes.uids, note)
                                                     : migrate::write_maildir(wishes.place, note));
  RP_CHECK(for_each_wanted(
      context, wishes, mailboxes, report,
      [&](const migrate::MailboxFacts& mailbox, const migrate::Progress& progress, migrate::Moved& moved) {
        return migrate::export_mailbox(source, *target, mailbox, progress, note, moved);
      }));
  return target->finish();
}

int export_mail(Context& context, const MoveWishes& wishes) {
  const auto opened = open_mailboxes(context, wishes.user);
  if (!opened.server) return opened.exit_code;
  Report report(context);
  const migrate::Note note = [&](const std::string& text) { report.note(text); };
  const auto done = export_all(context, wishes, *opened.server, report, note);
  if (done) return report.finish("exported", true);
  (void)report.finish("exported", false);
  return fail_with(context, done.error());
}

}  // namespace

void add_mailbox_move_commands(CLI::App& family, Registry& registry) {
  Context& context = registry.context;
  const auto in = std::make_shared<MoveWishes>();
  CLI::App* importing =
      registry.leaf(family, "import",
                    "Brings mail of a Maildir, an mbox or another IMAP server into the mailboxes of a user",
                    "  ringpost mailbox import anna@example.com /home/anna/Maildir",
                    [&context, in] { return import_mail(context, *in); });
  importing->add_option("USER", in->user, "Whose mail it becomes")->required();
  importing->add_option("SOURCE", in->place, "A Maildir, an mbox, a folder of mboxes, or imaps://HOST")
      ->required();
  importing->add_option("--format", in->format, "What SOURCE is, where it does not show")
      ->check(CLI::IsMember({"maildir", "mbox"}));
  importing->add_option("--mailbox", in->mailboxes, "Only this one and what is below it")
      ->allow_extra_args(false);
  importing->add_option("--into", in->into, "The mailbox that takes INBOX; the others go below it");
  importing->add_flag("--new-uids", in->new_uids, "Do not keep the UIDs of SOURCE");
  importing->add_flag("--dry-run", in->dry_run, "Say what would be moved");
  importing->add_option("--login", in->login, "The name to log in with at the IMAP server; else USER");
  importing->add_option("--password-file", in->password_file, "Holds its password; else it is asked for");
  importing->add_flag("--any-certificate", in->any_certificate,
                      "Do not verify the certificate of the IMAP server");
  importing->add_flag("--clear-text", in->clear_text, "Log in without TLS where the IMAP server has none");

  const auto out = std::make_shared<MoveWishes>();
  out->format = "maildir";
  CLI::App* exporting = registry.leaf(
      family, "export", "Writes the mail of a user into a Maildir or into mboxes; changes nothing here",
      "  ringpost mailbox export anna@example.com /var/backups/anna",
      [&context, out] { return export_mail(context, *out); });
  exporting->add_option("USER", out->user, "Whose mail")->required();
  exporting->add_option("FOLDER", out->place, "Made, or empty")->required();
  exporting->add_option("--format", out->format, "maildir or mbox")
      ->capture_default_str()
      ->check(CLI::IsMember({"maildir", "mbox"}));
  exporting->add_option("--mailbox", out->mailboxes, "Only this one and what is below it")
      ->allow_extra_args(false);
  exporting->add_flag("--uids", out->uids, "Write UIDs into mboxes too; a Maildir has them always");
}

}  // namespace ringpost::command
