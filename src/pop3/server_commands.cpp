// The commands, by table.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"
#include "ringpost/pop3/server_session.hpp"

namespace ringpost::pop3 {

using Kind = Event::Kind;

namespace {

enum class Verb : std::uint8_t {
  auth,
  capa,
  dele,
  lang,
  list,
  noop,
  pass,
  quit,
  retr,
  rset,
  stat,
  stls,
  top,
  uidl,
  user,
  utf8,
};
enum class Where : std::uint8_t { anywhere, authorization, transaction };

struct Row {
  std::string_view name;
  Verb verb;
  Where where;
  bool arguments;  // may have some
};
constexpr std::array<Row, 16> kCommands{{{"AUTH", Verb::auth, Where::authorization, true},
                                         {"CAPA", Verb::capa, Where::anywhere, false},
                                         {"DELE", Verb::dele, Where::transaction, true},
                                         {"LANG", Verb::lang, Where::anywhere, true},
                                         {"LIST", Verb::list, Where::transaction, true},
                                         {"NOOP", Verb::noop, Where::transaction, false},
                                         {"PASS", Verb::pass, Where::authorization, true},
                                         {"QUIT", Verb::quit, Where::anywhere, false},
                                         {"RETR", Verb::retr, Where::transaction, true},
                                         {"RSET", Verb::rset, Where::transaction, false},
                                         {"STAT", Verb::stat, Where::transaction, false},
                                         {"STLS", Verb::stls, Where::authorization, false},
                                         {"TOP", Verb::top, Where::transaction, true},
                                         {"UIDL", Verb::uidl, Where::transaction, true},
                                         {"USER", Verb::user, Where::authorization, true},
                                         {"UTF8", Verb::utf8, Where::authorization, false}}};

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t most) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (most - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<std::uint32_t> message_number(std::string_view text) {
  const auto value = number(text, UINT32_MAX);
  if (!value || *value == 0) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<Event> ServerSession::execute(std::string_view line, Input& input) {
  const std::string_view name = line.substr(0, line.find(' '));
  std::string_view arguments = line.substr(std::min(line.size(), name.size() + 1));
  const auto row = std::ranges::find_if(
      kCommands, [&](const Row& one) { return mail::equal_ignoring_case(one.name, name); });
  if (row == kCommands.end()) return refuse("no such command"), std::nullopt;
  if (row->where == Where::authorization && state_ != State::authorization)
    return refuse("you are logged in already"), std::nullopt;
  if (row->where == Where::transaction && state_ != State::transaction)
    return refuse("log in first"), std::nullopt;
  // A password may begin and end with blanks.
  if (row->verb != Verb::pass) arguments = without_blanks(arguments);
  if (!row->arguments && !arguments.empty()) return refuse("the command takes no argument"), std::nullopt;
  switch (row->verb) {
    case Verb::auth:
      return on_auth(arguments);
    case Verb::capa:
      return capabilities();
    case Verb::dele:
      return on_message(Command::Kind::dele, arguments);
    case Verb::lang:
      return on_lang(arguments);
    case Verb::list:
      return on_message(Command::Kind::list, arguments);
    case Verb::noop:
      return carry_out({.kind = Command::Kind::noop});
    case Verb::pass:
      return on_pass(arguments);
    case Verb::quit:
      return on_quit();
    case Verb::retr:
      return on_message(Command::Kind::retrieve, arguments);
    case Verb::rset:
      return carry_out({.kind = Command::Kind::reset});
    case Verb::stat:
      return carry_out({.kind = Command::Kind::stat});
    case Verb::stls:
      return on_stls(input);
    case Verb::top:
      return on_top(arguments);
    case Verb::uidl:
      return on_message(Command::Kind::unique_id, arguments);
    case Verb::user:
      return on_user(arguments);
    case Verb::utf8:
      return on_utf8();
  }
  return std::nullopt;
}

// LIST and UIDL may stand without a number.
std::optional<Event> ServerSession::on_message(Command::Kind kind, std::string_view arguments) {
  const bool optional = kind == Command::Kind::list || kind == Command::Kind::unique_id;
  if (optional && arguments.empty()) return carry_out({.kind = kind});
  const auto message = message_number(arguments);
  if (!message) return refuse("the number of a message is missing"), std::nullopt;
  return carry_out({.kind = kind, .message = message});
}

std::optional<Event> ServerSession::on_top(std::string_view arguments) {
  const std::size_t blank = arguments.find(' ');
  const auto message = message_number(arguments.substr(0, blank));
  const auto lines = blank == std::string_view::npos
                         ? std::nullopt
                         : number(without_blanks(arguments.substr(blank)), UINT64_MAX);
  if (!message || !lines) return refuse("TOP takes a message and a number of lines"), std::nullopt;
  return carry_out({.kind = Command::Kind::retrieve, .message = message, .lines = lines});
}

// What the client sent behind STLS in clear text came from whom knows, and is dropped.
std::optional<Event> ServerSession::on_stls(Input& input) {
  if (!settings_->starttls || secure_) return refuse("TLS is not offered here"), std::nullopt;
  say("+OK", "Begin TLS", ResponseCode::none);
  input = {};
  phase_ = Phase::tls;
  return Event{Kind::start_tls};
}

void ServerSession::tls_started() {
  phase_ = Phase::line;
  secure_ = true;
  utf8_ = false;
  login_.clear();
}

std::optional<Event> ServerSession::on_utf8() {
  if (!settings_->utf8) return refuse("no such command"), std::nullopt;
  utf8_ = true;
  say("+OK", "UTF-8 it is", ResponseCode::none);
  return std::nullopt;
}

// RFC 6856 section 3: there is English, whatever it is called.
std::optional<Event> ServerSession::on_lang(std::string_view range) {
  if (!settings_->utf8) return refuse("no such command"), std::nullopt;
  if (range.empty()) {
    say("+OK", "Languages", ResponseCode::none);
    output_ += "en English\r\ni-default English\r\n.\r\n";
    return std::nullopt;
  }
  const std::string_view first = range.substr(0, range.find('-'));
  if (range == "*" || mail::equal_ignoring_case(first, "en") || mail::equal_ignoring_case(range, "i-default"))
    say("+OK", "en English it is", ResponseCode::none);
  else
    refuse("the language is not spoken here");
  return std::nullopt;
}

std::optional<Event> ServerSession::on_quit() {
  if (state_ == State::transaction) {
    state_ = State::update;
    return Event{Kind::update};
  }
  say("+OK", "Goodbye", ResponseCode::none);
  state_ = State::closed;
  return std::nullopt;
}

// RFC 2449 section 5; IMPLEMENTATION only to who is logged in.
std::optional<Event> ServerSession::capabilities() {
  say("+OK", "Capabilities", ResponseCode::none);
  output_ += "TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n";
  if (state_ == State::authorization) {
    if (settings_->starttls && !secure_) output_ += "STLS\r\n";
    if (login_offered()) {
      output_ += "USER\r\n";
      std::string names;
      for (const sasl::MechanismTraits& mechanism : sasl::kMechanisms)
        if (mechanisms_.has(mechanism.mechanism)) names.append(" ").append(mechanism.name);
      if (!names.empty()) output_.append("SASL").append(names).append("\r\n");
    }
  }
  if (settings_->utf8) output_ += "UTF8 USER\r\nLANG\r\n";
  if (settings_->login_delay != 0) output_ += fmt::format("LOGIN-DELAY {}\r\n", settings_->login_delay);
  output_ +=
      settings_->expire_days ? fmt::format("EXPIRE {}\r\n", *settings_->expire_days) : "EXPIRE NEVER\r\n";
  if (state_ == State::transaction)
    output_.append("IMPLEMENTATION ").append(settings_->implementation).append("\r\n");
  output_ += ".\r\n";
  return std::nullopt;
}

}  // namespace ringpost::pop3
