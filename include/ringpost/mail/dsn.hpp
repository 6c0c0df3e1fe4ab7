// Delivery status notifications: the mail that says what became of a mail.
//
// Layer:   pure. Facts in, a whole message out (CRLF lines, header first). The caller sends it from <>.
// Limits:  kDsnHeaderBytesMax, kDsnRecipientsMax.
// RFCs:    3464 (format), 3461 section 6 (when and what), 6522 (multipart/report), 6533 (UTF-8 addresses), 3834
//          (Auto-Submitted).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/reply.hpp"

namespace ringpost::mail {

enum class DsnAction : std::uint8_t { failed, delayed, delivered, relayed, expanded };
std::string_view to_string(DsnAction action);

struct DsnRecipient {
  std::string_view address;             // final recipient, canonical
  std::string_view original_recipient;  // ORCPT as received, or empty
  DsnAction action = DsnAction::failed;
  EnhancedStatus status;        // none: from the reply
  std::string_view remote_mta;  // the host that answered; empty when none did
  Reply reply;                  // what it said; code 0 when nothing did
  std::string_view reason;      // ours, for a person, when there was no reply: "connection timed out"
  WallTime last_attempt;        // 0: not shown
  WallTime will_retry_until;    // delayed only; 0: not shown
};

struct DsnReport {
  std::string_view reporting_mta;      // our hostname
  std::string_view from;               // "MAILER-DAEMON@example.com"
  std::string_view to;                 // the reverse path of the failed message; must not be empty
  std::string_view envid;              // as received, or empty
  std::string_view received_from_mta;  // helo of who gave it to us; may be empty
  std::string_view queue_id;           // of the failed message
  std::string_view postmaster;         // whom to ask: "postmaster@example.com"
  WallTime arrival;                    // of the failed message
  WallTime now;
  int zone_minutes = 0;
  MessageId id;  // of the report: its Message-ID and boundary
  DsnReturn dsn_return = DsnReturn::unset;
  bool message_is_utf8 = false;      // the failed message came with SMTPUTF8
  bool next_hop_takes_8bit = true;   // false: parts that have 8-bit bytes are sent in base64
  std::string_view original_header;  // with or without its empty line
  std::string_view original_body;    // for RET=FULL; empty when it is too large to return
  std::span<const DsnRecipient> recipients;
};

struct DsnMessage {
  std::string bytes;
  bool needs_smtputf8 = false;  // an address or header in it is not ASCII
  bool eight_bit = false;
};
// The report. Recipients after kDsnRecipientsMax are counted in the text only.
DsnMessage build_dsn(const DsnReport& report);

// Whether a recipient who asked `notify` gets a report of `action` (RFC 3461 section 4.1 and 6.2).
bool wants_report(Notify notify, DsnAction action);

}  // namespace ringpost::mail
