#include "ringpost/mail/dsn.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/base64.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr WallTime kNow{880127706'000'000'000};
constexpr std::string_view kHeader =
    "From: alice@example.org\r\nMessage-ID: <1@example.org>\r\nSubject: hi\r\n\r\n";

DsnRecipient failed() {
  return {.address = "bob@example.com",
          .original_recipient = "rfc822;Bob+2Bx@Example.com",
          .remote_mta = "mx.example.com",
          .reply = {550, {5, 1, 1}, "No such user\nhere"},
          .last_attempt = kNow};
}

DsnReport some_report() {
  return {.reporting_mta = "mx1.example.net",
          .from = "MAILER-DAEMON@example.net",
          .to = "alice@example.org",
          .envid = "QQ+2B314159",
          .received_from_mta = "client.example.org",
          .queue_id = "0123456789ABC",
          .postmaster = "postmaster@example.net",
          .arrival = kNow + -1h,
          .now = kNow,
          .id = MessageId::make(1, 0, 9),
          .original_header = kHeader,
          .original_body = "Hello Bob\r\n"};
}

std::string build(DsnReport report, const DsnRecipient& recipient) {
  report.recipients = {&recipient, 1};
  return build_dsn(report).bytes;
}

// The MIME parts, headers included, as the boundary divides them.
std::vector<std::string> parts_of(const std::string& message) {
  const std::string type = unfold(find_field(message, "Content-Type")->value);
  const std::size_t begin = type.find("boundary=\"") + 10;
  const std::string line = "\r\n--" + type.substr(begin, type.find('"', begin) - begin);
  std::vector<std::string> parts;
  std::size_t at = message.find(line);
  while (at != std::string::npos) {
    const std::size_t from = at + line.size();
    if (message.substr(from, 2) == "--") return parts;
    at = message.find(line, from);
    parts.push_back(message.substr(from + 2, at == std::string::npos ? at : at - from - 2));
  }
  ADD_FAILURE() << "the last boundary is missing";
  return parts;
}

TEST(Dsn, is_a_report_of_three_parts) {
  const std::string message = build(some_report(), failed());
  EXPECT_EQ(unfold(find_field(message, "To")->value), "<alice@example.org>");
  EXPECT_EQ(unfold(find_field(message, "Auto-Submitted")->value), "auto-replied");
  EXPECT_EQ(unfold(find_field(message, "In-Reply-To")->value), "<1@example.org>");
  EXPECT_THAT(unfold(find_field(message, "Content-Type")->value),
              HasSubstr("multipart/report; report-type=delivery-status;"));
  for (const char* name : {"Date", "From", "Message-ID", "MIME-Version", "Subject"})
    EXPECT_EQ(count_fields(message, name), 1U) << name;
  const auto parts = parts_of(message);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(unfold(find_field(parts[0], "Content-Type")->value), "text/plain; charset=us-ascii");
  EXPECT_EQ(unfold(find_field(parts[1], "Content-Type")->value), "message/delivery-status");
  EXPECT_EQ(unfold(find_field(parts[2], "Content-Type")->value), "message/rfc822");
  EXPECT_THAT(parts[2], testing::EndsWith("Subject: hi\r\n\r\nHello Bob\r\n"));
}

TEST(Dsn, has_the_fields_of_rfc_3464) {
  const std::string status = parts_of(build(some_report(), failed())).at(1);
  EXPECT_THAT(status, HasSubstr("Original-Envelope-Id: QQ+314159\r\n"
                                "Reporting-MTA: dns; mx1.example.net\r\n"
                                "Received-From-MTA: dns; client.example.org\r\n"
                                "Arrival-Date: Fri, 21 Nov 1997 14:55:06 +0000\r\n"
                                "X-Ringpost-Queue-Id: 0123456789ABC\r\n"
                                "\r\n"
                                "Original-Recipient: rfc822; Bob+x@Example.com\r\n"
                                "Final-Recipient: rfc822; bob@example.com\r\n"
                                "Action: failed\r\n"
                                "Status: 5.1.1\r\n"
                                "Remote-MTA: dns; mx.example.com\r\n"
                                "Diagnostic-Code: smtp; 550 5.1.1 No such user here\r\n"
                                "Last-Attempt-Date: Fri, 21 Nov 1997 15:55:06 +0000\r\n"));
}

