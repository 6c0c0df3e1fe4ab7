// filter check, compile, test: the rules without the server.
#include "filter_commands.hpp"

#include <chrono>
#include <map>

#include <fmt/format.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/filter/scan.hpp"
#include "ringpost/server/rule_files.hpp"

#include "families.hpp"
#include "files.hpp"
#include "mail_files.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

std::string_view mark_of(filter::Severity severity) {
  switch (severity) {
    case filter::Severity::error:
      return "";
    case filter::Severity::unsupported:
      return "not supported: ";
    case filter::Severity::note:
      return "note: ";
  }
  return {};
}

int check_rules(Context& context, const FilterArguments& arguments) {
  const auto setup = filter_setup(context, arguments);
  if (!setup) return fail_with(context, setup.error());
  const auto engine = filter::Engine::interim(setup->rules, setup->options);
  std::size_t errors = 0;
  for (const filter::Problem& problem : server::all_problems(*engine)) {
    errors += problem.severity == filter::Severity::error ? 1 : 0;
    const std::string place = setup->rules->place_text(problem.place);
    const Mended said = split_mend(problem.text);
    if (context.json)
      context.out(to_string(Json()
                                .set("place", place)
                                .set("severity", filter::to_string(problem.severity))
                                .set("text", said.text)
                                .set("mend", said.mend)) +
                  "\n");
    else
      context.out(fmt::format("{}: {}{}\n", place, mark_of(problem.severity), printable(said.text)) +
                  (said.mend.empty() ? std::string() : fmt::format("  mend: {}\n", printable(said.mend))));
  }
  if (!context.json)
    context.out(fmt::format("{} in {}, {}\n", plural(setup->rules->rules().size(), "rule"),
                            plural(setup->rules->files().size(), "file"), plural(errors, "error")));
  return errors == 0 ? kDone : kFindings;
}

std::string input_name(filter::Engine::Input input) {
  switch (input) {
    case filter::Engine::Input::header:
      return "header";
    case filter::Engine::Input::body:
      return "body";
    case filter::Engine::Input::rawbody:
      return "rawbody";
    case filter::Engine::Input::full:
      return "full";
    case filter::Engine::Input::uri:
      return "uri";
    case filter::Engine::Input::mimeheader:
      return "mimeheader";
  }
  return {};
}

// How many expressions of each input go which way.
struct Ways {
  std::array<std::size_t, 5> counts{};
  std::size_t bytes = 0;
};

int compile_rules(Context& context, const FilterArguments& arguments) {
  const auto setup = filter_setup(context, arguments);
  if (!setup) return fail_with(context, setup.error());
  const auto start = std::chrono::steady_clock::now();
  const ReadyEngine ready = ready_engine(*setup, true);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::map<std::string, Ways> inputs;
  for (const filter::Engine::Group& group : ready.engine->groups()) {
    Ways& ways = inputs[input_name(group.input)];
    ways.bytes += group.set->database_size();
    for (std::size_t n = 0; n < group.set->size(); ++n)
      ++ways.counts[static_cast<std::size_t>(group.set->way(n))];
  }
  TextTable table({"INPUT", ">EXACT", ">PREFILTER", ">LITERAL", ">ALONE", ">BROKEN", ">SIZE"}, kCellWidthMax);
  for (const auto& [name, ways] : inputs) {
    if (context.json)
      context.out(to_string(Json()
                                .set("input", name)
                                .set("exact", ways.counts[0])
                                .set("prefilter", ways.counts[1])
                                .set("literal", ways.counts[2])
                                .set("alone", ways.counts[3])
                                .set("broken", ways.counts[4])
                                .set("bytes", ways.bytes)) +
                  "\n");
    std::vector<std::string> row{name};
    for (const std::size_t count : ways.counts) row.push_back(std::to_string(count));
    row.push_back(size_text(static_cast<std::int64_t>(ways.bytes)));
    table.add(std::move(row));
  }
  if (!context.json) {
    context.out(table.text());
    context.out(fmt::format("compiled in {:.1f} s", seconds));
    context.out(ready.cache_path.empty()    ? std::string("; there is no folder for the cache\n")
                : ready.cache_error.empty() ? fmt::format("; kept in {}\n", ready.cache_path)
                                            : fmt::format("; not kept: {}\n", ready.cache_error));
  }
  return ready.cache_error.empty() ? kDone : kFindings;
}

Json hit_json(const filter::RuleSet& rules, const filter::Hit& hit) {
  return Json().set("rule", rules.rule(hit.rule).name).set("score", hit.score).set("count", hit.count);
}

Json::List words_json(const BayesOpinion& opinion) {
  Json::List words;
  for (const BayesOpinion::Word& word : opinion.words)
    words.push_back(Json()
                        .set("token", word.text)
                        .set("probability", word.probability)
                        .set("spam", std::uint64_t{word.count.spam})
                        .set("ham", std::uint64_t{word.count.ham}));
  return words;
}

void print_opinion(Context& context, const BayesOpinion& opinion, bool all) {
  context.out(fmt::format("Bayes: {:.4f}, of {}: {} known, {} of them for spam and {} for ham\n",
                          *opinion.judgement.probability, plural(opinion.tokens, "token"),
                          opinion.judgement.known, opinion.judgement.spammy, opinion.judgement.hammy));
  if (!all) return;
  TextTable table({">PROBABILITY", ">SPAM", ">HAM", "TOKEN"}, kCellWidthMax);
  for (const BayesOpinion::Word& word : opinion.words)
    table.add({fmt::format("{:.3f}", word.probability), std::to_string(word.count.spam),
               std::to_string(word.count.ham), printable(word.text)});
  context.out(table.text());
}

