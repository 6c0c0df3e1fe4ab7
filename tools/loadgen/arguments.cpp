#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <sstream>
#include <string>

#include "access.hpp"
#include "access_arguments.hpp"
#include "argument_types.hpp"
#include "compare.hpp"
#include "config_edit.hpp"
#include "limits.hpp"
#include "option_rules.hpp"
#include "output.hpp"
#include "report_command.hpp"
#include "scenario.hpp"
#include "sink.hpp"
#include "sink_arguments.hpp"
#include "smtp.hpp"
#include "smtp_arguments.hpp"
#include "tune.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::string_view kAbout =
    R"(Sends mail at full speed, takes it at full speed, and compares the two; reads mailboxes as many clients do.

Which is lost when a server is killed?
  loadgen sink --listen 127.0.0.1:2600 --received got
  loadgen smtp --to 127.0.0.1:2525 --messages 100000 --acknowledged sent
  loadgen compare sent got)";

constexpr std::string_view kAboutSmtp =
    R"(Sends generated mail, or a folder of real mail, over many connections.

How much does the server take?
  loadgen smtp --to 127.0.0.1:2525 --connections 64 --duration 10s
How does it answer under a load that it should bear? (latency from when each message was due)
  loadgen smtp --to mx.example.org:25 --connections 256 --rate 2000 --duration 1m
A submission server, as a mail program would use it:
  loadgen smtp --to 127.0.0.1:587 --protocol submission --tls starttls --auth alice:secret --messages 100
How much does it take before one mail in a hundred waits longer than 50 ms?
  loadgen smtp --to 127.0.0.1:2525 --connections 64 --search-p99 50ms --duration 5s
A mix of sizes and domains, at times as chance has them, with a page of all figures:
  loadgen smtp --to 127.0.0.1:2525 --rate 500 --spacing poisson --size 2KiB:60,8KiB-64KiB:40 \
      --recipient-domain a.test:70,b.test:30 --run-file mix.json
  loadgen report mix.json --html mix.html
The cheapest way for both sides:
  loadgen smtp --to 127.0.0.1:2525 --bdat

Exit code: 0 when a message was acknowledged, 1 when none was, 2 when it could not start or its result could not be written,
3 when --acknowledged could not.)";

constexpr std::string_view kAboutImap =
    R"(Reads and writes mailboxes by IMAP, as many clients at once.

How many logins does the server take, each on a connection of its own?
  loadgen imap --to 127.0.0.1:143 --auth anna@example.org:secret --do login --connections 20
How fast does a folder fill, and how fast is all of it read again?
  loadgen imap --to 127.0.0.1:143 --auth anna@example.org:secret --do append --size 4KiB --operations 10000 --connections 20
  loadgen imap --to 127.0.0.1:143 --auth anna@example.org:secret --do fetch --batch 0 --operations 10 --connections 1
What does a thousand waiting phones cost the server?
  loadgen imap --to 127.0.0.1:143 --auth user%d@example.org:secret --users 100 --do idle --connections 1000 --pid $(pidof ringpost)
What do people feel, at a rate that must be borne?
  loadgen imap --to imap.example.org:993 --tls implicit --auth user%d@example.org:secret --users 100 --do mix --rate 500 \
      --spacing poisson --connections 200 --duration 1m --run-file mix.json

Exit code: 0 when an operation was acknowledged, 1 when none was, 2 when it could not start or its result could not be written.)";

constexpr std::string_view kAboutPop3 =
    R"(Fetches mail by POP3, as many clients at once.

  loadgen pop3 --to 127.0.0.1:110 --auth anna@example.org:secret --do retr --connections 1 --operations 10000
  loadgen pop3 --to 127.0.0.1:995 --tls implicit --auth user%d@example.org:secret --users 50 --do login --connections 50
A maildrop takes one session at a time: give each connection a user of its own.
Deleted messages are gone when the last of the maildrop is, or the connection says goodbye:
  loadgen pop3 --to 127.0.0.1:110 --auth user%d@example.org:secret --users 20 --do retr:1,dele:1 --connections 20 --duration 10s

Exit code: 0 when an operation was acknowledged, 1 when none was, 2 when it could not start or its result could not be written.)";

constexpr std::string_view kAboutSink =
    R"(Takes all mail, checks each message by its id and checksum, keeps none.

The other end of a relay test; it plays example.org and every domain below bulk.test in DNS:
  loadgen sink --listen 127.0.0.1:2600 --dns 127.0.0.1:5300 --domains 'example.org,*.bulk.test'
