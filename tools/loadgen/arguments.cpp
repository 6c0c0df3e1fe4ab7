#include "arguments.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <string>
#include <variant>

#include <fmt/format.h>

#include "ringpost/shard/limits.hpp"

#include "compare.hpp"
#include "limits.hpp"
#include "sink.hpp"
#include "smtp.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::string_view kAbout = R"(Sends mail at full speed, takes it at full speed, and compares the two.

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
The cheapest way for both sides:
  loadgen smtp --to 127.0.0.1:2525 --bdat

Exit code: 0 when a message was acknowledged, 1 when none was, 2 when it could not start.)";

constexpr std::string_view kAboutSink =
    R"(Takes all mail, checks each message by its id and checksum, keeps none.

The other end of a relay test; it plays example.org and every domain below bulk.test in DNS:
  loadgen sink --listen 127.0.0.1:2600 --dns 127.0.0.1:5300 --domains 'example.org,*.bulk.test'
A receiver that defers a tenth, refuses a hundredth for ever and is slow:
  loadgen sink --listen 127.0.0.1:2600 --reject-4xx 0.1 --reject-5xx 0.01 --delay 200ms
One that never answers RCPT:
  loadgen sink --listen 127.0.0.1:2600 --stall rcpt

It runs until SIGTERM or ^C, --messages or --duration, and then prints what came.)";

constexpr std::string_view kAboutCompare = R"(Compares what was acknowledged with what was received.

  loadgen compare sent got
Exit code: 0 when nothing is lost and nothing corrupted, 1 otherwise, 2 when a file cannot be read.)";

// Gives the option to `parse`, whose error becomes the one of the command line.
template <class T, class Parse>
CLI::Option* option(CLI::App& app, const std::string& names, T& into, Parse parse, const std::string& help) {
  return app.add_option_function<std::string>(
      names,
      [&into, parse, names](const std::string& text) {
        auto value = parse(text);
        if (!value) throw CLI::ValidationError(names, value.error().text);
        into = std::move(*value);
      },
      help);
}

template <class T>
using Choices = std::vector<std::pair<std::string_view, T>>;
template <class T>
CLI::Option* choice(CLI::App& app, const std::string& names, T& into, const Choices<T>& choices,
                    const std::string& help) {
  std::string known;
  for (const auto& [word, value] : choices) known.append(known.empty() ? "" : "|").append(word);
  const auto parse = [choices, known](const std::string& text) -> Result<T> {
    for (const auto& [word, value] : choices)
      if (word == text) return value;
    return fail(ErrorKind::permanent, "write one of " + known);
  };
  return option(app, names, into, parse, help)->type_name(known);
}

Result<std::vector<std::string>> words(const std::string& text) {
  return CLI::detail::split(text, ',');
}

template <class T, class Parse>
Result<std::vector<T>> list_of(const std::string& text, Parse parse) {
  std::vector<T> list;
  for (const std::string& word : RP_TRY(words(text))) list.push_back(RP_TRY(parse(word)));
  return list;
}

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

Result<std::optional<Login>> parse_login(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0) return fail(ErrorKind::permanent, "write USER:PASSWORD");
  return Login{text.substr(0, colon), text.substr(colon + 1)};
}

// "2000", "600/min"
Result<double> parse_messages_a_second(const std::string& text) {
  const Rate rate = RP_TRY(parse_rate(text.find('/') == std::string::npos ? text + "/s" : text));
  return static_cast<double>(rate.count) / std::chrono::duration<double>(rate.per).count();
}

Result<std::optional<Endpoint>> parse_one_endpoint(const std::string& text) {
  return RP_TRY(parse_endpoint(text));
}

const Choices<Protocol> kProtocols{
    {"smtp", Protocol::smtp}, {"submission", Protocol::submission}, {"lmtp", Protocol::lmtp}};
const Choices<TlsUse> kTls{
    {"none", TlsUse::none}, {"starttls", TlsUse::starttls}, {"implicit", TlsUse::implicit}};
const Choices<Step> kSteps{{"greeting", Step::greeting}, {"helo", Step::helo}, {"mail", Step::mail},
                           {"rcpt", Step::rcpt},         {"data", Step::data}, {"body", Step::body}};

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
  option(app, "--size", options.size, parse_bytes, "Of a message, header and all [4KiB]")->type_name("BYTES");
  app.add_option("--corpus", options.corpus, "Send the files of this folder instead, one mail each, in turn")
      ->check(CLI::ExistingDirectory);
  app.add_option("--from", options.from, "Sender")->capture_default_str();
  app.add_option("--recipient", options.recipients, "This recipient for every message (several)")->take_all();
  app.add_option("--recipients", options.recipient_count, "Or so many made ones: user0, user1, ...")
      ->check(CLI::Range(std::uint64_t{1}, kRecipientsMax))
      ->capture_default_str();
  app.add_option("--recipient-domain", options.recipient_domain, "Of made recipients")->capture_default_str();
  app.add_option("--domains", options.domains,
                 "More than one: messages go to d0.DOMAIN, d1.DOMAIN ... in turn")
      ->check(CLI::Range(std::uint64_t{1}, kDomainsMax))
      ->capture_default_str();
}

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
  add_common(app, options.common);
}