TEST(Dsn, tells_a_person_what_happened_and_what_to_do) {
  const std::string text = parts_of(build(some_report(), failed())).at(0);
  EXPECT_THAT(text, HasSubstr("Your message could not be delivered to:\r\n\r\n  <bob@example.com>\r\n"));
  EXPECT_THAT(text, HasSubstr("mx.example.com answered: 550 5.1.1 No such user here"));
  EXPECT_THAT(text, HasSubstr("Please check the address for typing\r\n    errors.\r\n"));
  EXPECT_THAT(text, HasSubstr("postmaster@example.net"));
}

TEST(Dsn, of_a_delay_says_until_when_it_is_tried) {
  DsnRecipient delayed = failed();
  delayed.action = DsnAction::delayed;
  delayed.reply = {};
  delayed.reason = "connection timed out";
  delayed.will_retry_until = kNow + 24h;
  const auto parts = parts_of(build(some_report(), delayed));
  EXPECT_THAT(parts.at(0), HasSubstr("do not send the message again"));
  EXPECT_THAT(parts.at(1), HasSubstr("Action: delayed\r\nStatus: 4.0.0\r\n"));
  EXPECT_THAT(parts.at(1), HasSubstr("Diagnostic-Code: X-Ringpost; connection timed out\r\n"));
  EXPECT_THAT(parts.at(1), HasSubstr("Will-Retry-Until: Sat, 22 Nov 1997 15:55:06 +0000\r\n"));
  // Only of a failure the whole message goes back.
  EXPECT_EQ(unfold(find_field(parts.at(2), "Content-Type")->value), "text/rfc822-headers");
}

TEST(Dsn, returns_headers_only_when_asked) {
  DsnReport report = some_report();
  report.dsn_return = DsnReturn::headers;
  const std::string part = parts_of(build(report, failed())).at(2);
  EXPECT_EQ(unfold(find_field(part, "Content-Type")->value), "text/rfc822-headers");
  EXPECT_THAT(part, HasSubstr("Subject: hi"));
  EXPECT_THAT(part, Not(HasSubstr("Hello Bob")));
}

TEST(Dsn, of_success_has_the_actions_of_rfc_3464) {
  for (const DsnAction action : {DsnAction::delivered, DsnAction::relayed, DsnAction::expanded}) {
    DsnRecipient recipient{.address = "bob@example.com", .action = action};
    const std::string status = parts_of(build(some_report(), recipient)).at(1);
    EXPECT_THAT(status, HasSubstr("Action: " + std::string(to_string(action)) + "\r\nStatus: 2.0.0\r\n"));
  }
}

TEST(Dsn, takes_the_forms_of_rfc_6533_for_utf8_addresses) {
  DsnReport report = some_report();
  report.to = "j\xC3\xB6rg@example.org";
  report.message_is_utf8 = true;
  DsnRecipient recipient = failed();
  recipient.address =
      "b\xC3\xB6"
      "b@xn--bcher-kva.example";
  recipient.original_recipient = "utf-8;b\\x{F6}b@example.com";
  report.recipients = {&recipient, 1};
  const DsnMessage message = build_dsn(report);
  EXPECT_TRUE(message.needs_smtputf8 && message.eight_bit);
  const auto parts = parts_of(message.bytes);
  EXPECT_THAT(parts.at(0), HasSubstr("(b\xC3\xBC"
                                     "cher.example)"));
  EXPECT_EQ(unfold(find_field(parts.at(1), "Content-Type")->value), "message/global-delivery-status");
  EXPECT_THAT(parts.at(1), HasSubstr("Original-Recipient: utf-8; b\xC3\xB6"
                                     "b@example.com\r\nFinal-Recipient: utf-8; b\xC3\xB6"
                                     "b@"));
  EXPECT_EQ(unfold(find_field(parts.at(2), "Content-Type")->value), "message/global");

  report.to = "alice@example.org";
  report.next_hop_takes_8bit = false;
  const DsnMessage encoded = build_dsn(report);
  EXPECT_FALSE(encoded.needs_smtputf8 || encoded.eight_bit);
  EXPECT_EQ(unfold(find_field(parts_of(encoded.bytes).at(1), "Content-Transfer-Encoding")->value), "base64");
}