A receiver that defers a tenth, refuses a hundredth for ever and is slow:
  loadgen sink --listen 127.0.0.1:2600 --reject-4xx 0.1 --reject-5xx 0.01 --delay 200ms
Several receivers at addresses of their own, each with limits and moods:
  loadgen sink --listen 127.0.0.1:2600 --dns 127.0.0.1:5300 --personas bench/personas.toml
One that never answers RCPT:
  loadgen sink --listen 127.0.0.1:2600 --stall rcpt

It runs until SIGTERM or ^C, --messages or --duration, and then prints what came.
Exit code: 0, 2 when it could not start or its result could not be written, 3 when --received could not.)";

constexpr std::string_view kAboutCompare = R"(Compares what was acknowledged with what was received.

  loadgen compare sent got
Exit code: 0 when nothing is lost and nothing corrupted, 1 otherwise, 2 when a file or a line of it cannot be read, or
there is nothing to compare. A message that came twice is told, and is no fault; so is a line that a kill cut off.)";

constexpr std::string_view kAboutRun = R"(Runs what a TOML file says, one load after the other.

  folder = "results"       # gets NAME.json for each run
  repeat = 3               # rounds; the runs of a round follow each other, so that all have the same weather
  [all]                    # options of every run, with _ for -
  to = "127.0.0.1:2525"
  duration = "10s"
  [run.data]
  connections = 64
  [run.bdat]
  connections = 64
  bdat = true
  [run.logins]
  load = "imap"            # or "pop3", and their options; without it "smtp"
  to = "127.0.0.1:143"
  auth = "anna@example.org:secret"
  do = "login"

  loadgen run scenario.toml
  loadgen report results/*.json --html report.html)";

constexpr std::string_view kAboutReport = R"(Shows runs, one alone or several beside each other.

  loadgen report run.json
  loadgen report before-*.json after-*.json --html report.html
Runs of the same name are repetitions: the others are compared with the first name, with ratio and confidence.)";

constexpr std::string_view kAboutTune =
    R"(Tries values of a server's options under load, and keeps what is better beyond noise.

  loadgen tune --config /etc/ringpost/ringpost.toml --vary cores.wait=adaptive,sleep --vary cores.submission_entries=2048,512 \
      --to 127.0.0.1:25 --connections 64 --duration 3s --out tuned.toml
The first value of each option is the present one: it stays unless another wins. The server is started and stopped for each run,
by --server, with a copy of the configuration for {config}. With --measure COMMAND any command that prints a number decides:
  loadgen tune --config ringpost.toml --vary spool.segments_ahead=4,8 --measure './measure.sh {config}'

Exit code: 0 when something better was found, 1 when all was kept, 2 when it could not be done.)";

// "cores.wait=adaptive,sleep"; "cores.use=[0];[0,1]" where values have commas.
Variation parse_variation(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) throw CLI::ValidationError("--vary", "write TABLE.KEY=VALUE,VALUE");
  const std::string values = text.substr(equals + 1);
  Variation variation{text.substr(0, equals), {}};
  for (const std::string& value : CLI::detail::split(values, values.contains(';') ? ';' : ','))
    variation.values.push_back(toml_value(value));
  for (auto value = variation.values.begin(); value != variation.values.end(); ++value)
    if (std::find(variation.values.begin(), value, *value) != value)
      throw CLI::ValidationError("--vary", text + " has " + *value + " twice");
  if (variation.values.size() < 2) throw CLI::ValidationError("--vary", text + " has no second value");
  return variation;
}

void add_tune(CLI::App& app, TuneOptions& options) {
  app.add_option("--config", options.config_file, "Of the server; it is not changed")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option_function<std::vector<std::string>>(
         "--vary",
         [&options](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) options.variations.push_back(parse_variation(text));
         },
         "An option and what to try, the present value first (several)")
      ->required()
      ->take_all()
      ->type_name("KEY=VALUES");
  app.add_option("--server", options.server, "Starts the server")->capture_default_str();
  app.add_option("--measure", options.measure, "Instead of server and load: a command that prints a number");
  app.add_flag("--less-is-better", options.less_is_better, "Of the number that --measure prints");
  choice(app, "--goal", options.goal,
         Choices<Goal>{{"rate", Goal::rate}, {"p99", Goal::p99}, {"cpu", Goal::cpu}},
         "rate: more messages; p99: less latency; cpu: less CPU of the server for each message [rate]");
  count_option(app, "--rounds", options.rounds, "Each value so often, in turn", {kRoundsMin, kRoundsMax});
  app.add_option("--out", options.out_file,
                 "Write the configuration with the reasons here, instead of printing it");
  add_smtp(app, options.load);
  app.get_option("--to")->required(false);
  hold_rules(app, kTuneRules);
}

std::string complaint(const TuneOptions& options) {
  if (options.load.to.empty() && options.measure.empty()) return "--to or --measure is needed";
  if (options.load.search_p99 > Duration{0}) return "tune compares runs of one load: no --search-p99";
  return options.measure.empty() ? complaint(options.load) : "";
}

void add_report(CLI::App& app, ReportOptions& options) {
  app.add_option("RUN", options.runs, "Files of loadgen smtp --run-file")->required();
  app.add_option("--html", options.html_file, "Write one page, complete in itself, to this file");
  app.add_option("--csv", options.csv_file,
                 "Write the seconds of all runs to this file, with those of each core and of the server");
  app.add_option("--histogram-csv", options.histogram_file,
                 "Write how often which latency came to this file");
  app.add_option("--errors-csv", options.errors_file,
                 "Write what went wrong to this file, with an example of each");
  app.add_flag("--json", options.json, "All of it as JSON: figures, errors, histograms, seconds, comparison");
}

void add_compare(CLI::App& app, CompareOptions& options) {
  app.add_option("ACKNOWLEDGED", options.acknowledged, "File of loadgen smtp --acknowledged")->required();
  app.add_option("RECEIVED", options.received, "File of loadgen sink --received")->required();
  app.add_flag("--json", options.json, "The result as JSON");
}

// Help goes to standard output, what is wrong to standard error.
int explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::string said = error.what();
  if (const std::size_t name_end = said.find(": At Most 1 required"); name_end != std::string::npos)
    return complain(said.substr(0, name_end) + " is given more than once, and takes one value");
  std::ostringstream help;
  std::ostringstream wrong;
  const int code = app.exit(error, help, wrong);
  say_text(wrong.str());
  return output(help.str(), code == 0 ? 0 : kFailed);
}

// Runs it, unless its options contradict each other.
template <class Options, class Run>
int checked(const Options& options, const Run& run_it) {
  if (const std::string wrong = complaint(options); !wrong.empty()) return complain(wrong);
  return run_it();
}

}  // namespace

int run(int count, char** texts) {
  // A reader that leaves is noticed by whoever writes.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app(std::string(kAbout), "loadgen");
  app.require_subcommand(1);
  SmtpOptions smtp;
  AccessOptions imap(AccessProtocol::imap);
  AccessOptions pop3(AccessProtocol::pop3);
  SinkOptions sink;
  CompareOptions comparison;
  for (CommonOptions* common : {&smtp.common, &imap.common, &pop3.common, &sink.common})
    common->cores.offload_threads = 1;
  CLI::App* const send = app.add_subcommand("smtp", std::string(kAboutSmtp));
  CLI::App* const read = app.add_subcommand("imap", std::string(kAboutImap));
  CLI::App* const fetch = app.add_subcommand("pop3", std::string(kAboutPop3));
  CLI::App* const take = app.add_subcommand("sink", std::string(kAboutSink));
  std::string scenario;
  CLI::App* const play = app.add_subcommand("run", std::string(kAboutRun));
  play->add_option("FILE", scenario, "TOML")->required()->check(CLI::ExistingFile);
  ReportOptions report;
  TuneOptions tune;
  tune.load.common.cores.offload_threads = 1;
  CLI::App* const adjust = app.add_subcommand("tune", std::string(kAboutTune));
  add_tune(*adjust, tune);
  CLI::App* const show = app.add_subcommand("report", std::string(kAboutReport));
  add_report(*show, report);
  CLI::App* const settle = app.add_subcommand("compare", std::string(kAboutCompare));
  add_smtp(*send, smtp);
  add_access(*read, imap);
  add_access(*fetch, pop3);
  add_sink(*take, sink);
  add_compare(*settle, comparison);
  try {
    app.parse(count, texts);
  } catch (const CLI::ParseError& error) {
    return explain(app, error);
  }
  if (adjust->parsed()) return checked(tune, [&] { return run_tune(tune); });
  if (play->parsed()) return run_scenario(scenario);
  if (show->parsed()) return run_report(report);
  if (settle->parsed()) return run_compare(comparison);
  if (take->parsed()) return checked(sink, [&] { return run_sink(std::move(sink)); });
  Signals signals;
  if (read->parsed()) return checked(imap, [&] { return run_access(imap, signals); });
  if (fetch->parsed()) return checked(pop3, [&] { return run_access(pop3, signals); });
  return checked(smtp, [&] { return run_smtp(smtp, signals); });
}

}  // namespace ringpost::loadgen
