#include "load_arguments.hpp"

#include <charconv>

#include <fmt/format.h>

#include "argument_types.hpp"
#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

// "2000", "600/min"
Result<double> parse_rate_a_second(const std::string& text) {
  const Rate rate = RP_TRY(parse_rate(text.find('/') == std::string::npos ? text + "/s" : text));
  return static_cast<double>(rate.count) / std::chrono::duration<double>(rate.per).count();
}

// Closed loops have no rate; an open one with none would send nothing.
Result<double> parse_some_rate(const std::string& text) {
  const double rate = RP_TRY(parse_rate_a_second(text));
  if (!(rate > 0)) return fail(ErrorKind::permanent, "a rate above 0 is wanted");
  return rate;
}

// "500..5000"
Result<std::pair<double, double>> parse_ramp(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) return fail(ErrorKind::permanent, "write FROM..TO, as 500..5000");
  const double from = RP_TRY(parse_rate_a_second(text.substr(0, dots)));
  const double to = RP_TRY(parse_rate_a_second(text.substr(dots + 2)));
  if (!(from + to > 0)) return fail(ErrorKind::permanent, "a ramp from nothing to nothing");
  return std::pair{from, to};
}

const Choices<Spacing> kSpacings{{"fixed", Spacing::fixed}, {"poisson", Spacing::poisson}};

}  // namespace

// "THING" or "THING:WEIGHT"
Result<std::pair<std::string, double>> parse_weight(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return std::pair{text, 1.0};
  double weight = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, weight);
  if (error != std::errc{} || stop != end || !(weight > 0) || weight > 1e9)
    return fail(ErrorKind::permanent, text.substr(colon + 1) + " is no weight above 0");
  return std::pair{text.substr(0, colon), weight};
}

static Result<Bytes> parse_message_size(const std::string& text) {
  const Bytes size = RP_TRY(parse_bytes(text));
  if (size > kMessageSizeMax) return fail(ErrorKind::permanent, "at most " + to_string(kMessageSizeMax));
  return size;
}

// "4KiB" or "1KiB:60,4KiB-64KiB:30"
Result<SizeMix> parse_sizes(const std::string& text) {
  const auto one = [](const std::string& word) -> Result<SizeShare> {
    const auto [range, weight] = RP_TRY(parse_weight(word));
    const std::size_t dash = range.find('-');
    const Bytes smallest = RP_TRY(parse_message_size(range.substr(0, dash)));
    const Bytes largest =
        dash == std::string::npos ? smallest : RP_TRY(parse_message_size(range.substr(dash + 1)));
    if (largest < smallest) return fail(ErrorKind::permanent, range + ": the larger size comes second");
    return SizeShare{smallest, largest, weight};
  };
  return SizeMix(RP_TRY(list_of<SizeShare>(text, one)));
}

void add_target(CLI::App& app, LoadOptions& options) {
  app.add_option("--to", options.to, "Server; several take turns")
      ->required()
      ->type_name("HOST:PORT")
      ->check(CLI::Validator(target_complaint, ""))
      ->take_all();
  choice(app, "--tls", options.tls, kTls, "Certificates are not verified [none]");
  app.add_flag("--tls-resume", options.resume_tls, "Resume TLS sessions");
  option(app, "--auth", options.login, parse_login, "Log in")->type_name("USER:PASSWORD");
}

void add_load(CLI::App& app, LoadOptions& options, const std::string& unit) {
  count_option(app, "--connections", options.connections, "At once", {1, kConnectionsMax});
  count_option(app, "--" + unit + "-per-connection", options.per_connection,
               "Then say goodbye and connect again; 0: never");
  count_option(app, "--" + unit, options.count, "Stop after so many; 0: by time only");
  option(app, "--duration", options.duration, parse_some_time,
         "Stop after so long [10s; with --" + unit + " 10min]")
      ->type_name("TIME");
  option(app, "--rate", options.rate, parse_some_rate,
         "Open loop: so many a second, or 600/min; latency counts from when each was due")
      ->type_name("RATE");
  app.add_option_function<std::string>(
         "--ramp",
         [&options](const std::string& text) {
           const auto ramp = parse_ramp(text);
           if (!ramp) throw CLI::ValidationError("--ramp", ramp.error().text);
           options.rate = ramp->first;
           options.ramp_to = ramp->second;
         },
         "Open loop whose rate rises (or falls) evenly over the duration")
      ->type_name("FROM..TO");
  choice(app, "--spacing", options.spacing, kSpacings, "Between messages of an open loop [fixed]");
  option(app, "--search-p99", options.search_p99, parse_some_time,
         "Find the highest rate whose p99 stays below TIME; each step lasts --duration")
      ->type_name("TIME");
  option(app, "--timeout", options.timeout, parse_some_time, "For connecting and for each reply [30s]")
      ->type_name("TIME");
}

void add_outputs(CLI::App& app, LoadOptions& options) {
  app.add_option("--run-file", options.run_file, "Write all figures here, for loadgen report");
  app.add_option("--name", options.name, "Of the run, in reports");
  app.add_option("--admin", options.admin_socket,
                 "Control socket of the Ringpost server that is loaded: its figures are sampled each second");
  count_option(app, "--pid", options.server_pid,
               "Process of the server on this machine: its memory and its children's is sampled each second",
               {1, 4'194'304})
      ->default_str("");
}

// What no single option can see.
std::string load_complaint(const LoadOptions& options) {
  if (options.search_p99 >= options.bound())
    return fmt::format(
        "--search-p99 {} could not be missed within steps of {}: a longer --duration is needed",
        ringpost::to_string(options.search_p99), ringpost::to_string(options.bound()));
  return {};
}

}  // namespace ringpost::loadgen