TEST(Dsn, sends_no_8bit_body_where_none_is_taken) {
  DsnReport report = some_report();
  report.original_body = "caf\xC3\xA9\r\n";
  report.next_hop_takes_8bit = false;
  std::string message = build(report, failed());
  EXPECT_EQ(message.find('\xC3'), std::string::npos);
  EXPECT_EQ(unfold(find_field(parts_of(message).at(2), "Content-Type")->value), "text/rfc822-headers");
  report.next_hop_takes_8bit = true;
  message = build(report, failed());
  EXPECT_EQ(unfold(find_field(parts_of(message).at(2), "Content-Transfer-Encoding")->value), "8bit");
}

TEST(Dsn, makes_every_line_whole_and_short_enough_whatever_a_peer_said) {
  DsnReport report = some_report();
  report.original_header = "A: b\nX: \rc\r\n";
  report.original_body = "a\nb\rc";
  DsnRecipient recipient = failed();
  recipient.reply.text = std::string(3000, 'x') + "\r\n\r\n--" + std::string(200, 'y') + " \xFF";
  recipient.remote_mta = "mx\r\nAction: delivered";
  const std::string message = build(report, recipient);
  std::size_t line = 0;
  for (std::size_t i = 0; i < message.size(); ++i) {
    if (message[i] == '\r') {
      ASSERT_EQ(message[i + 1], '\n');
      ++i;
      line = 0;
      continue;
    }
    ASSERT_NE(message[i], '\n');
    ASSERT_LE(++line, kLineSizeMax);
  }
  EXPECT_EQ(parts_of(message).size(), 3U);
  EXPECT_THAT(message, Not(HasSubstr("\r\nAction: delivered")));
}

TEST(Dsn, takes_another_boundary_when_the_message_has_it) {
  DsnReport report = some_report();
  const std::string first = build(report, failed());
  report.original_body = first;
  EXPECT_EQ(parts_of(build(report, failed())).size(), 3U);
}

TEST(Dsn, names_so_many_recipients_and_counts_the_rest) {
  std::vector<DsnRecipient> recipients(kDsnRecipientsMax + 2, failed());
  DsnReport report = some_report();
  report.recipients = std::span(recipients).first(kDsnRecipientsMax);
  EXPECT_THAT(build_dsn(report).bytes, Not(HasSubstr("more recipients")));
  report.recipients = recipients;
  EXPECT_THAT(build_dsn(report).bytes, HasSubstr("and 2 more recipients"));
}

TEST(Dsn, cuts_an_endless_header_at_a_line) {
  std::string header;
  while (header.size() <= kDsnHeaderBytesMax) header += "X-Filler: " + std::string(60, 'x') + "\r\n";
  DsnReport report = some_report();
  report.original_header = header;
  report.dsn_return = DsnReturn::headers;
  const std::string part = parts_of(build(report, failed())).at(2);
  EXPECT_LE(part.size(), kDsnHeaderBytesMax + 200);
  EXPECT_TRUE(part.ends_with("x\r\n"));
}

TEST(Dsn, is_wanted_as_notify_says) {
  EXPECT_TRUE(wants_report({}, DsnAction::failed));
  EXPECT_TRUE(wants_report({}, DsnAction::delayed));
  EXPECT_FALSE(wants_report({}, DsnAction::delivered));
  EXPECT_FALSE(wants_report({Notify::kNever}, DsnAction::failed));
  EXPECT_TRUE(wants_report({Notify::kSuccess}, DsnAction::relayed));
  EXPECT_FALSE(wants_report({Notify::kSuccess}, DsnAction::failed));
}

}  // namespace
}  // namespace ringpost::mail
