#include "scenario.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "ringpost/config/toml_text.hpp"

#include "access.hpp"
#include "access_arguments.hpp"
#include "argument_types.hpp"
#include "clean_text.hpp"
#include "limits.hpp"
#include "output.hpp"
#include "process.hpp"
#include "smtp.hpp"
#include "smtp_arguments.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kScenarioBytesMax = std::size_t{1} << 20;
constexpr std::uint64_t kRepeatMax = 1000;

// `over` on top of `base`: both are tables.
OptionValue merged(OptionValue base, const OptionValue& over) {
  auto* const entries = std::get_if<OptionValue::Table>(&base.value);
  for (const OptionEntry& entry : *over.as<OptionValue::Table>()) {
    const auto known = std::ranges::find(*entries, entry.key, &OptionEntry::key);
    if (known != entries->end())
      known->value = entry.value;
    else
      entries->push_back(entry);
  }
  base.source = over.source;
  return base;
}

using Run = std::variant<SmtpOptions, AccessOptions>;

// Takes "load" out of the table: "smtp", "imap" or "pop3".
Result<Run> load_of(OptionValue& table, const std::string& file) {
  auto* const entries = std::get_if<OptionValue::Table>(&table.value);
  const auto found = std::ranges::find(*entries, "load", &OptionEntry::key);
  if (found == entries->end()) return Run(SmtpOptions());
  const auto* text = found->value.as<std::string>();
  const std::string load = text == nullptr ? "" : *text;
  const int line = static_cast<int>(found->value.source.line);
  entries->erase(found);
  if (load == "smtp") return Run(SmtpOptions());
  if (load == "imap") return Run(AccessOptions(AccessProtocol::imap));
  if (load == "pop3") return Run(AccessOptions(AccessProtocol::pop3));
  return fail(ErrorKind::permanent, fmt::format("{}:{}: load is \"smtp\", \"imap\" or \"pop3\"", file, line));
}

void add_options(CLI::App& app, SmtpOptions& options) {
  add_smtp(app, options);
}
void add_options(CLI::App& app, AccessOptions& options) {
  add_access(app, options);
}

// The name becomes a file of the folder; what a run is called and where it goes is said in one place only.
std::string name_complaint(const OptionValue& table, const std::string& name) {
  if (name.empty() || name.starts_with('.') || name.find_first_of("/\\") != std::string::npos ||
      clean_text(name) != name)
    return "\"" + clean_text(name) + "\" cannot be the name of a file";
  for (const std::string_view key : {"run_file", "run-file", "name"})
    if (table.find(key) != nullptr)
      return std::string(key) + " is given by the name of the table and by folder";
  return {};
}

Result<Run> run_of(OptionValue table, const std::string& name, const std::string& file) {
  if (const std::string wrong = name_complaint(table, name); !wrong.empty())
    return fail(ErrorKind::permanent,
                fmt::format("{}:{}: run.{}: {}", file, table.source.line, clean_text(name), wrong));
  Run run = RP_TRY(load_of(table, file));
  RP_CHECK(std::visit(
      [&](auto& options) -> Result<void> {
        CLI::App app;
        app.set_help_flag();
        options.common.cores.offload_threads = 1;
        add_options(app, options);
        RP_CHECK(parse_table(app, table, file));
        options.name = name;
        if (const std::string wrong = complaint(options); !wrong.empty())
          return fail(ErrorKind::permanent, file + ": run." + name + ": " + wrong);
        return {};
      },
      run));
  return run;
}

int run_one(const SmtpOptions& options, Signals& signals) {
  return run_smtp(options, signals);
}
int run_one(const AccessOptions& options, Signals& signals) {
  return run_access(options, signals);
}

// The keys of the file itself.
Result<void> take_settings(const OptionValue& root, const std::string& file, Scenario& scenario) {
  for (const OptionEntry& entry : *root.as<OptionValue::Table>()) {
    const std::string place = file + ":" + std::to_string(entry.value.source.line) + ": ";
    const auto* text = entry.value.as<std::string>();
    const auto* number = entry.value.as<std::int64_t>();
    if (entry.key == "folder" && text != nullptr) {
      scenario.folder = *text;
    } else if (entry.key == "repeat" && number != nullptr && *number >= 1 &&
               *number <= static_cast<std::int64_t>(kRepeatMax)) {
      scenario.repeat = static_cast<std::uint64_t>(*number);
    } else if ((entry.key != "all" && entry.key != "run") ||
               entry.value.as<OptionValue::Table>() == nullptr) {
      return fail(ErrorKind::permanent, place + entry.key + " is not known here, or not of this form");
    }
  }
  return {};
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view text, const std::string& file) {
  const config::TomlText toml = config::read_toml(text, 0);
  if (!toml.errors.empty())
    return fail(ErrorKind::permanent,
                file + ":" + std::to_string(toml.errors[0].line) + ": " + toml.errors[0].message);
  Scenario scenario;
  RP_CHECK(take_settings(toml.root, file, scenario));
  const OptionValue* const all = toml.root.find("all");
  const OptionValue* const runs = toml.root.find("run");
  if (runs == nullptr) return fail(ErrorKind::permanent, file + ": no table [run.NAME]");
  for (const OptionEntry& run : RP_TRY(tables_of(*runs, file))) {
    const OptionValue whole =
        merged(all == nullptr ? OptionValue{.value = OptionValue::Table{}} : *all, run.value);
    scenario.runs.push_back(RP_TRY(run_of(whole, run.key, file)));
  }
  return scenario;
}

namespace {

// `run` in its round.
template <class Options>
int run_numbered(Options run, const Scenario& scenario, std::uint64_t round, Signals& signals) {
  const std::string number = scenario.repeat > 1 ? "-" + std::to_string(round) : "";
  run.run_file = fmt::format("{}/{}{}.json", scenario.folder, run.name, number);
  if (!run.common.json && output(run.name + number + "\n", 0) != 0) return kFailed;
  const int code = run_one(run, signals);
  if (!run.common.json && code != kFailed) return output("\n", code);
  return code;
}

}  // namespace

int run_scenario(const std::string& path) {
  const auto text = read_file(path, kScenarioBytesMax);
  if (!text) return complain(text.error().text);
  const auto scenario = parse_scenario(*text, path);
  if (!scenario) return complain(scenario.error().text);
  std::error_code error;
  std::filesystem::create_directories(scenario->folder, error);
  if (error) return complain(scenario->folder + ": " + error.message());
  Signals signals;
  int worst = 0;
  for (std::uint64_t round = 1; round <= scenario->repeat; ++round)
    for (const Run& one : scenario->runs) {
      const int code =
          std::visit([&](auto run) { return run_numbered(std::move(run), *scenario, round, signals); }, one);
      if (code == kFailed || code == kLinesLost || signals.came()) return code;
      worst = std::max(worst, code);
    }
  return worst;
}

}  // namespace ringpost::loadgen
