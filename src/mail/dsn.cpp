#include "ringpost/mail/dsn.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/mail/base64.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/mail/message_id.hpp"
#include "ringpost/mail/xtext.hpp"

#include "ascii.hpp"
#include "dsn_text.hpp"

namespace ringpost::mail {

std::string_view to_string(DsnAction action) {
  switch (action) {
    case DsnAction::failed:
      return "failed";
    case DsnAction::delayed:
      return "delayed";
    case DsnAction::delivered:
      return "delivered";
    case DsnAction::relayed:
      return "relayed";
    case DsnAction::expanded:
      return "expanded";
  }
  return "failed";
}

bool wants_report(Notify notify, DsnAction action) {
  switch (action) {
    case DsnAction::failed:
      return notify.failure();
    case DsnAction::delayed:
      return notify.delay();
    default:
      return notify.success();
  }
}

EnhancedStatus dsn_status(const DsnRecipient& recipient) {
  if (recipient.status.given()) return recipient.status;
  if (const EnhancedStatus status = effective_status(recipient.reply); status.given()) return status;
  switch (recipient.action) {
    case DsnAction::failed:
      return {5, 0, 0};
    case DsnAction::delayed:
      return {4, 0, 0};
    default:
      return {2, 0, 0};
  }
}

namespace {

bool has_eight_bit(std::string_view text) {
  return !is_ascii(text);
}

// Line ends made CRLF: a report with bare ones would be refused itself.
void append_lines(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool cr = text[i] == '\r';
    if (!cr && text[i] != '\n') {
      out += text[i];
      continue;
    }
    if (cr && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    out += "\r\n";
  }
  if (!text.empty() && text.back() != '\n' && text.back() != '\r') out += "\r\n";
}

class DsnBuilder {
 public:
  explicit DsnBuilder(const DsnReport& report)
      : report_(report),
        shown_(report.recipients.first(std::min(report.recipients.size(), kDsnRecipientsMax))) {
    header_ = returned_header();
    global_ =
        report.message_is_utf8 || has_eight_bit(report.to) || std::ranges::any_of(shown_, is_utf8_recipient);
    full_ = returns_full();
    boundary_ = make_boundary();
  }

  DsnMessage build() {
    append_message_header();
    append_text_part();
    append_status_part();
    append_original_part();
    message_.bytes += "--" + boundary_ + "--\r\n";
    message_.needs_smtputf8 = has_eight_bit(report_.to);
    message_.eight_bit = has_eight_bit(message_.bytes);
    return std::move(message_);
  }

 private:
  static bool is_utf8_recipient(const DsnRecipient& recipient) {
    return has_eight_bit(recipient.address) || recipient.original_recipient.substr(0, 6) == "utf-8;";
  }

  std::string_view returned_header() const {
    std::string_view header = report_.original_header;
    if (header.size() <= kDsnHeaderBytesMax) return header;
    header = header.substr(0, kDsnHeaderBytesMax);
    return header.substr(0, header.rfind('\n') + 1);
  }

  // RFC 3461 section 4.3: RET speaks of failures; other reports return the header only.
  bool returns_full() const {
    if (report_.original_body.empty() || report_.dsn_return == DsnReturn::headers) return false;
    if (!std::ranges::any_of(shown_, [](const DsnRecipient& r) { return r.action == DsnAction::failed; }))
      return false;
    // A message/rfc822 part may not be encoded; only message/global may.
    const bool eight_bit = has_eight_bit(header_) || has_eight_bit(report_.original_body);
    return !eight_bit || report_.next_hop_takes_8bit || global_;
  }

  // The id makes it new; a message that contains it all the same gets another.
  std::string make_boundary() const {
    constexpr int kAttemptsMax = 100;
    std::string boundary;
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
      boundary = fmt::format("=_{}_{}", mail_id(), attempt);
      if (!report_.original_body.contains(boundary) && !header_.contains(boundary)) break;
    }
    return boundary;
  }
  std::string mail_id() const { return ringpost::to_string(report_.id); }

  void field(std::string_view name, std::string_view value) { append_folded(name, value, message_.bytes); }

  void append_message_header() {
    const DsnAction action = shown_.empty() ? DsnAction::failed : worst_action(shown_);
    field("Date", format_date(report_.now, report_.zone_minutes));
    field("From", fmt::format("Mail Delivery System <{}>", report_.from));
    field("To", fmt::format("<{}>", report_.to));
    field("Subject", dsn_subject(action));
    field("Message-ID", make_message_id(report_.now, report_.id, report_.reporting_mta));
    if (const auto original = find_field(header_, "Message-ID")) {
      if (const auto id = find_message_id(original->value);
          !id.empty() && id.size() <= kLineSizeMax && is_ascii(id)) {
        field("In-Reply-To", unfold(id));
        field("References", unfold(id));
      }
    }
    field("Auto-Submitted", "auto-replied");
    field("MIME-Version", "1.0");
    message_.bytes += "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"" +
                      boundary_ + "\"\r\n\r\n";
    message_.bytes += "This is a report in MIME format.\r\n\r\n";
  }

