#include "sink_arguments.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/config/toml_text.hpp"
#include "ringpost/dns/name.hpp"

#include "argument_types.hpp"
#include "limits.hpp"
#include "option_rules.hpp"
#include "process.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kPersonasBytesMax = std::size_t{4} << 20;

Result<std::optional<Endpoint>> parse_one_endpoint(const std::string& text) {
  return RP_TRY(parse_endpoint(text));
}

Result<std::optional<Rate>> parse_one_rate(const std::string& text) {
  const Rate rate = RP_TRY(parse_rate(text));
  if (rate.count == 0) return fail(ErrorKind::permanent, "a rate above 0 is wanted");
  return rate;
}

// "5s/1min"
Result<Window> parse_window(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return fail(ErrorKind::permanent, "write LENGTH/PERIOD, as 5s/1min");
  const Window window{RP_TRY(parse_duration(text.substr(0, slash))),
                      RP_TRY(parse_duration(text.substr(slash + 1)))};
  if (!window.asked() || window.length >= window.every)
    return fail(ErrorKind::permanent, "the length is above 0 and below the period");
  return window;
}

// Of one "*" at the front: "*.bulk.test" is every name one label below.
std::string played_complaint(const std::string& domain) {
  const std::string rest = domain.starts_with("*.") ? domain.substr(2) : domain;
  if (rest.empty() || rest.contains('*') || !dns::Name::parse(rest))
    return "\"" + domain + "\" is no domain; write example.org, or *.bulk.test for all directly below";
  return {};
}

Result<std::vector<std::string>> parse_played(const std::string& text) {
  std::vector<std::string> domains = RP_TRY(words(text));
  for (const std::string& domain : domains)
    if (std::string wrong = played_complaint(domain); !wrong.empty())
      return fail(ErrorKind::permanent, std::move(wrong));
  return domains;
}

template <class T>
void add_reply(CLI::App& app, const std::string& name, T& reply) {
  option(app, name, reply, parse_refusal, "Its text")->type_name("REPLY");
}

const Choices<Step> kSteps{{"greeting", Step::greeting}, {"helo", Step::helo}, {"mail", Step::mail},
                           {"rcpt", Step::rcpt},         {"data", Step::data}, {"body", Step::body}};

void add_behaviour(CLI::App& app, Persona& options) {
  option(app, "--reject-4xx", options.reject_temporary, parse_share,
         "Share of recipients (messages) deferred, each time anew")
      ->type_name("SHARE");
  option(app, "--reject-5xx", options.reject_permanent, parse_share,
         "Share refused for ever, the same ones each time")
      ->type_name("SHARE");
  choice(app, "--reject-at", options.reject_at, {{"rcpt", Step::rcpt}, {"body", Step::body}},
         "rcpt: recipients; body: messages, after their end [rcpt]");
  option(app, "--delay", options.delay, parse_some_time, "Before the reply at --delay-at")->type_name("TIME");
  choice(app, "--delay-at", options.delay_at, kSteps, "[body]");
  option(app, "--drop", options.drop, parse_share,
         "Share of times that the connection is closed at --drop-at, without a reply")
      ->type_name("SHARE");
  choice(app, "--drop-at", options.drop_at, kSteps, "body is after the end of data [body]");
  choice(app, "--stall", options.stall, kSteps, "Never answer there");
  count_option(app, "--max-connections", options.connections_max, "At once; more are told 421; 0: no limit");
  option(app, "--accept-delay", options.accept_delay, parse_some_time, "Before the greeting")
      ->type_name("TIME");
  option(app, "--message-rate", options.rate, parse_one_rate, "More are deferred, as 600/min")
      ->type_name("RATE");
  option(app, "--greylist", options.greylist, parse_some_time,
         "How long a new pair of sender and recipient is deferred")
      ->type_name("TIME");
  option(app, "--storm", options.storm, parse_window, "Defer everything for LENGTH at the end of each PERIOD")
      ->type_name("LENGTH/PERIOD");
  option(app, "--freeze", options.freeze, parse_window,
         "Answer no message for LENGTH at the end of each PERIOD, as when a disk hangs")
      ->type_name("LENGTH/PERIOD");
  app.add_flag("--tls-required", options.tls_required, "Refuse mail before STARTTLS");
  add_reply(app, "--max-connections-reply", options.connections_reply);
  add_reply(app, "--message-rate-reply", options.rate_reply);
  add_reply(app, "--greylist-reply", options.greylist_reply);
  add_reply(app, "--storm-reply", options.storm_reply);
  add_reply(app, "--reject-4xx-reply", options.temporary_reply);
  add_reply(app, "--reject-5xx-reply", options.permanent_reply);
}

