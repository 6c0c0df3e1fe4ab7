// What a submission agent adds to a message that lacks it.
//
// Layer:   pure.
// RFCs:    6409 section 8 (Sender, Date, Message-ID), 5322 section 3.6 (Date and From are required).
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::mail {

struct MissingFields {
  bool date = false;
  bool message_id = false;
  bool from = false;
  bool any() const { return date || message_id || from; }
};
MissingFields find_missing_fields(std::string_view message);

struct SubmissionFacts {
  WallTime now;
  int zone_minutes = 0;
  MessageId id;
  std::string_view hostname;
  std::string_view from;       // the sender's address
  std::string_view from_name;  // for the display name; may be empty
};
// The lines to put before the message; empty when nothing is missing.
std::string make_missing_fields(MissingFields missing, const SubmissionFacts& facts);

}  // namespace ringpost::mail
