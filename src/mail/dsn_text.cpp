#include "dsn_text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

// Bytes of `text` for one line: up to a blank within `should`, else within `must`; whole characters.
std::size_t fold_point(std::string_view text, std::size_t should, std::size_t must) {
  if (text.size() <= should) return text.size();
  std::size_t blank = text.rfind(' ', should);
  if (blank == std::string_view::npos || blank == 0) blank = text.find(' ', should);
  const std::size_t end = std::min(blank, text.size());
  if (end <= must) return end;
  std::size_t cut = must;
  while (cut > 1 && (static_cast<std::uint8_t>(text[cut]) & 0xC0U) == 0x80U) --cut;
  return cut;
}

void append_wrapped(std::string_view text, std::string_view indent, std::size_t first_used,
                    std::string& out) {
  std::size_t used = first_used;
  while (true) {
    const std::size_t should = kLineSizeShould - std::min(used, kLineSizeShould - 1);
    const std::size_t size = fold_point(text, should, kLineSizeMax - used);
    out += text.substr(0, size);
    out += "\r\n";
    text.remove_prefix(size);
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.empty()) return;
    out += indent;
    used = indent.size();
  }
}

}  // namespace

void append_folded(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ");
  append_wrapped(value, "\t", name.size() + 2, out);
}

DsnAction worst_action(std::span<const DsnRecipient> recipients) {
  for (const DsnAction action :
       {DsnAction::failed, DsnAction::delayed, DsnAction::expanded, DsnAction::relayed})
    if (std::ranges::any_of(recipients, [&](const DsnRecipient& r) { return r.action == action; }))
      return action;
  return DsnAction::delivered;
}

std::string_view dsn_subject(DsnAction action) {
  switch (action) {
    case DsnAction::failed:
      return "Your message could not be delivered";
    case DsnAction::delayed:
      return "Your message is delayed";
    default:
      return "Your message was delivered";
  }
}

namespace {

std::string_view heading(DsnAction action) {
  switch (action) {
    case DsnAction::failed:
      return "Your message could not be delivered to:";
    case DsnAction::delayed:
      return "Your message has not yet been delivered, and will be tried again, to:";
    case DsnAction::delivered:
      return "Your message was delivered to the mailbox of:";
    case DsnAction::relayed:
      return "Your message was passed on to a system that sends no further reports, for:";
    case DsnAction::expanded:
      return "Your message was passed on to the members of:";
  }
  return {};
}

struct Advice {
  std::uint16_t subject;
  std::uint16_t detail;  // 0: any
  std::string_view text;
};
// The first that fits the status, its class aside (RFC 3463 section 3).
constexpr std::array<Advice, 17> kAdvice{{
    {1, 2, "There seems to be no such domain. Please check the part after the @."},
    {1, 10, "That domain takes no mail. Please check the part after the @."},
    {1, 1, "There seems to be no such recipient. Please check the address for typing errors."},
    {1, 6, "The recipient has moved. Please ask for the new address in another way."},
    {1, 0, "Please check the address for typing errors."},
    {2, 1, "The recipient's mailbox is switched off. Please reach the recipient in another way."},
    {2, 2, "The recipient's mailbox is full. Please try again later, or reach the recipient in another way."},
    {2, 3, "The message is larger than the recipient takes. Please send it without large attachments."},
    {2, 0, "Please ask the recipient's postmaster about the mailbox."},
    {3, 4,
     "The message is larger than the recipient's system takes. Please send it without large attachments."},
    {4, 4, "The recipient's domain cannot be reached by mail. Please check the part after the @."},
    {4, 6, "The message went in a circle. Please forward this report to the postmaster named below."},
    {4, 7,
     "We tried until the time was up. The recipient's system may be out of order; you may send it again "
     "later."},
    {4, 0, "The recipient's system could not be reached. You may send the message again later."},
    {6, 0, "The recipient's system cannot take a message of this form. Please send it as plain text."},
    {7, 0,
     "The recipient's system refused the message. Its answer above may say why; its postmaster can help."},
    {5, 0,
     "The two mail systems did not understand each other. Please forward this report to the postmaster named "
     "below."},
}};

std::string_view advice_for(const DsnRecipient& recipient) {
  if (recipient.action == DsnAction::delayed)
    return "You need not do anything. Please do not send the message again.";
  if (recipient.action != DsnAction::failed) return {};
  const EnhancedStatus status = dsn_status(recipient);
  for (const Advice& advice : kAdvice)
    if (advice.subject == status.subject && (advice.detail == 0 || advice.detail == status.detail))
      return advice.text;
  return {};
}

// What a person can read of what a peer said.
std::string readable(std::string_view text) {
  std::string clean(text);
  std::ranges::replace_if(clean, is_control, ' ');
  if (!is_utf8(clean)) std::ranges::replace_if(clean, is_eight_bit, '?');
  return clean;
}

void append_recipient(const DsnReport& report, const DsnRecipient& recipient, std::string& out) {
  constexpr std::string_view kIndent = "    ";
  const auto line = [&](const std::string& text) {
    out += kIndent;
    append_wrapped(text, kIndent, kIndent.size(), out);
  };
  const AddressParts parts = split_address(recipient.address);
  out.append("\r\n  <").append(recipient.address).append(">");
  if (const std::string unicode = unicode_domain(parts.domain); unicode != parts.domain)
    out.append(" (").append(unicode).append(")");
  out += "\r\n";
  if (recipient.reply.code != 0 && !recipient.remote_mta.empty())
    line(
        fmt::format("{} answered: {}", readable(recipient.remote_mta), readable(to_string(recipient.reply))));
  else if (recipient.reply.code != 0)
    line(readable(to_string(recipient.reply)));
  if (!recipient.reason.empty()) line(readable(recipient.reason));
  if (recipient.action == DsnAction::delayed && recipient.will_retry_until.nanoseconds != 0)
    line("We try until " + format_date(recipient.will_retry_until, report.zone_minutes) + ".");
  if (const std::string_view advice = advice_for(recipient); !advice.empty()) line(std::string(advice));
}

}  // namespace

std::string dsn_text(const DsnReport& report, std::span<const DsnRecipient> shown) {
  std::string out = fmt::format("This is the mail system at {}.\r\n", report.reporting_mta);
  for (const DsnAction action : {DsnAction::failed, DsnAction::delayed, DsnAction::delivered,
                                 DsnAction::relayed, DsnAction::expanded}) {
    bool begun = false;
    for (const DsnRecipient& recipient : shown) {
      if (recipient.action != action) continue;
      if (!std::exchange(begun, true)) out.append("\r\n").append(heading(action)).append("\r\n");
      append_recipient(report, recipient, out);
    }
  }
  if (const std::size_t more = report.recipients.size() - shown.size(); more != 0)
    out += fmt::format("\r\nand {} more recipients, who are not named here.\r\n", more);
  out += "\r\n";
  if (!report.postmaster.empty())
    append_wrapped(fmt::format("If you need help, please send this whole report to {}.", report.postmaster),
                   "", 0, out);
  if (!report.queue_id.empty()) out += fmt::format("The message was known here as {}.\r\n", report.queue_id);
  return out;
}

}  // namespace ringpost::mail
