// What one attempt has found out about each recipient, before it is recorded, reported and logged.
//
// Values; owner: the flow or worker that made them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/mail/dsn.hpp"
#include "ringpost/mail/reply.hpp"

namespace ringpost::deliver {

enum class Found : std::uint8_t {
  delivered,
  deferred,
  failed,     // for good: becomes bounced
  expired,    // too old: like failed, under its own name
  cancelled,  // an operator said so: no report
  undecided,  // the connection went before anything was said: as if it had not been tried
};

struct Finding {
  std::uint32_t recipient = 0;
  Found found = Found::deferred;
  // Code 0: nobody said anything; status and text are then ours.
  mail::Reply reply;
};

// What all recipients of the attempt have in common. Texts are empty when there is no such thing.
struct Attempt {
  std::string route;
  std::string remote;             // "192.0.2.25:25", or what a local delivery wrote to
  std::string remote_host;        // "mx.example.com"
  std::string tls;                // "TLSv1.3 TLS_AES_256_GCM_SHA384"
  bool counts = true;             // towards the attempts of a recipient
  bool next_hop_reports = false;  // it offers DSN, so reports of success are its business
  mail::DsnAction success = mail::DsnAction::relayed;  // what a report calls it
  std::string
      report_to;  // who hears of failures in the place of the sender: who minds the list where they are
};

// Why no host of a destination could be reached.
struct Setback {
  Attempt attempt;
  mail::Reply reply;
  std::string text() const { return reply.code != 0 ? mail::to_string(reply) : reply.text; }
};

// The finding that a reply stands for.
Finding judge(std::uint32_t recipient, const mail::Reply& reply);
// The same answer for many.
std::vector<Finding> for_all(std::span<const std::uint32_t> recipients, Found found,
                             const mail::Reply& reply);
// Ours, when nobody said anything.
mail::Reply our_word(mail::EnhancedStatus status, std::string text);

}  // namespace ringpost::deliver
