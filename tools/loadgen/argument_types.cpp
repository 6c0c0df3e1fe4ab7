#include "argument_types.hpp"

#include <algorithm>
#include <charconv>

#include "ringpost/shard/limits.hpp"

namespace ringpost::loadgen {

namespace {

Result<unsigned> parse_cpu(std::string_view text) {
  unsigned cpu = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc{} || end != text.data() + text.size() || cpu > 65535)
    return fail(ErrorKind::permanent, std::string(text) + " is no CPU; write \"0,1\", \"0-3\" or \"all\"");
  return cpu;
}

// "0,2-3"
Result<decltype(shard::CoreOptions::use)> parse_cores(const std::string& text) {
  if (text == "all") return decltype(shard::CoreOptions::use){};
  std::vector<unsigned> cpus;
  for (const std::string& part : RP_TRY(words(text))) {
    const std::size_t dash = part.find('-');
    const unsigned first = RP_TRY(parse_cpu(std::string_view(part).substr(0, dash)));
    const unsigned last =
        dash == std::string::npos ? first : RP_TRY(parse_cpu(std::string_view(part).substr(dash + 1)));
    for (unsigned cpu = first; cpu <= last && cpus.size() < shard::kCoresMax; ++cpu) cpus.push_back(cpu);
  }
  return decltype(shard::CoreOptions::use){cpus};
}

std::string plain(const OptionValue& value) {
  const auto* text = value.as<std::string>();
  return text != nullptr ? *text : to_toml(value);
}

}  // namespace

Result<std::optional<Login>> parse_login(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) return fail(ErrorKind::permanent, "write USER:PASSWORD");
  return Login{text.substr(0, colon), text.substr(colon + 1)};
}

void add_common(CLI::App& app, CommonOptions& options) {
  option(app, "--cores", options.cores.use, parse_cores, "CPUs to run on, a core for each: 0,1 or 0-3 or all")
      ->type_name("LIST");
  app.add_option("--backend", options.cores.backend, "Interface to the kernel")
      ->check(CLI::IsMember({"auto", "uring", "epoll"}))
      ->capture_default_str();
  app.add_flag("!--no-pin", options.cores.pin, "Do not bind cores to their CPUs");
  app.add_option("--seed", options.seed, "Of all that is random but the run's id")->capture_default_str();
  app.add_flag("--json", options.json, "The result as JSON");
  app.add_flag("--quiet", options.quiet, "Only the result");
}

Result<std::vector<OptionEntry>> tables_of(const OptionValue& table, const std::string& file) {
  const auto* entries = table.as<OptionValue::Table>();
  std::vector<OptionEntry> tables = entries == nullptr ? OptionValue::Table{} : *entries;
  std::ranges::sort(tables, {}, [](const OptionEntry& entry) { return entry.value.source.line; });
  for (const OptionEntry& entry : tables)
    if (entry.value.as<OptionValue::Table>() == nullptr)
      return fail(ErrorKind::permanent,
                  file + ":" + std::to_string(entry.value.source.line) + ": " + entry.key + " is no table");
  return tables;
}

Result<void> parse_table(CLI::App& app, const OptionValue& table, const std::string& file) {
  const std::string place = file + ":" + std::to_string(table.source.line);
  const auto* entries = table.as<OptionValue::Table>();
  if (entries == nullptr) return fail(ErrorKind::permanent, place + ": a table is wanted here");
  std::vector<std::string> words;
  for (const OptionEntry& entry : *entries) {
    std::string name = entry.key;
    std::ranges::replace(name, '_', '-');
    if (const auto* list = entry.value.as<OptionValue::List>()) {
      for (const OptionValue& item : *list) words.push_back("--" + name + "=" + plain(item));
    } else {
      words.push_back("--" + name + "=" + plain(entry.value));
    }
  }
  std::ranges::reverse(words);  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return fail(ErrorKind::permanent, place + ": " + error.what());
  }
  return {};
}

}  // namespace ringpost::loadgen
