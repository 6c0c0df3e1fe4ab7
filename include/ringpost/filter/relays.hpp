// The hosts that a message came through, read from its Received fields, and how far they can be believed.
//
// Layer:   pure. Values.
// Owner:   MessageView.
// Input:   what some 60 kinds of mail servers write into Received; a field that tells of no hand-over between hosts is skipped.
// Limits:  kRelaysMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/address.hpp"

namespace ringpost::filter {

struct Relay {
  std::string ip;
  std::string rdns;
  std::string helo;
  std::string by;
  std::string id;
  std::string ident;
  std::optional<std::string> envelope_from;
  std::string auth;
  bool no_reverse_dns = false;       // the server looked and found none
  bool rdns_not_in_headers = false;  // the server does not say
  bool private_ip = false;
  bool internal = false;
  bool msa = false;

  // "[ ip=192.0.2.1 rdns=a.example helo=b.example by=c.example ident= envfrom= intl=0 id=x auth= msa=0 ]"
  std::string as_rules_see() const;
};

struct RelayChain {
  // Latest first.
  std::vector<Relay> trusted;
  std::vector<Relay> untrusted;
  std::vector<Relay> internal;
  std::vector<Relay> external;
  // X-Spam-Relays-Trusted and so on.
  std::string trusted_text;
  std::string untrusted_text;
  std::string internal_text;
  std::string external_text;
  std::size_t unparseable = 0;
  // Of the Received fields, counted from the top; -1 for none.
  std::ptrdiff_t last_trusted_index = -1;
  std::ptrdiff_t last_internal_index = -1;
};

enum class ReceivedKind : std::uint8_t { relay, skipped, fetched, unreadable };
struct ReceivedLine {
  ReceivedKind kind = ReceivedKind::unreadable;
  Relay relay;
  // qmail-scanner says whom the next field's message was from.
  std::optional<std::string> next_envelope_from;
};
// `value` of one Received field, folded or not.
ReceivedLine parse_received(std::string_view value);

// Private, loopback, link-local and carrier addresses: no relay on the public net has one.
bool is_private_ip(std::string_view ip);
// The first address in a text; where and how long. size 0: none.
struct AddressPlace {
  std::size_t begin = 0;
  std::size_t size = 0;
};
AddressPlace find_ip_address(std::string_view text, std::size_t from = 0);

}  // namespace ringpost::filter
