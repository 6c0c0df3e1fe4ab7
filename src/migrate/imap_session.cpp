#include "imap_session.hpp"

#include <algorithm>

#include "ringpost/imap/mailbox_name.hpp"
#include "ringpost/mail/base64.hpp"

#include "words.hpp"

namespace ringpost::migrate {

namespace {

std::unexpected<Error> refusal(const ImapReply& reply) {
  std::string text = "the server says: " + (reply.code.empty() ? "" : "[" + reply.code + "] ") + reply.text;
  // What the server may take later.
  const bool later = reply.code == "UNAVAILABLE" || reply.code == "LIMIT" || reply.code == "INUSE" ||
                     reply.code == "OVERQUOTA";
  return fail(later ? ErrorKind::temporary : ErrorKind::permanent, std::move(text));
}

}  // namespace

std::string imap_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string imap_name(std::string_view name) {
  return imap_quoted(imap::modified_utf7(name));
}

Result<ImapReply> ImapSession::read() {
  return parse_imap_reply(RP_TRY(wire_.read_response()));
}

void ImapSession::learn(std::string_view capabilities) {
  capabilities_.clear();
  while (!capabilities.empty()) {
    const auto [word, rest] = split_word(capabilities);
    std::string name(word);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (!name.empty()) capabilities_.insert(std::move(name));
    capabilities = rest;
  }
}

bool ImapSession::can(std::string_view capability) const {
  return capabilities_.contains(std::string(capability));
}

Result<void> ImapSession::greet() {
  const ImapReply greeting = RP_TRY(read());
  if (greeting.word != "OK" && greeting.word != "PREAUTH") return refusal(greeting);
  known_ = greeting.word == "PREAUTH";
  if (const auto [word, rest] = split_word(greeting.code); same_word(word, "CAPABILITY")) {
    learn(rest);
    return {};
  }
  return learn_by_asking();
}

Result<void> ImapSession::learn_by_asking() {
  RP_TRY(order("CAPABILITY", [&](ImapReply& reply) -> Result<void> {
    if (reply.word != "CAPABILITY") return {};
    std::string all;
    for (const ImapValue& value : reply.values) all += value.text + " ";
    learn(all);
    return {};
  }));
  return {};
}

Result<void> ImapSession::log_in(const ImapAddress& address, const ImapLogin& login) {
  if (!wire_.secure() && can("STARTTLS")) {
    RP_TRY(order("STARTTLS"));
    RP_CHECK(wire_.start_tls(address.host, login.verify));
    RP_CHECK(learn_by_asking());
  }
  if (!wire_.secure() && login.needs_tls)
    return fail(ErrorKind::permanent,
                "the server offers no TLS, and the password would go in the clear; --clear-text allows it");
  Result<ImapReply> done;
  if (can("AUTH=PLAIN") && can("SASL-IR")) {
    std::string words(1, '\0');
    words.append(login.name).append(1, '\0').append(login.password);
    done = ask("AUTHENTICATE PLAIN " + mail::base64(words));
  } else {
    done = ask("LOGIN " + imap_quoted(login.name) + " " + imap_quoted(login.password));
  }
  if (!done) return fail(std::move(done.error()));
  if (done->word != "OK") return refusal(*done);
  return learn_by_asking();
}

Result<ImapReply> ImapSession::answer(const Untagged& take) {
  for (;;) {
    ImapReply reply = RP_TRY(read());
    if (reply.tag == tag_) return reply;
    if (reply.tag == "*" && reply.word == "BYE") return refusal(reply);
    if (reply.tag == "*" && take) RP_CHECK(take(reply));
  }
}

Result<ImapReply> ImapSession::ask(std::string command, const Untagged& take) {
  RP_CHECK(wire_.send(begin() + " " + command + "\r\n"));
  return answer(take);
}

Result<ImapReply> ImapSession::order(std::string command, const Untagged& take) {
  ImapReply reply = RP_TRY(ask(std::move(command), take));
  if (reply.word != "OK") return refusal(reply);
  return reply;
}

}  // namespace ringpost::migrate
