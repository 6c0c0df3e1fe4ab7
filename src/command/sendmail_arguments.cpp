#include "sendmail_arguments.hpp"

#include <algorithm>
#include <string_view>

namespace ringpost::command {

namespace {

using Failed = std::expected<void, std::string>;

// Letters of sendmail that take a value, and those that take one only when it is attached.
constexpr std::string_view kTakesValue = "BCDFLNORVXfhopr";
constexpr std::string_view kTakesAttached = "bdeqs";
// Understood, and of no meaning here: verbose, "me too", submission, no aliases, gateway.
constexpr std::string_view kIgnored = "AGUcmnvx";

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

Failed take_mode(std::string_view value, SendmailArguments& arguments) {
  if (value == "m" || value.empty())
    arguments.mode = SendmailMode::deliver;
  else if (value == "p")
    arguments.mode = SendmailMode::show_queue;
  else if (value == "i" || value == "I")
    arguments.mode = SendmailMode::make_aliases;
  else if (value == "s")
    return std::unexpected("-bs (SMTP on standard input) is not offered; speak SMTP to the server's port");
  else if (value == "d" || value == "D")
    return std::unexpected("-bd is not offered; run the server with: ringpost serve");
  else
    return std::unexpected("-b" + std::string(value) + " is not offered");
  return {};
}

// -oX and -O name=value: only what changes what we do. Everything else is for servers of another time.
void take_option(std::string_view value, SendmailArguments& arguments) {
  if (value.starts_with('i')) arguments.dot_is_text = true;
}
void take_long_option(std::string_view value, SendmailArguments& arguments) {
  const std::size_t equals = value.find('=');
  if (equals != value.npos && same_word(value.substr(0, equals), "IgnoreDots"))
    arguments.dot_is_text = same_word(value.substr(equals + 1), "true");
}

Failed take_notify(std::string_view value, SendmailArguments& arguments) {
  std::string upper(value);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const auto notify = mail::parse_notify(upper);
  if (!notify) return std::unexpected("-N takes \"never\", or some of \"success,failure,delay\"");
  arguments.notify = *notify;
  return {};
}

Failed take_return(std::string_view value, SendmailArguments& arguments) {
  if (same_word(value, "full"))
    arguments.dsn_return = mail::DsnReturn::full;
  else if (same_word(value, "hdrs"))
    arguments.dsn_return = mail::DsnReturn::headers;
  else
    return std::unexpected("-R takes \"full\" or \"hdrs\"");
  return {};
}

Failed take_value(char letter, const std::string& value, SendmailArguments& arguments) {
  switch (letter) {
    case 'f':
    case 'r':
      arguments.sender = value == "<>" ? "" : value;
      break;
    case 'F':
      arguments.full_name = value;
      break;
    case 'V':
      arguments.envelope_id = value;
      break;
    case 'C':
      arguments.config = value;
      break;
    case 'N':
      return take_notify(value, arguments);
    case 'R':
      return take_return(value, arguments);
    case 'o':
      take_option(value, arguments);
      break;
    case 'O':
      take_long_option(value, arguments);
      break;
    case 'b':
      return take_mode(value, arguments);
    case 'q':
      arguments.mode = SendmailMode::flush_queue;
      break;
    default:
      break;
  }
  return {};
}

Failed take_flag(char letter, SendmailArguments& arguments) {
  if (letter == 't')
    arguments.recipients_from_header = true;
  else if (letter == 'i')
    arguments.dot_is_text = true;
  else if (!kIgnored.contains(letter))
    return std::unexpected(std::string("there is no option -") + letter);
  return {};
}

// One word of letters; `at` is its place and moves over a value that stands apart.
Failed take_letters(const std::vector<std::string>& words, std::size_t& at, SendmailArguments& arguments) {
  const std::string& word = words[at];
  for (std::size_t i = 1; i < word.size(); ++i) {
    const char letter = word[i];
    const std::string rest = word.substr(i + 1);
    if (kTakesAttached.contains(letter)) return take_value(letter, rest, arguments);
    if (kTakesValue.contains(letter)) {
      if (!rest.empty()) return take_value(letter, rest, arguments);
      if (at + 1 == words.size()) return std::unexpected(std::string("-") + letter + " takes a value");
      return take_value(letter, words[++at], arguments);
    }
    if (auto taken = take_flag(letter, arguments); !taken) return taken;
  }
  return {};
}

}  // namespace

std::expected<SendmailArguments, std::string> parse_sendmail_arguments(
    const std::string& name, const std::vector<std::string>& words) {
  SendmailArguments arguments;
  if (name == "mailq") arguments.mode = SendmailMode::show_queue;
  if (name == "newaliases") arguments.mode = SendmailMode::make_aliases;
  bool options = true;
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (options && word == "--help") {
      arguments.mode = SendmailMode::help;
    } else if (options && word == "--") {
      options = false;
    } else if (options && word.size() > 1 && word[0] == '-') {
      if (auto taken = take_letters(words, at, arguments); !taken) return std::unexpected(taken.error());
    } else {
      // As getopt does it: what follows the first name is a name, unless it looks like an option.
      arguments.recipients.push_back(word);
    }
  }
  return arguments;
}

}  // namespace ringpost::command