void add_sink_dns(CLI::App& app, DnsOptions& options) {
  option(app, "--dns", options.listen, parse_one_endpoint, "Answer DNS over UDP here")
      ->type_name("ADDRESS:PORT");
  option(app, "--domains", options.domains, parse_played,
         "Domains to play: example.org, *.bulk.test; each has the exchanger mx.DOMAIN")
      ->type_name("LIST");
  option(
      app, "--dns-address", options.addresses,
      [](const std::string& text) { return list_of<IpAddress>(text, parse_address); },
      "Addresses of the exchangers [127.0.0.1]")
      ->type_name("LIST");
  count_option(app, "--dns-ttl", options.ttl, "Seconds", {0, 2'147'483'647});
  app.add_option("--zone", options.zone_file,
                 "A file of more records, \"NAME [TTL] TYPE DATA\" a line, which go first");
}

// What a persona has beside how it behaves.
void add_persona(CLI::App& app, Persona& persona) {
  app.add_option_function<std::vector<std::string>>("--listen",
                                                    [&persona](const std::vector<std::string>& texts) {
                                                      for (const std::string& text : texts) {
                                                        auto address = parse_address(text);
                                                        if (!address)
                                                          throw CLI::ValidationError("--listen",
                                                                                     address.error().text);
                                                        persona.listen.push_back(*address);
                                                      }
                                                    })
      ->required()
      ->take_all();
  app.add_option("--domains", persona.domains)->check(CLI::Validator(played_complaint, ""))->take_all();
  choice(app, "--tls", persona.tls, kTls, "[none]");
  add_behaviour(app, persona);
  hold_rules(app, kSinkRules);
}

// What no single option of a receiver can see.
std::string persona_complaint(const Persona& persona, TlsUse tls) {
  if (persona.tls_required && tls != TlsUse::starttls) return "--tls-required needs --tls starttls";
  if (persona.reject_temporary + persona.reject_permanent > 1)
    return "--reject-4xx and --reject-5xx are shares of the same mail: together at most 1";
  return {};
}

}  // namespace

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
  add_behaviour(app, options.everyone);
  app.add_option_function<std::string>(
         "--personas",
         [&options](const std::string& path) {
           auto text = read_file(path, kPersonasBytesMax);
           auto personas = text ? parse_personas(*text, path) : fail(std::move(text).error());
           if (!personas) throw CLI::ValidationError("--personas", personas.error().text);
           options.personas = std::move(*personas);
         },
         "A TOML file of receivers, each at addresses and with domains of its own")
      ->type_name("FILE");
  add_sink_dns(app, options.dns);
  count_option(app, "--messages", options.messages, "Stop after so many; 0: do not");
  option(app, "--duration", options.duration, parse_some_time, "Stop after so long")->type_name("TIME");
  add_common(app, options.common);
  hold_rules(app, kSinkRules);
}

std::string complaint(const SinkOptions& options) {
  if (std::string wrong = persona_complaint(options.everyone, options.tls); !wrong.empty()) return wrong;
  std::vector<Endpoint> seen;
  for (const Endpoint& where : addresses_of(options)) {
    // Port 0 is another one each time.
    if (where.port != 0 && std::ranges::find(seen, where) != seen.end())
      return to_string(where) + " is there twice";
    seen.push_back(where);
  }
  return {};
}

Result<std::vector<Persona>> parse_personas(std::string_view text, const std::string& file) {
  const config::TomlText toml = config::read_toml(text, 0);
  if (!toml.errors.empty())
    return fail(ErrorKind::permanent,
                file + ":" + std::to_string(toml.errors[0].line) + ": " + toml.errors[0].message);
  const OptionValue* const tables = toml.root.find("persona");
  if (tables == nullptr) return fail(ErrorKind::permanent, file + ": no table [persona.NAME]");
  std::vector<Persona> personas;
  for (const OptionEntry& entry : RP_TRY(tables_of(*tables, file))) {
    CLI::App app;
    app.set_help_flag();
    Persona persona;
    add_persona(app, persona);
    RP_CHECK(parse_table(app, entry.value, file));
    if (const std::string wrong = persona_complaint(persona, persona.tls); !wrong.empty())
      return fail(ErrorKind::permanent, fmt::format("{}:{}: {}", file, entry.value.source.line, wrong));
    persona.name = entry.key;
    personas.push_back(std::move(persona));
  }
  return personas;
}

}  // namespace ringpost::loadgen
