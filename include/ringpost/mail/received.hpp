// The trace fields that Ringpost adds: Received, Return-Path, Delivered-To.
//
// Layer:   pure. All end in CRLF and fit RFC 5322 lines; what a peer said is cleaned of what could forge a field.
// RFCs:    5321 section 4.4, 3848 (with), 6531 section 4.3 (UTF8SMTP), 8314 section 4.3 (tls).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ringpost/base/units.hpp"

namespace ringpost::mail {

struct WithProtocol {
  bool extended = true;  // EHLO; false after HELO
  bool lmtp = false;
  bool utf8 = false;  // MAIL FROM had SMTPUTF8
  bool tls = false;
  bool auth = false;
};
// "SMTP", "ESMTP", "ESMTPSA", "LMTPS", "UTF8SMTPSA", "UTF8LMTP" ...
std::string_view to_string(WithProtocol protocol);

struct ReceivedFacts {
  std::string_view helo;          // empty for a local submission
  std::string_view peer_name;     // by reverse DNS, confirmed; empty for unknown
  std::string_view peer_address;  // "192.0.2.1", "2001:db8::1"; empty for a local submission
  std::string_view hostname;      // ours
  std::string_view software = "Ringpost";
  WithProtocol protocol;
  std::string_view protocol_override;  // "local", "HTTP": instead of `protocol` when not empty
  std::string_view tls;                // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty for none
  std::string_view auth_user;          // shown when not empty
  std::string_view id;                 // queue id
  std::string_view recipient;          // "for <...>": only when there is exactly one
  WallTime arrival;
  int zone_minutes = 0;
};
void append_received(const ReceivedFacts& facts, std::string& out);

void append_return_path(std::string_view reverse_path, std::string& out);  // "Return-Path: <...>"
void append_delivered_to(std::string_view address, std::string& out);
void append_original_to(std::string_view address, std::string& out);  // "X-Original-To: ..."

}  // namespace ringpost::mail
