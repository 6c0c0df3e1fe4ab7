#include "smtp_arguments.hpp"

#include "argument_types.hpp"
#include "limits.hpp"
#include "load_arguments.hpp"
#include "option_rules.hpp"
#include "output.hpp"

namespace ringpost::loadgen {

namespace {

// "a.test:70,b.test:30"
Result<std::vector<DomainShare>> parse_domains(const std::string& text) {
  return list_of<DomainShare>(text, [](const std::string& word) -> Result<DomainShare> {
    auto [domain, weight] = RP_TRY(parse_weight(word));
    return DomainShare{std::move(domain), weight};
  });
}

const Choices<Protocol> kProtocols{
    {"smtp", Protocol::smtp}, {"submission", Protocol::submission}, {"lmtp", Protocol::lmtp}};
void add_smtp_ways(CLI::App& app, SmtpOptions& options) {
  count_option(app, "--in-flight", options.in_flight,
               "Transactions under way on one connection: the next begins before the last is answered",
               {1, kInFlightMax});
  count_option(app, "--retry", options.retries, "Attempts more for a message that is refused with 4yz");
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
  count_option(app, "--recipients", options.recipient_count, "Or so many made ones: user0, user1, ...",
               {1, kRecipientsMax});
  count_option(app, "--mailboxes", options.mailboxes,
               "Made recipients take turns: user0 to user(N-1) of each domain", {1, kMailboxesMax});
  option(app, "--recipient-domain", options.recipient_domains, parse_domains,
         "Of made recipients; several with weights: a.test:70,b.test:30 [example.org]")
      ->type_name("LIST");
  count_option(app, "--domains", options.domains,
               "More than one: messages go to d0.DOMAIN, d1.DOMAIN ... in turn", {1, kDomainsMax});
}

}  // namespace

void add_smtp(CLI::App& app, SmtpOptions& options) {
  add_target(app, options);
  choice(app, "--protocol", options.protocol, kProtocols, "[smtp]");
  app.add_option("--helo", options.helo, "Own name")->capture_default_str();
  app.add_flag("--pipelining,!--no-pipelining", options.pipelining,
               "Several commands at once where PIPELINING is offered [yes]");
  app.add_flag("--bdat", options.bdat, "Use CHUNKING where it is offered: a message in one send");
  add_load(app, options, "messages");
  add_smtp_ways(app, options);
  add_smtp_mail(app, options);
  app.add_option("--acknowledged", options.acknowledged_file,
                 "Append \"ID RECIPIENTS CHECKSUM\" for each 250 to this file");
  add_outputs(app, options);
  add_common(app, options.common);
  hold_rules(app, kLoadRules);
}

std::string complaint(const SmtpOptions& options) {
  if (options.protocol == Protocol::submission && !options.login)
    say("loadgen: note: submission without --auth; most servers refuse it\n");
  return load_complaint(options);
}

}  // namespace ringpost::loadgen
