// filter learn ham|spam: teaches Bayes from files. A running server takes it in by itself.
#include <ctime>

#include <fmt/format.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/filter/bayes.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/tables/bayes.hpp"

#include "families.hpp"
#include "filter_commands.hpp"
#include "mail_files.hpp"
#include "spool_progress.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

struct LearnArguments {
  std::vector<std::string> paths;
  bool forget = false;
};

// Lessons on their way to the file: so many in one transaction.
class Teacher {
 public:
  Teacher(const FilterSetup& setup, tables::Bayes& bayes, tables::Learned kind, std::string owner,
          bool forget)
      : setup_(setup),
        bayes_(bayes),
        kind_(kind),
        owner_(std::move(owner)),
        forget_(forget),
        view_settings_(filter::make_view_settings(setup.rules->settings())),
        now_(std::time(nullptr)) {}

  Result<void> take(std::string_view mail) {
    ++read_;
    const filter::Facts facts;
    const filter::MessageView message(mail, view_settings_, facts, scratch_);
    if (filter::is_ignored_by_bayes(message, setup_.bayes_settings)) {
      ++ignored_;
      return {};
    }
    filter::BayesReader reader(message, setup_.bayes_settings);
    while (reader.advance()) {
    }
    // A date that lies ahead would keep its tokens for ever.
    const std::int64_t time = std::min(filter::received_time(message).value_or(now_), now_);
    lessons_.push_back({.owner = owner_,
                        .message = filter::learning_id(message),
                        .as = kind_,
                        .time = time,
                        .tokens = {reader.tokens().begin(), reader.tokens().end()}});
    if (lessons_.size() < kLessonsOfABatch) return {};
    return finish();
  }

  Result<void> finish() {
    const auto outcome = forget_ ? bayes_.forget(lessons_) : bayes_.learn(lessons_, now_);
    if (!outcome) return std::unexpected(outcome.error());
    lessons_.clear();
    outcome_.learned += outcome->learned;
    outcome_.relearned += outcome->relearned;
    outcome_.forgotten += outcome->forgotten;
    outcome_.unchanged += outcome->unchanged;
    RP_CHECK(bayes_.compact());
    return {};
  }

  Json json(const tables::BayesFigures& figures) const {
    Json json;
    json.set("read", read_)
        .set("learned", outcome_.learned)
        .set("relearned", outcome_.relearned)
        .set("forgotten", outcome_.forgotten)
        .set("unchanged", outcome_.unchanged)
        .set("ignored", ignored_);
    return std::move(json.set("spam", figures.spam).set("ham", figures.ham));
  }
  std::string text(const tables::BayesFigures& figures) const {
    std::string text = forget_
                           ? fmt::format("forgot {} of {}", outcome_.forgotten, plural(read_, "mail"))
                           : fmt::format("learned {} of {} as {}", outcome_.learned, plural(read_, "mail"),
                                         kind_ == tables::Learned::spam ? "spam" : "ham");
    if (outcome_.relearned > 0)
      text += fmt::format("; {} had been learned as {}", outcome_.relearned,
                          kind_ == tables::Learned::spam ? "ham" : "spam");
    if (outcome_.unchanged > 0)
      text += fmt::format("; {} {}", outcome_.unchanged, forget_ ? "were not known" : "were known");
    if (ignored_ > 0) text += fmt::format("; {} are ignored (bayes_ignore_from, bayes_ignore_to)", ignored_);
    const filter::BayesSettings& settings = setup_.bayes_settings;
    text += fmt::format("\nBayes knows {} spam and {} ham now", figures.spam, figures.ham);
    if (figures.spam < settings.spam_min || figures.ham < settings.ham_min)
      text += fmt::format("; it has an opinion from {} and {} on", settings.spam_min, settings.ham_min);
    return text + "\n";
  }

 private:
  static constexpr std::size_t kLessonsOfABatch = 100;
  const FilterSetup& setup_;
  tables::Bayes& bayes_;
  tables::Learned kind_;
  std::string owner_;
  bool forget_;
  filter::ViewSettings view_settings_;
  std::int64_t now_;
  patterns::Scratch scratch_;
  std::vector<tables::BayesLesson> lessons_;
  tables::BayesOutcome outcome_;
  std::uint64_t read_ = 0, ignored_ = 0;
};

Result<std::vector<MailFile>> all_files(const std::vector<std::string>& paths) {
  std::vector<MailFile> files;
  for (const std::string& path : paths)
    for (MailFile& file : RP_TRY(mail_files(path))) files.push_back(std::move(file));
  return files;
}

Result<void> read_files(const Context& context, const std::vector<MailFile>& files, std::size_t size_max,
                        Teacher& teacher) {
  std::uint64_t total = 0, before = 0;
  for (const MailFile& file : files) total += file.size;
  SpoolProgress progress(context, "learning");
  for (const MailFile& file : files) {
    Result<void> taught;
    RP_CHECK(for_each_mail(file, size_max, [&](const MailInFile& mail) {
      taught = teacher.take(mail.text);
      progress.show(before + mail.read, total);
      return taught.has_value();
    }));
    RP_CHECK(std::move(taught));
    before += file.size;
  }
  return teacher.finish();
}

int learn(Context& context, const FilterArguments& arguments, const LearnArguments& what,
          tables::Learned kind) {
  const auto setup = filter_setup(context, arguments);
  if (!setup) return fail_with(context, setup.error());
  if (!setup->bayes_settings.used) {
    complain(context, "the rules switch Bayes off (use_bayes, use_learner or use_bayes_rules is 0)");
    return kFindings;
  }
  if (setup->bayes_file.empty()) {
    complain(context, "there is no folder for what is learned", "name a file with --bayes");
    return kFindings;
  }
  const auto files = all_files(what.paths);
  if (!files) return fail_with(context, files.error());
  const auto bayes = tables::Bayes::open(setup->bayes_file, {.tokens_max = setup->bayes_settings.tokens_max});
  if (!bayes) return fail_with(context, bayes.error());
  Teacher teacher(*setup, **bayes, kind, arguments.user, what.forget);
  if (const auto done = read_files(context, *files, setup->scan_size.count, teacher); !done)
    return fail_with(context, done.error());
  const auto figures = (*bayes)->figures();
  if (!figures) return fail_with(context, figures.error());
  context.out(context.json ? to_string(teacher.json(*figures)) + "\n" : teacher.text(*figures));
  return kDone;
}

}  // namespace

void add_filter_learn_commands(CLI::App& family, Registry& registry) {
  CLI::App* learning = Registry::family(family, "learn", "Teaches Bayes what is spam and what is not");
  for (const auto& [name, kind] :
       {std::pair{"ham", tables::Learned::ham}, std::pair{"spam", tables::Learned::spam}}) {
    const auto what = std::make_shared<LearnArguments>();
    CLI::App* leaf = add_filter_leaf(
        registry, *learning,
        {name,
         fmt::format("Learns mails as {}; those that were learned as the other kind change sides", name),
         fmt::format("  ringpost filter learn {} ~/Maildir/.Archive mbox spam.eml", name)},
        [what, kind](Context& context, const FilterArguments& arguments) {
          return learn(context, arguments, *what, kind);
        });
    leaf->add_option("PATH", what->paths, "Mails in files, folders of files, Maildirs, mboxes")->required();
    leaf->add_flag("--forget", what->forget, "Take back what was learned from them");
  }
}

}  // namespace ringpost::command
