#include "command_table.hpp"

#include <array>

#include "ringpost/mail/address.hpp"
#include "ringpost/smtp/limits.hpp"

namespace ringpost::smtp {
namespace {

constexpr std::array<VerbTraits, 18> kVerbs{{
    // Those of the mail path first.
    {"MAIL", Verb::mail, kMailLineBytesMax, false, false},
    {"RCPT", Verb::rcpt, kMailLineBytesMax, false, false},
    {"BDAT", Verb::bdat, kCommandLineBytesMax, false, false},
    {"DATA", Verb::data, kCommandLineBytesMax, true, false},
    {"QUIT", Verb::quit, kCommandLineBytesMax, false, false},
    {"EHLO", Verb::ehlo, kCommandLineBytesMax, true, false},
    {"HELO", Verb::helo, kCommandLineBytesMax, true, false},
    {"LHLO", Verb::lhlo, kCommandLineBytesMax, true, false},
    {"RSET", Verb::rset, kCommandLineBytesMax, false, true},
    {"NOOP", Verb::noop, kCommandLineBytesMax, false, true},
    {"STARTTLS", Verb::starttls, kCommandLineBytesMax, true, false},
    {"AUTH", Verb::auth, kAuthLineBytesMax, true, false},
    {"VRFY", Verb::vrfy, kCommandLineBytesMax, false, true},
    {"EXPN", Verb::expn, kCommandLineBytesMax, false, true},
    {"HELP", Verb::help, kCommandLineBytesMax, false, true},
    {"ETRN", Verb::etrn, kCommandLineBytesMax, false, true},
    {"GET", Verb::foreign, kCommandLineBytesMax, false, false},
    {"POST", Verb::foreign, kCommandLineBytesMax, false, false},
}};
constexpr VerbTraits kUnknown{"", Verb::unknown, kCommandLineBytesMax, false, false};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

const VerbTraits& find(std::string_view word) {
  for (const VerbTraits& known : kVerbs) {
    if (mail::equal_ignoring_case(known.name, word)) return known;
  }
  return kUnknown;
}

}  // namespace

CommandLine parse_command(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  const std::string_view rest = space == std::string_view::npos ? std::string_view{} : line.substr(space);
  return {&find(word), trim(rest)};
}

bool begins_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && mail::equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

}  // namespace ringpost::smtp
