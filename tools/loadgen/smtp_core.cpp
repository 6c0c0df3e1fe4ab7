#include "smtp_core.hpp"

#include "smtp_flow.hpp"
#include "smtp_report.hpp"

namespace ringpost::loadgen {

namespace {

std::string sizes_of(const SmtpOptions& options) {
  if (!options.corpus.empty()) return "mails of " + options.corpus;
  return to_string(options.size);
}

}  // namespace

Result<std::unique_ptr<SmtpPlan>> SmtpPlan::make(SmtpOptions chosen, WallTime now, std::uint32_t run) {
  auto plan = std::make_unique<SmtpPlan>(run);
  const StockOptions stock{
      .from = chosen.from,
      .to = chosen.recipients.empty() ? "undisclosed-recipients:;" : "<" + chosen.recipients.front() + ">",
      .seed = chosen.common.seed,
      .now = now};
  plan->stock =
      chosen.corpus.empty() ? generate_mix(chosen.size, stock) : RP_TRY(read_corpus(chosen.corpus, stock));
  for (const DomainShare& share : chosen.recipient_domains) plan->domain_shares.add(share.weight);
  if (!chosen.acknowledged_file.empty())
    plan->acknowledged = RP_TRY(LineFile::open(chosen.acknowledged_file));
  plan->session = {.lmtp = chosen.protocol == Protocol::lmtp,
                   .helo = chosen.helo,
                   .pipelining = chosen.pipelining,
                   .chunking = chosen.bdat};
  plan->options = std::move(chosen);
  RP_CHECK(plan->look_up_targets());
  return plan;
}

Result<std::unique_ptr<LoadCore>> SmtpPlan::make_core(shard::Core& core) const {
  return SmtpCore::make(core, *this);
}

std::unique_ptr<LoadSummary> SmtpPlan::summary(const std::vector<const LoadCore*>& cores,
                                               const Effort& effort) const {
  std::vector<const SmtpCore*> parts;
  for (const LoadCore* core : cores) parts.push_back(static_cast<const SmtpCore*>(core));
  return std::make_unique<SmtpSummary>(*this, parts, effort);
}

std::string SmtpPlan::protocol() const {
  const std::string name = options.protocol == Protocol::lmtp         ? "lmtp"
                           : options.protocol == Protocol::submission ? "submission"
                                                                      : "smtp";
  return secured(name) + (options.login ? " + AUTH" : "") + (options.bdat ? ", BDAT" : ", DATA");
}

admin::Json SmtpPlan::options_json() const {
  return admin::Json()
      .set("to", joined(options.to))
      .set("protocol", protocol())
      .set("load", load_text())
      .set("connections", options.connections)
      .set("messages_per_connection", options.per_connection)
      .set("in_flight", options.in_flight)
      .set("size", sizes_of(options))
      .set("recipients", options.recipients.empty() ? options.recipient_count : options.recipients.size())
      .set("domains", options.domains * options.recipient_domains.size())
      .set("seed", options.common.seed);
}

Result<std::unique_ptr<SmtpCore>> SmtpCore::make(shard::Core& core, const SmtpPlan& plan) {
  return std::make_unique<SmtpCore>(core, plan, RP_TRY(plan.make_tls()));
}

SmtpCore::SmtpCore(shard::Core& core, const SmtpPlan& plan, std::unique_ptr<tls::ClientContext> tls)
    : LoadCore(core, plan, figures_, std::move(tls)),
      plan_(plan),
      acknowledged_(core, plan.acknowledged.get()) {}

std::unique_ptr<LoadFlow> SmtpCore::make_flow(const Target& target, std::uint64_t /*number*/) {
  return std::make_unique<SmtpFlow>(*this, target);
}

void SmtpCore::acknowledge(const Job& job, std::uint32_t checksum, std::uint64_t recipients,
                           std::uint64_t bytes) {
  count_acknowledged(job, bytes);
  figures_.recipients.add(recipients);
  if (!acknowledged_.wanted()) return;
  std::array<char, kIdSize> id;
  write_id(id_of(job), id);
  std::array<char, kChecksumSize> sum;
  write_checksum(checksum, sum);
  acknowledged_.text()
      .append(id.data(), id.size())
      .append(" ")
      .append(std::to_string(recipients))
      .append(" ")
      .append(sum.data(), sum.size())
      .push_back('\n');
  acknowledged_.added();
}

SmtpCore::Domain SmtpCore::domain_of(const Job& job) const {
  const std::uint64_t number = number_of(job);
  return {plan_.domain_shares.pick(scattered(number ^ plan_.options.common.seed)),
          number % plan_.options.domains, number / plan_.options.domains % plan_.options.mailboxes};
}

}  // namespace ringpost::loadgen
