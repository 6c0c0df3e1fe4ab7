// What ends a command. Its texts live here, for a response has views only.
//
// Layer: services, pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ringpost/imap/status_response.hpp"

#include "names.hpp"

namespace ringpost::access {

struct Answer {
  imap::Condition condition = imap::Condition::ok;
  std::string code;
  std::string text;

  static Answer ok(std::string text = "Done", std::string code = {}) {
    return {imap::Condition::ok, std::move(code), std::move(text)};
  }
  static Answer no(std::string_view code, std::string text) {
    return {imap::Condition::no, std::string(code), std::move(text)};
  }
  static Answer bad(std::string text) { return {imap::Condition::bad, {}, std::move(text)}; }
  static Answer refused(const store::Failure& failure,
                        std::string_view no_mailbox = imap::codes::kNonExistent) {
    const imap::StatusResponse response = refusal(failure, no_mailbox);
    return {response.condition, std::string(response.code), std::string(response.text)};
  }
  // Of a mailbox that is not there, or that its reader may not know of: nobody can tell one from the other.
  static Answer no_mailbox(std::string_view code = imap::codes::kNonExistent) {
    return no(code, "There is no such mailbox");
  }

  static Answer not_allowed() {
    return no(imap::codes::kNoPerm, "The owner of the mailbox does not allow it");
  }
  // Of the selected mailbox.
  static Answer deleted() { return no(imap::codes::kNonExistent, "The mailbox has been deleted"); }
  static Answer only_read() { return no(imap::codes::kNoPerm, "The mailbox is selected to be read only"); }

  bool is_ok() const { return condition == imap::Condition::ok; }
};

}  // namespace ringpost::access