void print_verdict(Context& context, const filter::Engine& engine, const std::string& name,
                   const filter::Verdict& verdict, const BayesOpinion& opinion, bool all) {
  const filter::RuleSet& rules = engine.rules();
  if (context.json) {
    Json::List hits, hidden;
    for (const filter::Hit& hit : verdict.hits) hits.push_back(hit_json(rules, hit));
    for (const filter::Hit& hit : verdict.hidden_hits) hidden.push_back(hit_json(rules, hit));
    Json json;
    json.set("file", name)
        .set("score", verdict.score)
        .set("required", verdict.required)
        .set("spam", verdict.spam());
    json.set("hits", std::move(hits));
    if (all) json.set("parts", std::move(hidden));
    if (opinion.judgement.probability) json.set("bayes", *opinion.judgement.probability);
    if (all && !opinion.words.empty()) json.set("tokens", words_json(opinion));
    json.set("bytes_read", verdict.bytes_read)
        .set("gave_up", verdict.gave_up)
        .set("cut_short", verdict.cut_short);
    context.out(to_string(json) + "\n");
    return;
  }
  context.out(fmt::format("{}: {}, score {:.1f} of {:.1f}\n", name, verdict.spam() ? "spam" : "no spam",
                          verdict.score, verdict.required));
  TextTable table({">SCORE", "RULE", "DESCRIPTION"}, kCellWidthMax);
  const auto add = [&](const filter::Hit& hit) {
    const filter::Rule& rule = rules.rule(hit.rule);
    table.add({fmt::format("{:.1f}", hit.score), rule.name, printable(rule.description)});
  };
  for (const filter::Hit& hit : verdict.hits) add(hit);
  if (all)
    for (const filter::Hit& hit : verdict.hidden_hits) add(hit);
  if (!table.empty()) context.out(table.text());
  if (opinion.judgement.probability) print_opinion(context, opinion, all);
  if (verdict.cut_short)
    context.out("the mail costs more than one may; the rest of the rules was left out\n");
}

// A file of a mail: an mbox line at its start is not part of it.
std::string_view mail_in(std::string_view text, Bytes size_max) {
  if (text.starts_with("From ")) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, size_max.count);
}

int test_mails(Context& context, const FilterArguments& arguments, const std::vector<std::string>& files) {
  const auto setup = filter_setup(context, arguments);
  if (!setup) return fail_with(context, setup.error());
  const ReadyEngine ready = ready_engine(*setup);
  patterns::Scratch scratch;
  for (const std::string& file : files) {
    if (const auto regular = regular_file(file); !regular) return fail_with(context, regular.error());
    const auto text = read_whole(file, kNamedFileMax);
    if (!text) return fail_with(context, text.error());
    filter::Facts facts;
    const filter::MessageView message(mail_in(*text, setup->scan_size), ready.engine->view_settings(), facts,
                                      scratch);
    const BayesOpinion opinion = setup->bayes ? setup->bayes->opinion(message) : BayesOpinion{};
    facts.bayes = opinion.judgement.probability;
    filter::Scan scan(ready.engine, message, facts, scratch);
    while (scan.advance()) {
    }
    print_verdict(context, *ready.engine, file, scan.verdict(), opinion, arguments.all);
  }
  return kDone;
}

}  // namespace

CLI::App* add_filter_leaf(Registry& registry, CLI::App& parent, const FilterLeaf& leaf,
                          std::function<int(Context&, const FilterArguments&)> run) {
  Context& context = registry.context;
  const auto arguments = std::make_shared<FilterArguments>();
  CLI::App* command =
      registry.leaf(parent, leaf.name, leaf.help, leaf.example,
                    [&context, arguments, run = std::move(run)] { return run(context, *arguments); });
  command
      ->add_option("--rules", arguments->rules,
                   "A rule file or folder, instead of those of the configuration; may be given again")
      ->allow_extra_args(false);
  command->add_option("--cache", arguments->cache,
                      "Folder for what was compiled, instead of the state directory");
  command
      ->add_option(
          "--score-set", arguments->score_set,
          "plain, net, bayes or bayes-net: which column of scores; auto: plain, or bayes when it is trained")
      ->capture_default_str();
  command->add_option("--bayes", arguments->bayes,
                      "What Bayes learned, instead of bayes.db in the state directory");
  command->add_option("--user", arguments->user, "What Bayes learned for this user alone");
  command->add_flag("--local", arguments->local, "Rules see that there is no network (local_tests_only)");
  command->add_flag("--all", arguments->all, "Parts of metas (names with __) too");
  return command;
}

void add_filter_commands(CLI::App& app, Registry& registry) {
  CLI::App* family =
      Registry::family(app, "filter", "The spam filter: its rules, and what they say of a mail");
  add_filter_leaf(registry, *family,
                  {"check", "Reads the rules and names what is wrong with them", "  ringpost filter check"},
                  check_rules);
  add_filter_show_commands(*family, registry);
  add_filter_leaf(
      registry, *family,
      {"compile", "Compiles the rules and keeps the result for the next start", "  ringpost filter compile"},
      compile_rules);
  const auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* test = add_filter_leaf(registry, *family,
                                   {"test", "Judges mails in files, without the network",
                                    "  ringpost filter test spam.eml\n  ringpost filter test --json *.eml"},
                                   [files](Context& context, const FilterArguments& arguments) {
                                     return test_mails(context, arguments, *files);
                                   });
  test->add_option("FILE", *files, "A mail as it came")->required();
  add_filter_lint_command(*family, registry);
  add_filter_learn_commands(*family, registry);
  add_filter_quarantine_commands(*family, registry);
}

}  // namespace ringpost::command
