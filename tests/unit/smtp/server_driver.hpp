// A driver for tests: answers a server session's questions by simple rules and keeps all that happened.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/sasl/limits.hpp"
#include "ringpost/scan/find.hpp"
#include "ringpost/scan/limits.hpp"
#include "ringpost/smtp/server_session.hpp"

namespace ringpost::smtp::testing {

struct ReceivedMail {
  std::string from;
  std::vector<std::string> to;
  std::string body;
  bool operator==(const ReceivedMail&) const = default;
};

class TestServer {
 public:
  explicit TestServer(ServerSettings given = {}, bool secure = false)
      : settings(std::move(given)), session(settings, secure) {}

  // Addresses that contain "bad" are refused, with "later" deferred; HELO "bad" too.
  ServerSettings settings;
  ServerSession session;
  std::string output;               // all replies
  std::string spoken;               // what the client said, without bodies
  std::vector<std::string> events;  // what the driver was told
  std::vector<ReceivedMail> mails;
  std::size_t target_bytes = 64;  // room for one step of a body
  std::string password = "secret";
  std::string channel_binding;  // of SCRAM-SHA-256-PLUS
  std::optional<mail::Reply> refuse_data;
  std::optional<mail::Reply> refuse_message;
  bool tls_works = true;

  // Greets and forgets the greeting.
  TestServer& greeted() {
    session.greet();
    flush();
    output.clear();
    return *this;
  }

  // The replies to one send of the client.
  std::string say(std::string_view bytes) {
    const std::size_t before = output.size();
    feed(bytes);
    return output.substr(before);
  }

  // Returns false when the rest of what the client sends must be dropped (STARTTLS, end).
  bool feed(std::string_view bytes) {
    std::span<const std::byte> input = scan::as_bytes(bytes);
    while (!ended_) {
      room_.resize(target_bytes);
      const std::string_view before = scan::as_text(input);
      const Event event = session.next(input, room_);
      spoken += before.substr(0, before.size() - input.size() - session.unspoken());
      if (!handle(event)) return !ended_ && event.kind == Event::Kind::need_input;
    }
    return false;
  }

  bool ended() const { return ended_; }
  bool saw(std::string_view event) const {
    for (const std::string& seen : events) {
      if (seen == event) return true;
    }
    return false;
  }

 private:
  static std::optional<mail::Reply> verdict(std::string_view name) {
    if (name.find("bad") != std::string_view::npos) return mail::Reply{550, {5, 7, 1}, "No"};
    if (name.find("later") != std::string_view::npos) return mail::Reply{450, {4, 7, 1}, "Later"};
    if (name.find("close") != std::string_view::npos) return mail::Reply{421, {4, 7, 0}, "Go away"};
    return std::nullopt;
  }
  void decide(const std::optional<mail::Reply>& refusal) {
    refusal ? session.reject(*refusal) : session.accept();
  }

  void flush() {
    output += session.output();
    session.output_sent(session.output().size());
  }

  bool handle(const Event& event) {
    using Kind = Event::Kind;
    switch (event.kind) {
      case Kind::need_input:
        flush();
        return false;
      case Kind::flush:
        flush();
        return true;
      case Kind::helo:
        events.push_back("helo " + std::string(session.helo()));
        decide(verdict(session.helo()));
        return true;
      case Kind::start_tls:
        events.push_back("start_tls");
        flush();
        if (tls_works) session.tls_started();
        ended_ = !tls_works;
        return false;
      case Kind::auth_keys:
        events.push_back("auth_keys " + session.credentials().authentication_id);
        if (session.credentials().authentication_id == "later") {
          session.refuse_auth(AuthRefusal::temporary);
        } else {
          session.give_auth_keys({"salt",
                                  sasl::kScramIterationsMin,
                                  {sasl::derive_scram_key(password, "salt", sasl::kScramIterationsMin)}},
                                 {.nonce = "server", .channel_binding = channel_binding});
        }
        return true;
      case Kind::auth:
        if (session.credentials().evidence == sasl::Evidence::proof) {
          events.push_back("auth " + session.credentials().authentication_id + " by proof");
          if (session.credentials().key)
            session.accept_auth();
          else
            session.refuse_auth();
          return true;
        }
        events.push_back("auth " + session.credentials().authentication_id + " " +
                         std::string(session.credentials().password.view()));
        if (session.credentials().authentication_id == "later") {
          session.refuse_auth(AuthRefusal::temporary);
        } else if (session.credentials().password.view() == password) {
          session.accept_auth();
        } else {
          session.refuse_auth();
        }
        return true;
      case Kind::mail:
        events.push_back("mail " + std::string(session.envelope().reverse_path()));
        decide(verdict(session.envelope().reverse_path()));
        return true;
      case Kind::recipient:
        events.push_back("recipient " + std::string(session.new_recipient().address));
        decide(verdict(session.new_recipient().address));
        return true;
      case Kind::data_begin:
        events.push_back("data_begin " + std::to_string(session.size_hint()));
        body_.clear();
        decide(refuse_data);
        return true;
      case Kind::body:
        body_.append(scan::as_text(std::span<const std::byte>(room_).first(event.bytes)));
        return true;
      case Kind::need_room:
        target_bytes = std::max(target_bytes * 2, scan::kStepOutputMin);
        return true;
      case Kind::message_end:
        events.push_back("message_end");
        receive();
        return true;
      case Kind::reset:
        events.push_back(session.refusal() != nullptr ? "reset " + std::to_string(session.refusal()->code)
                                                      : "reset");
        body_.clear();
        return true;
      case Kind::quit:
      case Kind::closed:
        events.push_back(event.kind == Kind::quit ? "quit" : "closed");
        flush();
        ended_ = true;
        return false;
    }
    return false;
  }

  void receive() {
    if (refuse_message) return session.reject_message(*refuse_message);
    const mail::Envelope& envelope = session.envelope();
    ReceivedMail mail{std::string(envelope.reverse_path()), {}, body_};
    std::vector<mail::Reply> replies;
    for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
      mail.to.emplace_back(envelope.recipient(i).address);
      // In LMTP the mailbox may be full when it comes to it.
      const bool full = mail.to.back().starts_with("full");
      replies.push_back(full ? mail::Reply{452, {4, 2, 2}, "Full"}
                             : mail::Reply{250, {2, 0, 0}, "Delivered"});
    }
    mails.push_back(std::move(mail));
    if (settings.dialect == Dialect::lmtp) return session.finish(replies);
    session.accept_message("Q" + std::to_string(mails.size()));
  }

  std::vector<std::byte> room_;
  std::string body_;
  bool ended_ = false;
};

// "250 2.1.0 Ok\r\n354 ...\r\n" as "250 354": the codes of the last line of each reply.
inline std::string codes(std::string_view replies) {
  std::string out;
  while (!replies.empty()) {
    const std::string_view line = replies.substr(0, replies.find("\r\n"));
    replies.remove_prefix(std::min(replies.size(), line.size() + 2));
    if (line.size() > 3 && line[3] == '-') continue;
    if (!out.empty()) out += ' ';
    out += line.substr(0, 3);
  }
  return out;
}

inline constexpr std::string_view kHello = "EHLO client.example\r\n";
inline constexpr std::string_view kEnvelope = "MAIL FROM:<ann@example.com>\r\nRCPT TO:<bob@example.net>\r\n";

}  // namespace ringpost::smtp::testing
