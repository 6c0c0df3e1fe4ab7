#include "reports.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::deliver {

namespace {

std::string join(const spool::Body& body) {
  std::string text;
  text.reserve(body.size());
  for (const auto& piece : body.pieces()) text += scan::as_text(piece);
  return text;
}

}  // namespace

Reports::Reports(shard::Core& core, spool::Spool& spool, intake::Intake& intake)
    : core_(core), spool_(spool), intake_(intake) {
  auto& registry = core.figures();
  registry.add("deliver_reports", "Reports to senders that were made.", figures_.sent);
  registry.add("deliver_reports_refused", "Reports that could not be stored; they are made again.",
               figures_.failed);
  registry.add("deliver_reports_dropped", "Failures of mail from the null sender, of which nobody is told.",
               figures_.dropped);
}

mail::DsnRecipient Reports::line(const mail::EnvelopeRecord& envelope, const Finding& finding,
                                 const Attempt& attempt, mail::DsnAction action, WallTime now) {
  const mail::Recipient recipient = envelope.recipient(finding.recipient);
  mail::DsnRecipient line{.address = recipient.address,
                          .original_recipient = recipient.original_recipient,
                          .action = action,
                          .status = finding.reply.status,
                          .last_attempt = now};
  if (!attempt.remote_host.empty()) line.remote_mta = attempt.remote_host;
  if (finding.reply.code != 0)
    line.reply = finding.reply;
  else
    line.reason = finding.reply.text;
  return line;
}

// What is returned of the message: its header, or all of it when the sender asked and it is small.
Task<Reports::Original> Reports::original(MessageId about, const mail::EnvelopeRecord& envelope) {
  Original original;
  const scan::BodyFacts& facts = envelope.facts().body;
  const std::uint64_t header_end = std::min(facts.separator_offset, facts.size);
  const bool whole = envelope.dsn_return() == mail::DsnReturn::full && facts.size <= kReportBodyMax;
  const std::size_t wanted =
      whole ? static_cast<std::size_t>(facts.size)
            : static_cast<std::size_t>(std::min<std::uint64_t>(header_end, kReportHeaderMax));
  const auto front = co_await spool_.head(about, wanted);
  if (!front) co_return original;  // a report without it still says what happened
  original.header = join(*front);
  if (original.header.size() > header_end) {
    const std::size_t body =
        std::min<std::size_t>(header_end + 2, original.header.size());  // after the empty line
    original.body = original.header.substr(body);
    original.header.resize(header_end);
  } else if (original.header.size() < header_end) {
    original.header.resize(original.header.rfind('\n') + 1);  // cut: no half line; npos + 1 is 0
  }
  co_return original;
}

Task<Result<void>> Reports::send(MessageId about, const mail::EnvelopeRecord& envelope,
                                 std::span<const mail::DsnRecipient> lines,
                                 std::shared_ptr<const Settings> settings, std::string owner) {
  if (lines.empty()) co_return Result<void>{};
  if (envelope.reverse_path().empty()) {
    log_dropped(about, lines);
    co_return Result<void>{};
  }
  const std::string_view to_whom = owner.empty() ? envelope.reverse_path() : std::string_view(owner);
  const Original original = co_await this->original(about, envelope);
  const std::string queue_id = to_string(about);
  const std::string from = fmt::format("MAILER-DAEMON@{}", settings->origin);
  const std::string postmaster = fmt::format("postmaster@{}", settings->origin);
  const mail::DsnMessage message =
      mail::build_dsn({.reporting_mta = settings->hostname,
                       .from = from,
                       .to = to_whom,
                       .envid = owner.empty() ? envelope.envid() : std::string_view{},
                       .received_from_mta = envelope.facts().helo,
                       .queue_id = queue_id,
                       .postmaster = postmaster,
                       .arrival = envelope.facts().arrival,
                       .now = core_.wall_now(),
                       .id = spool_.next_id(),
                       .dsn_return = envelope.dsn_return(),
                       .message_is_utf8 = envelope.smtputf8(),
                       .original_header = original.header,
                       .original_body = original.body,
                       .recipients = lines});
  mail::Envelope to;
  to.set_reverse_path({});
  to.smtputf8 = message.needs_smtputf8;
  to.body_given = message.eight_bit;
  to.body = message.eight_bit ? mail::BodyKind::eight_bit_mime : mail::BodyKind::seven_bit;
  to.add_recipient({.address = to_whom});
  const intake::Verdict verdict = co_await intake_.take(
      std::as_bytes(std::span(message.bytes)), {.listener = "report", .protocol_override = "local"}, to);
  if (verdict.refusal) {
    figures_.failed.add();
    co_return fail(ErrorKind::temporary, fmt::format("the report was not stored: {}", verdict.refusal->text));
  }
  figures_.sent.add();
  co_return Result<void>{};
}

void Reports::log_dropped(MessageId about, std::span<const mail::DsnRecipient> lines) {
  figures_.dropped.add();
  core_.events()
      .begin(observe::EventType::notice, core_.wall_now())
      .add(observe::EventKey::severity, "info")
      .add(observe::EventKey::queue_id, about)
      .add(observe::EventKey::recipient, lines.front().address)
      .add(observe::EventKey::recipient_count, lines.size())
      .add(observe::EventKey::text, "a report could not be delivered; nobody is told")
      .finish();
}

}  // namespace ringpost::deliver
