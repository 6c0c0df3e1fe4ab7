// The command line of sendmail, as its many callers write it: letters in clusters, values attached or apart.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/mail/envelope.hpp"

namespace ringpost::command {

enum class SendmailMode : unsigned char { deliver, show_queue, make_aliases, flush_queue, help };

struct SendmailArguments {
  SendmailMode mode = SendmailMode::deliver;
  bool recipients_from_header = false;  // -t
  bool dot_is_text = false;             // -i, -oi: a line with a lone dot does not end the message
  std::optional<std::string> sender;    // -f; "" is the null sender
  std::string full_name;                // -F
  std::string envelope_id;              // -V
  std::string config;                   // -C
  mail::Notify notify;                  // -N
  mail::DsnReturn dsn_return = mail::DsnReturn::unset;  // -R
  std::vector<std::string> recipients;
};

// The error is for the user: what is not understood or not offered.
std::expected<SendmailArguments, std::string> parse_sendmail_arguments(const std::string& name,
                                                                       const std::vector<std::string>& words);

}  // namespace ringpost::command
