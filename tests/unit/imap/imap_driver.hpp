// An IMAP server without a store: it answers every command, and writes down what it was asked.
//
// Answers: the password is "secret"; who is called "later" cannot be looked up. A mailbox called "missing" is not there, one
// called "full" takes no message. All else is OK.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ringpost/imap/server_session.hpp"
#include "ringpost/scan/find.hpp"

#include "unit/imap/command_text.hpp"
#include "unit/sasl/rfc_login.hpp"

namespace ringpost::imap::testing {

class TestServer {
 public:
  explicit TestServer(const ServerSettings& settings, bool secure = false) : session(settings, secure) {}

  // False when the conversation is over. `input` is consumed whole, or is what the client may not have sent.
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
  std::vector<std::string> messages;

 private:
  using Kind = Event::Kind;

  void flush() {
    std::string_view rest = session.output();
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find("\r\n"), rest.size());
      std::string line(rest.substr(0, end));
      log.push_back("S: " + line);
      rest.remove_prefix(std::min(rest.size(), end + 2));
    }
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
      case Kind::start_compression:
        note("start_compression");
        session.compression_started();
        return true;
      case Kind::auth_keys:
        note("auth_keys " + session.credentials().authentication_id);
        sasl::testing::answer_keys(session);
        return true;
      case Kind::auth:
        return authenticate();
      case Kind::command:
        return command();
      case Kind::idle_done:
        note("idle_done");
        session.finish({Condition::ok, {}, "Idle ended"});
        return true;
      case Kind::append:
        return append();
      case Kind::append_bytes:
        message_ += scan::as_text(event.bytes);
        return true;
      case Kind::append_message_end:
        note(fmt::format("message {} bytes", message_.size()));
        messages.push_back(std::move(message_));
        message_.clear();
        return true;
      case Kind::append_end:
        note("append_end");
        session.finish({Condition::ok, {}, "Appended"});
        return true;
      case Kind::append_abort:
        note("append_abort");
        message_.clear();
        return true;
      case Kind::unauthenticated:
        note("unauthenticated");
        return true;
      case Kind::logout:
      case Kind::closed:
        note(event.kind == Kind::logout ? "logout" : "closed");
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
    else if (credentials.password.view() == "secret")
      session.accept_auth();
    else
      session.refuse_auth();
    return true;
  }

  bool command() {
    const std::string text = text_of(session.command());
    note(text + (session.condstore_just_enabled() ? " (now condstore)" : ""));
    if (std::holds_alternative<Idle>(session.command())) return true;
    if (text.find("'missing'") != std::string::npos)
      session.finish({Condition::no, codes::kTryCreate, "No such mailbox"});
    else
      session.finish({Condition::ok, {}, "Done"});
    return true;
  }

  bool append() {
    const AppendMessage& message = session.append_message();
    note(fmt::format("{}append '{}' #{} {} {} bytes{}{}{}{}",
                     message.replaces ? fmt::format("replace {}{}: ", message.replaces->uid ? "uid " : "",
                                                    text_of(message.replaces->message))
                                      : "",
                     message.mailbox, message.index, text_of(message.flags), message.size,
                     message.uid != 0 ? fmt::format(" uid {}", message.uid) : "",
                     message.binary ? " binary" : "", message.utf8 ? " utf8" : "",
                     message.internal_date
                         ? fmt::format(" at {}{:+}", message.internal_date->seconds(), message.zone_minutes)
                         : ""));
    if (message.mailbox == "full")
      session.refuse_append({Condition::no, codes::kOverQuota, "The mailbox is full"});
    else
      session.accept_append();
    return true;
  }

  std::string message_;
  bool ended_ = false;
};

}  // namespace ringpost::imap::testing
