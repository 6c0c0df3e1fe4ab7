#include "smtp_arguments.hpp"

#include <charconv>

#include <fmt/format.h>

#include "argument_types.hpp"
#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

// "2000", "600/min"
Result<double> parse_messages_a_second(const std::string& text) {
  const Rate rate = RP_TRY(parse_rate(text.find('/') == std::string::npos ? text + "/s" : text));
  return static_cast<double>(rate.count) / std::chrono::duration<double>(rate.per).count();
}

// "500..5000"
Result<std::pair<double, double>> parse_ramp(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) return fail(ErrorKind::permanent, "write FROM..TO, as 500..5000");
  const double from = RP_TRY(parse_messages_a_second(text.substr(0, dots)));
  const double to = RP_TRY(parse_messages_a_second(text.substr(dots + 2)));
  if (from + to <= 0) return fail(ErrorKind::permanent, "a ramp from nothing to nothing");
  return std::pair{from, to};
}

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

Result<Bytes> parse_message_size(const std::string& text) {
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

// "a.test:70,b.test:30"
Result<std::vector<DomainShare>> parse_domains(const std::string& text) {
  return list_of<DomainShare>(text, [](const std::string& word) -> Result<DomainShare> {
    auto [domain, weight] = RP_TRY(parse_weight(word));
    return DomainShare{std::move(domain), weight};
  });
}

const Choices<Protocol> kProtocols{
    {"smtp", Protocol::smtp}, {"submission", Protocol::submission}, {"lmtp", Protocol::lmtp}};
const Choices<Spacing> kSpacings{{"fixed", Spacing::fixed}, {"poisson", Spacing::poisson}};

void add_smtp_load(CLI::App& app, SmtpOptions& options) {
  app.add_option("--connections", options.connections, "At once")
      ->check(CLI::Range(std::uint64_t{1}, kConnectionsMax))
      ->capture_default_str();
  app.add_option("--messages-per-connection", options.messages_per_connection,
                 "Then say QUIT and connect again; 0: never")
      ->capture_default_str();
  app.add_option("--messages", options.messages, "Stop after so many; 0: by time only")
      ->capture_default_str();
  option(app, "--duration", options.duration, parse_duration,
         "Stop after so long [10s; with --messages 10min]")
      ->type_name("TIME");
  option(app, "--rate", options.rate, parse_messages_a_second,
         "Open loop: so many a second, or 600/min; latency counts from when a message was due")
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
  option(app, "--search-p99", options.search_p99, parse_duration,
         "Find the highest rate whose p99 stays below TIME; each step lasts --duration")
      ->type_name("TIME");
  app.add_option("--in-flight", options.in_flight,
                 "Transactions under way on one connection: the next begins before the last is answered")
      ->check(CLI::Range(std::uint64_t{1}, kInFlightMax))
      ->capture_default_str();
  option(app, "--timeout", options.timeout, parse_duration, "For connecting and for each reply [30s]")
      ->type_name("TIME");
  app.add_option("--retry", options.retries, "Attempts more for a message that is refused with 4yz")
      ->capture_default_str();
  option(app, "--retry-after", options.retry_after, parse_duration, "Wait before that [1s]")
      ->type_name("TIME");
  app.add_flag("--resend", options.resend,
               "Send messages again whose connection ended before the reply; they may arrive twice");
}

void add_smtp_mail(CLI::App& app, SmtpOptions& options) {
  option(app, "--size", options.size, parse_sizes,
         "Of a message, header and all; or a mix with weights: 1KiB:60,4KiB-64KiB:30,1MiB:10 [4KiB]")
      ->type_name("SIZES");
  app.add_option("--corpus", options.corpus,
                 "Send real mails instead, in turn: a folder of files, a Maildir, an mbox, a tar archive")
      ->check(CLI::ExistingPath);
  app.add_option("--from", options.from, "Sender")->capture_default_str();
  app.add_option("--recipient", options.recipients, "This recipient for every message (several)")->take_all();
  app.add_option("--recipients", options.recipient_count, "Or so many made ones: user0, user1, ...")
      ->check(CLI::Range(std::uint64_t{1}, kRecipientsMax))
      ->capture_default_str();
  app.add_option("--mailboxes", options.mailboxes,
                 "Made recipients take turns: user0 to user(N-1) of each domain")
      ->check(CLI::Range(std::uint64_t{1}, kMailboxesMax))
      ->capture_default_str();
  option(app, "--recipient-domain", options.recipient_domains, parse_domains,
         "Of made recipients; several with weights: a.test:70,b.test:30 [example.org]")
      ->type_name("LIST");
  app.add_option("--domains", options.domains,
                 "More than one: messages go to d0.DOMAIN, d1.DOMAIN ... in turn")
      ->check(CLI::Range(std::uint64_t{1}, kDomainsMax))
      ->capture_default_str();
}

}  // namespace

void add_smtp(CLI::App& app, SmtpOptions& options) {
  app.add_option("--to", options.to, "Server; several take turns")
      ->required()
      ->type_name("HOST:PORT")
      ->take_all();
  choice(app, "--protocol", options.protocol, kProtocols, "[smtp]");
  choice(app, "--tls", options.tls, kTls, "Certificates are not verified [none]");
  app.add_flag("--tls-resume", options.resume_tls, "Resume TLS sessions");
  option(app, "--auth", options.login, parse_login, "Log in")->type_name("USER:PASSWORD");
  app.add_option("--helo", options.helo, "Own name")->capture_default_str();
  app.add_flag("--pipelining,!--no-pipelining", options.pipelining,
               "Several commands at once where PIPELINING is offered [yes]");
  app.add_flag("--bdat", options.bdat, "Use CHUNKING where it is offered: a message in one send");
  add_smtp_load(app, options);
  add_smtp_mail(app, options);
  app.add_option("--acknowledged", options.acknowledged_file,
                 "Append \"ID RECIPIENTS CHECKSUM\" for each 250 to this file");
  app.add_option("--run-file", options.run_file, "Write all figures here, for loadgen report");
  app.add_option("--name", options.name, "Of the run, in reports");
  app.add_option("--admin", options.admin_socket,
                 "Control socket of the Ringpost server that is loaded: its figures are sampled each second");
  add_common(app, options.common);
}

// What no single option can see.
std::string complaint(const SmtpOptions& options) {
  if (options.rate < 0) return "--rate may not be negative";
  if (options.ramp_to && options.duration == Duration{0}) return "--ramp needs a --duration";
  if (options.ramp_to && options.search_p99 > Duration{0})
    return "--search-p99 has steps of one rate each: no --ramp";
  if (options.protocol == Protocol::submission && !options.login)
    fmt::print(stderr, "loadgen: note: submission without --auth; most servers refuse it\n");
  return {};
}

}  // namespace ringpost::loadgen
