#include "scenario.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "ringpost/config/toml_text.hpp"

#include "argument_types.hpp"
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

Result<SmtpOptions> run_of(const OptionValue& table, const std::string& name, const std::string& file) {
  CLI::App app;
  app.set_help_flag();
  SmtpOptions options;
  options.common.cores.offload_threads = 1;
  add_smtp(app, options);
  RP_CHECK(parse_table(app, table, file));
  options.name = name;
  if (const std::string wrong = complaint(options); !wrong.empty())
    return fail(ErrorKind::permanent, file + ": run." + name + ": " + wrong);
  return options;
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

int run_scenario(const std::string& path) {
  const auto complain = [](const std::string& text) {
    fmt::print(stderr, "loadgen: {}\n", text);
    return 2;
  };
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
    for (SmtpOptions run : scenario->runs) {
      const std::string number = scenario->repeat > 1 ? "-" + std::to_string(round) : "";
      run.run_file = fmt::format("{}/{}{}.json", scenario->folder, run.name, number);
      if (!run.common.json) fmt::print("{}{}\n", run.name, number);
      const int code = run_smtp(run, signals);
      if (code == 2 || signals.came()) return code;
      worst = std::max(worst, code);
      if (!run.common.json) fmt::print("\n");
    }
  return worst;
}

}  // namespace ringpost::loadgen
