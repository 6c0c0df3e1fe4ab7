// A POP3 server with three messages, in memory: it writes down what it was asked.
//
// The password is "secret"; the maildrop of who is called "busy" is in use, and who is called "later" cannot be looked up.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ringpost/pop3/message_writer.hpp"
#include "ringpost/pop3/server_session.hpp"
#include "ringpost/scan/find.hpp"

#include "unit/sasl/rfc_login.hpp"

namespace ringpost::pop3::testing {

inline constexpr std::array<std::string_view, 3> kMessages{"Subject: 1\r\n\r\none\r\n..two\r\n.\r\nlast\r\n",
                                                           "Subject: 2\r\n\r\nno line end",
                                                           "Subject: 3\r\n.x: y\r\n"};

// All of a message as RETR and TOP send it, given in pieces of a size.
inline std::string sent(std::string_view message, std::optional<std::uint64_t> lines, std::size_t piece_bytes,
                        std::size_t pieces_max) {
  MessageWriter writer(lines);
  std::string out;
  std::vector<MessageWriter::Piece> pieces(pieces_max);
  std::span<const std::byte> rest = scan::as_bytes(message);
  while (!rest.empty() && !writer.complete()) {
    const auto slice = rest.first(std::min(rest.size(), piece_bytes));
    const auto step = writer.write(slice, pieces);
    for (std::size_t i = 0; i < step.pieces; ++i) out += scan::as_text(pieces[i]);
    rest = rest.subspan(step.consumed);
  }
  return out + std::string(scan::as_text(writer.finish()));
}

class TestServer {
 public:
  explicit TestServer(const ServerSettings& settings, bool secure = false) : session(settings, secure) {}

  bool feed(std::string_view text) {
    std::span<const std::byte> input = scan::as_bytes(text);
    if (ended_) return false;
    while (step(input)) {
    }
    return !ended_;
  }
  void greeted() {
    session.greet();
    flush();
  }
  bool ended() const { return ended_; }

  ServerSession session;
  std::vector<std::string> log;  // "S: " lines and "E: " events, in order

 private:
  using Kind = Event::Kind;

  void say(std::string_view rest) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find("\r\n"), rest.size());
      log.push_back("S: " + std::string(rest.substr(0, end)));
      rest.remove_prefix(std::min(rest.size(), end + 2));
    }
  }
  void flush() {
    say(session.output());
    session.output_sent(session.output().size());
  }
  void note(const std::string& event) {
    flush();
    log.push_back("E: " + event);
  }

  bool step(std::span<const std::byte>& input) {
    const Event event = session.next(input);
    switch (event.kind) {
      case Kind::need_input:
        flush();
        return false;
      case Kind::flush:
        flush();
        return true;
      case Kind::start_tls:
        note("start_tls");
        session.tls_started();
        return true;
      case Kind::auth_keys:
        note("auth_keys " + session.credentials().authentication_id);
        sasl::testing::answer_keys(session);
        return true;
      case Kind::auth:
        return authenticate();
      case Kind::command:
        return command(session.command());
      case Kind::update:
        note(fmt::format("update {}", fmt::join(marked_, " ")));
        session.ok("Goodbye");
        return true;
      case Kind::closed:
        note("closed");
        ended_ = true;
        return false;
    }
    return false;
  }

  bool authenticate() {
    const sasl::Credentials& credentials = session.credentials();
    if (credentials.evidence == sasl::Evidence::proof) {
      note(fmt::format("auth {} {} by proof", session.auth_mechanism(), credentials.authentication_id));
      credentials.key ? session.accept_auth() : session.refuse_auth();
      return true;
    }
    if (credentials.evidence == sasl::Evidence::token) {
      note(fmt::format("auth {} by token {}", session.auth_mechanism(), credentials.password.view()));
      credentials.password.view() == "good" ? session.accept_auth("ann") : session.refuse_auth();
      return true;
    }
    note(fmt::format("auth {} {} {}", session.auth_mechanism(), credentials.authentication_id,
                     credentials.password.view()));
    if (credentials.authentication_id == "later")
      session.refuse_auth(AuthRefusal::temporary);
    else if (credentials.authentication_id == "busy")
      session.refuse_auth(AuthRefusal::in_use);
    else if (credentials.authentication_id == "soon")
      session.refuse_auth(AuthRefusal::too_soon);
    else if (credentials.password.view() == "secret")
      session.accept_auth();
    else
      session.refuse_auth();
    return true;
  }

  bool command(const Command& command) {
    const bool there =
        !command.message || (*command.message <= kMessages.size() && !marked_.contains(*command.message));
    if (!there) {
      session.error("no such message");
      return true;
    }
    const std::string_view text = command.message ? kMessages[*command.message - 1] : std::string_view{};
    switch (command.kind) {
      case Command::Kind::stat:
        session.ok(fmt::format("{} 100", kMessages.size() - marked_.size()));
        break;
      case Command::Kind::list:
      case Command::Kind::unique_id:
        list(command);
        break;
      case Command::Kind::retrieve:
        session.begin_lines();
        flush();
        say(sent(text, command.lines, 5, 2));
        session.end_message();
        break;
      case Command::Kind::dele:
        marked_.insert(*command.message);
        session.ok("Marked");
        break;
      case Command::Kind::noop:
        session.ok();
        break;
      case Command::Kind::reset:
        marked_.clear();
        session.ok();
        break;
    }
    return true;
  }

  void list(const Command& command) {
    const auto one = [&](std::size_t number) {
      return command.kind == Command::Kind::list ? fmt::format("{} {}", number, kMessages[number - 1].size())
                                                 : fmt::format("{} .u{}", number, number);
    };
    if (command.message) return session.ok(one(*command.message));
    session.begin_lines();
    for (std::size_t number = 1; number <= kMessages.size(); ++number)
      if (!marked_.contains(static_cast<std::uint32_t>(number))) session.line(one(number));
    session.end_lines();
  }

  std::set<std::uint32_t> marked_;
  bool ended_ = false;
};

}  // namespace ringpost::pop3::testing
