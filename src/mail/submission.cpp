#include "ringpost/mail/submission.hpp"

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/header_address.hpp"
#include "ringpost/mail/message_id.hpp"

namespace ringpost::mail {

MissingFields find_missing_fields(std::string_view message) {
  MissingFields missing{.date = true, .message_id = true, .from = true};
  HeaderReader reader(message);
  while (const auto field = reader.next()) {
    if (equal_ignoring_case(field->name, "Date")) missing.date = false;
    if (equal_ignoring_case(field->name, "Message-ID")) missing.message_id = false;
    if (equal_ignoring_case(field->name, "From")) missing.from = false;
  }
  return missing;
}

std::string make_missing_fields(MissingFields missing, const SubmissionFacts& facts) {
  std::string out;
  if (missing.date) {
    out += "Date: ";
    append_date(facts.now, facts.zone_minutes, out);
    out += "\r\n";
  }
  if (missing.message_id)
    out += "Message-ID: " + make_message_id(facts.now, facts.id, facts.hostname) + "\r\n";
  if (missing.from) {
    out += "From: ";
    if (!facts.from_name.empty()) out += encode_display_name(facts.from_name) + " ";
    out.append("<").append(facts.from).append(">\r\n");
  }
  return out;
}

}  // namespace ringpost::mail