  // Opens a part and fills it, encoded when it must be.
  void append_part(std::string_view type, std::string_view description, std::string_view content,
                   bool may_encode) {
    const bool eight_bit = has_eight_bit(content);
    const bool encode = eight_bit && may_encode && !report_.next_hop_takes_8bit;
    message_.bytes += "--" + boundary_ + "\r\n";
    field("Content-Description", description);
    field("Content-Type", type);
    field("Content-Transfer-Encoding", encode ? "base64" : eight_bit ? "8bit" : "7bit");
    message_.bytes += "\r\n";
    if (encode)
      append_base64_lines(content, message_.bytes);
    else
      message_.bytes += content;
    message_.bytes += "\r\n";
  }

  void append_text_part() {
    const std::string text = dsn_text(report_, shown_);
    append_part(has_eight_bit(text) ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii",
                "Notification", text, true);
  }

  void append_status_part() {
    std::string status;
    append_message_fields(status);
    for (const DsnRecipient& recipient : shown_) append_recipient_fields(recipient, status);
    append_part(global_ ? "message/global-delivery-status" : "message/delivery-status", "Delivery report",
                status, global_);
  }

  // Without message/global-delivery-status, a field holds ASCII only.
  std::string field_text(std::string_view text) const {
    std::string clean(text);
    std::ranges::replace_if(
        clean, [&](char c) { return is_control(c) || (!global_ && is_eight_bit(c)); }, '?');
    return clean;
  }
  void status_field(std::string_view name, std::string_view value, std::string& out) const {
    append_folded(name, field_text(value), out);
  }
  void status_date(std::string_view name, WallTime time, std::string& out) const {
    if (time.nanoseconds != 0) status_field(name, format_date(time, report_.zone_minutes), out);
  }

  // RFC 3464 section 2.2.
  void append_message_fields(std::string& out) const {
    if (!report_.envid.empty()) {
      const auto envid = decode_xtext(report_.envid);
      status_field("Original-Envelope-Id", envid ? *envid : report_.envid, out);
    }
    status_field("Reporting-MTA", fmt::format("dns; {}", report_.reporting_mta), out);
    if (!report_.received_from_mta.empty())
      status_field("Received-From-MTA", fmt::format("dns; {}", report_.received_from_mta), out);
    status_date("Arrival-Date", report_.arrival, out);
    if (!report_.queue_id.empty()) status_field("X-Ringpost-Queue-Id", report_.queue_id, out);
  }

  // RFC 3464 section 2.3.
  void append_recipient_fields(const DsnRecipient& recipient, std::string& out) const {
    out += "\r\n";
    if (const auto original = parse_orcpt(recipient.original_recipient))
      status_field("Original-Recipient", fmt::format("{}; {}", original->type, original->address), out);
    status_field(
        "Final-Recipient",
        fmt::format("{}; {}", has_eight_bit(recipient.address) ? "utf-8" : "rfc822", recipient.address), out);
    status_field("Action", to_string(recipient.action), out);
    status_field("Status", to_string(dsn_status(recipient)), out);
    if (!recipient.remote_mta.empty())
      status_field("Remote-MTA", fmt::format("dns; {}", recipient.remote_mta), out);
    if (recipient.reply.code != 0)
      status_field("Diagnostic-Code", fmt::format("smtp; {}", to_string(recipient.reply)), out);
    else if (!recipient.reason.empty())
      status_field("Diagnostic-Code", fmt::format("X-Ringpost; {}", recipient.reason), out);
    status_date("Last-Attempt-Date", recipient.last_attempt, out);
    if (recipient.action == DsnAction::delayed)
      status_date("Will-Retry-Until", recipient.will_retry_until, out);
  }

  void append_original_part() {
    std::string original;
    append_lines(header_, original);
    if (!full_) {
      // Without the empty line: it ends the part.
      while (original.ends_with("\r\n\r\n")) original.resize(original.size() - 2);
      const bool utf8 = has_eight_bit(original) && global_;
      append_part(utf8 ? "message/global-headers" : headers_type(original), "Header of the message", original,
                  true);
      return;
    }
    if (!original.ends_with("\r\n\r\n")) original += "\r\n";
    append_lines(report_.original_body, original);
    append_part(global_ ? "message/global" : "message/rfc822", "The message", original, global_);
  }
  static std::string_view headers_type(std::string_view header) {
    return has_eight_bit(header) ? "text/rfc822-headers; charset=utf-8" : "text/rfc822-headers";
  }

  const DsnReport& report_;
  std::span<const DsnRecipient> shown_;
  std::string_view header_;
  std::string boundary_;
  bool global_ = false;
  bool full_ = false;
  DsnMessage message_;
};

}  // namespace

DsnMessage build_dsn(const DsnReport& report) {
  return DsnBuilder(report).build();
}

}  // namespace ringpost::mail