void add_sink_trouble(CLI::App& app, SinkOptions& options) {
  app.add_option("--reject-4xx", options.reject_temporary,
                 "Share of recipients (messages) deferred, each time anew")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--reject-5xx", options.reject_permanent, "Share refused for ever, the same ones each time")
      ->check(CLI::Range(0.0, 1.0));
  choice(app, "--reject-at", options.reject_at, {{"rcpt", Step::rcpt}, {"body", Step::body}},
         "rcpt: recipients; body: messages, after their end [rcpt]");
  option(app, "--delay", options.delay, parse_duration, "Before the reply at --delay-at")->type_name("TIME");
  choice(app, "--delay-at", options.delay_at, kSteps, "[body]");
  app.add_option("--drop", options.drop,
                 "Share of times that the connection is closed at --drop-at, without a reply")
      ->check(CLI::Range(0.0, 1.0));
  choice(app, "--drop-at", options.drop_at, kSteps, "body is after the end of data [body]");
  choice(app, "--stall", options.stall, kSteps, "Never answer there");
  app.add_option("--max-connections", options.connections_max, "More are told 421; 0: no limit");
}

void add_sink_dns(CLI::App& app, DnsOptions& options) {
  option(app, "--dns", options.listen, parse_one_endpoint, "Answer DNS over UDP here")
      ->type_name("ADDRESS:PORT");
  option(app, "--domains", options.domains, words,
         "Domains to play: example.org, *.bulk.test; each has the exchanger mx.DOMAIN")
      ->type_name("LIST");
  option(
      app, "--dns-address", options.addresses,
      [](const std::string& text) { return list_of<IpAddress>(text, parse_address); },
      "Addresses of the exchangers [127.0.0.1]")
      ->type_name("LIST");
  app.add_option("--dns-ttl", options.ttl, "Seconds")->capture_default_str();
  app.add_option("--zone", options.zone_file,
                 "A file of more records, \"NAME [TTL] TYPE DATA\" a line, which go first");
}

void add_sink(CLI::App& app, SinkOptions& options) {
  app.add_option_function<std::vector<std::string>>(
         "--listen",
         [&options](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             auto endpoint = parse_endpoint(text);
             if (!endpoint) throw CLI::ValidationError("--listen", endpoint.error().text);
             options.listen.push_back(*endpoint);
           }
         },
         "Where to take mail (several); port 0 takes a free one, and says which")
      ->required()
      ->type_name("ADDRESS:PORT")
      ->take_all();
  choice(app, "--protocol", options.protocol,
         Choices<Protocol>{{"smtp", Protocol::smtp}, {"lmtp", Protocol::lmtp}}, "[smtp]");
  choice(app, "--tls", options.tls, kTls, "With a certificate made now [none]");
  option(app, "--auth", options.login, parse_login, "Offer AUTH, and take only this login")
      ->type_name("USER:PASSWORD");
  app.add_flag("!--no-chunking", options.chunking, "Do not offer CHUNKING");
  app.add_option("--hostname", options.hostname, "Own name")->capture_default_str();
  app.add_option(
      "--received", options.received_file,
      "Append \"ID RECIPIENTS ok|bad CHECKSUM\" for each message to this file, before its 250 leaves");
  add_sink_trouble(app, options);
  add_sink_dns(app, options.dns);
  app.add_option("--messages", options.messages, "Stop after so many; 0: do not");
  option(app, "--duration", options.duration, parse_duration, "Stop after so long")->type_name("TIME");
  add_common(app, options.common);
}

void add_compare(CLI::App& app, CompareOptions& options) {
  app.add_option("ACKNOWLEDGED", options.acknowledged, "File of loadgen smtp --acknowledged")->required();
  app.add_option("RECEIVED", options.received, "File of loadgen sink --received")->required();
  app.add_flag("--json", options.json, "The result as JSON");
}

// What no single option can see.
std::string complaint(const SmtpOptions& options) {
  if (options.size > kMessageSizeMax) return "--size may be at most " + to_string(kMessageSizeMax);
  if (options.rate < 0) return "--rate may not be negative";
  if (options.protocol == Protocol::submission && !options.login)
    fmt::print(stderr, "loadgen: note: submission without --auth; most servers refuse it\n");
  return {};
}

}  // namespace

int run(int count, char** texts) {
  CLI::App app(std::string(kAbout), "loadgen");
  app.require_subcommand(1);
  SmtpOptions smtp;
  SinkOptions sink;
  CompareOptions comparison;
  smtp.common.cores.offload_threads = sink.common.cores.offload_threads = 1;
  CLI::App* const send = app.add_subcommand("smtp", std::string(kAboutSmtp));
  CLI::App* const take = app.add_subcommand("sink", std::string(kAboutSink));
  CLI::App* const settle = app.add_subcommand("compare", std::string(kAboutCompare));
  add_smtp(*send, smtp);
  add_sink(*take, sink);
  add_compare(*settle, comparison);
  try {
    app.parse(count, texts);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (settle->parsed()) return run_compare(comparison);
  if (take->parsed()) return run_sink(std::move(sink));
  if (const std::string wrong = complaint(smtp); !wrong.empty()) {
    fmt::print(stderr, "loadgen: {}\n", wrong);
    return 2;
  }
  return run_smtp(std::move(smtp));
}

}  // namespace ringpost::loadgen
