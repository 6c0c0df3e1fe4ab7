#include "ringpost/mail/received.hpp"

#include <algorithm>
#include <array>

#include "ringpost/mail/date.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

std::string_view to_string(WithProtocol protocol) {
  // RFC 3848 and RFC 6531 section 4.3; the bits are TLS (S) and AUTH (A).
  using Names = std::array<std::string_view, 4>;
  constexpr Names kEsmtp{"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};
  constexpr Names kLmtp{"LMTP", "LMTPS", "LMTPA", "LMTPSA"};
  constexpr Names kUtf8Smtp{"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};
  constexpr Names kUtf8Lmtp{"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"};
  const std::size_t which = (protocol.tls ? 1U : 0U) + (protocol.auth ? 2U : 0U);
  if (protocol.lmtp) return (protocol.utf8 ? kUtf8Lmtp : kLmtp)[which];
  if (protocol.utf8) return kUtf8Smtp[which];
  return protocol.extended ? kEsmtp[which] : std::string_view("SMTP");
}

namespace {

constexpr std::string_view kFold = "\r\n\t";
constexpr std::size_t kShownMax = 255;  // of a text that a peer chose

// What a peer said, without what could end the comment or the field.
void append_clean(std::string_view text, std::string& out) {
  for (const char c : text.substr(0, kShownMax)) {
    const bool harmless = static_cast<std::uint8_t>(c) > 32 && c != 127 && c != '(' && c != ')' &&
                          c != '\\' && c != ';' && c != '"' && c != '<' && c != '>';
    out += harmless ? c : '?';
  }
}

// A comment may have blanks inside.
void append_comment(std::string_view before, std::string_view text, std::string& out) {
  out.append("(").append(before);
  for (const char c : text.substr(0, kShownMax))
    out += is_control(c) || c == '(' || c == ')' || c == '\\' ? '?' : c;
  out += ")";
}

void append_literal(std::string_view address, std::string& out) {
  out += address.contains(':') ? "[IPv6:" : "[";
  append_clean(address, out);
  out += ']';
}

void append_from(const ReceivedFacts& facts, std::string& out) {
  out += "from ";
  if (facts.helo.empty())
    append_literal(facts.peer_address, out);
  else
    append_clean(facts.helo, out);
  out += " (";
  append_clean(facts.peer_name.empty() ? "unknown" : facts.peer_name, out);
  out += ' ';
  append_literal(facts.peer_address, out);
  out += ')';
  out += kFold;
}

void append_for(std::string_view recipient, std::string& out) {
  out += kFold;
  out += "for <";
  for (const char c : recipient)
    if (!is_control(c) && c != '<' && c != '>') out += c;
  out += '>';
}

void append_path_field(std::string_view name, std::string_view address, bool brackets, std::string& out) {
  out.append(name).append(brackets ? ": <" : ": ");
  for (const char c : address)
    if (!is_control(c)) out += c;
  out.append(brackets ? ">\r\n" : "\r\n");
}

}  // namespace

void append_received(const ReceivedFacts& facts, std::string& out) {
  out += "Received: ";
  if (!facts.peer_address.empty()) append_from(facts, out);
  out.append("by ").append(facts.hostname).append(" (").append(facts.software).append(")");
  out.append(" with ").append(facts.protocol_override.empty() ? to_string(facts.protocol)
                                                              : facts.protocol_override);
  out.append(" id ").append(facts.id);
  if (!facts.tls.empty()) {
    out += kFold;
    append_comment("using ", facts.tls, out);
  }
  if (!facts.auth_user.empty()) {
    out += kFold;
    append_comment("authenticated as ", facts.auth_user, out);
  }
  if (!facts.recipient.empty()) append_for(facts.recipient, out);
  out.append(";").append(kFold);
  append_date(facts.arrival, facts.zone_minutes, out);
  out += "\r\n";
}

void append_return_path(std::string_view reverse_path, std::string& out) {
  append_path_field("Return-Path", reverse_path, true, out);
}
void append_delivered_to(std::string_view address, std::string& out) {
  append_path_field("Delivered-To", address, false, out);
}
void append_original_to(std::string_view address, std::string& out) {
  append_path_field("X-Original-To", address, false, out);
}

}  // namespace ringpost::mail
