#include "argument_types.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

#include "ringpost/shard/limits.hpp"

namespace ringpost::loadgen {

namespace {

Result<unsigned> parse_cpu(std::string_view text) {
  unsigned cpu = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc{} || end != text.data() + text.size() || cpu > 65535)
    return fail(ErrorKind::permanent, std::string(text) + " is no CPU; write \"0,1\", \"0-3\" or \"all\"");
  if (cpu >= static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)))
    return fail(ErrorKind::permanent, fmt::format("this machine has no CPU {}", cpu));
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
    if (first > last) return fail(ErrorKind::permanent, part + ": the larger number comes second");
    for (unsigned cpu = first; cpu <= last; ++cpu) {
      if (std::ranges::find(cpus, cpu) != cpus.end())
        return fail(ErrorKind::permanent, fmt::format("CPU {} is there twice", cpu));
      cpus.push_back(cpu);
    }
  }
  if (cpus.size() > shard::kCoresMax)
    return fail(ErrorKind::permanent, fmt::format("at most {} cores", shard::kCoresMax));
  return decltype(shard::CoreOptions::use){cpus};
}

std::string option_name(std::string key) {
  std::ranges::replace(key, '_', '-');
  return key;
}

std::string plain(const OptionValue& value) {
  const auto* text = value.as<std::string>();
  return text != nullptr ? *text : to_toml(value);
}

}  // namespace

Result<std::uint64_t> parse_count(const std::string& text, CountRange range) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < range.least || number > range.most)
    return fail(ErrorKind::permanent,
                fmt::format("\"{}\" is no whole number from {} to {}", text, range.least, range.most));
  return number;
}

Result<double> parse_share(const std::string& text) {
  double share = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, share);
  if (error != std::errc{} || stop != end || !(share >= 0 && share <= 1))
    return fail(ErrorKind::permanent, "\"" + text + "\" is no share from 0 to 1");
  return share;
}

Result<Duration> parse_some_time(const std::string& text) {
  const Duration time = RP_TRY(parse_duration(text));
  if (time == Duration{0}) return fail(ErrorKind::permanent, "a time above 0 is wanted");
  return time;
}

std::string target_complaint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return text + " is no HOST:PORT";
  const std::string port = text.substr(colon + 1);
  // Names of services ("smtp") are the system's to know.
  const bool named = !port.empty() && std::isalpha(static_cast<unsigned char>(port.front())) != 0;
  if (!named && !parse_count(port, {1, 65535})) return text + ": a port is a number from 1 to 65535";
  return {};
}

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
  count_option(app, "--seed", options.seed, "Of all that is random but the run's id");
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
    const std::string name = option_name(entry.key);
    if (const auto* list = entry.value.as<OptionValue::List>()) {
      for (const OptionValue& item : *list) words.push_back("--" + name + "=" + plain(item));
    } else {
      words.push_back("--" + name + "=" + plain(entry.value));
    }
  }
  std::ranges::reverse(words);  // as CLI11 wants them
  // What is said of an option belongs to the line of its key.
  const auto line_of = [&](std::string_view said) {
    for (const OptionEntry& entry : *entries) {
      const std::string name = "--" + option_name(entry.key);
      const std::size_t at = said.find(name);
      if (at == std::string_view::npos) continue;
      const char next = at + name.size() < said.size() ? said[at + name.size()] : ' ';
      if (std::isalnum(static_cast<unsigned char>(next)) == 0 && next != '-')
        return file + ":" + std::to_string(entry.value.source.line);
    }
    return place;
  };
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return fail(ErrorKind::permanent, line_of(error.what()) + ": " + error.what());
  }
  return {};
}

}  // namespace ringpost::loadgen
