// The message that sendmail reads, made ready for the queue: its recipients, and a header that others must not see.
//
// Pure: text in, text out.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "sendmail_arguments.hpp"

namespace ringpost::command {

struct Letter {
  std::vector<std::string> recipients;  // each once, in order; bare names stay bare
  std::string body;                     // header, empty line and text
};

// The error is for the user. With -t the header's To, Cc and Bcc are added to the recipients of the command line (of its
// Resent fields when it has some). Bcc fields go; a From is made of -F when there is none.
std::expected<Letter, std::string> make_letter(const SendmailArguments& arguments, std::string_view input,
                                               std::string_view sender_address);

// What stands before a lone dot on a line, or all of it.
std::string_view until_dot(std::string_view input);

}  // namespace ringpost::command
