#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "ringpost/imap/mailbox_name.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/migrate/imap.hpp"
#include "ringpost/migrate/limits.hpp"

#include "imap_session.hpp"
#include "namespaces.hpp"
#include "words.hpp"

namespace ringpost::migrate {

namespace {

// ---- from responses to facts

imap::FlagList flags_of(const ImapValue& list) {
  imap::FlagList flags;
  for (const ImapValue& each : list.items) {
    if (const auto bit = imap::find_system_flag(each.text))
      flags.system.bits |= *bit & imap::SystemFlags::kSettable;
    else if (imap::is_keyword(each.text))
      flags.keywords.push_back(each.text);
  }
  return flags;
}

// "17-Jul-1996 02:44:25 -0700"
void read_date(std::string text, MessageFacts& message) {
  const std::size_t zone = text.rfind(' ');
  std::ranges::replace(text, '-', ' ');  // of the date; the zone's sign comes back
  if (zone == std::string::npos || text.size() < zone + 6) return;
  const auto number = parse_number(std::string_view(text).substr(zone + 2, 4));
  const auto time = mail::parse_date(text.substr(0, zone) + " +0000");
  if (!number || !time) return;
  message.zone_minutes = static_cast<int>(*number / 100 * 60 + *number % 100);
  if (text[zone + 1] != '+') message.zone_minutes = -message.zone_minutes;
  message.date = time->seconds() - std::int64_t{message.zone_minutes} * 60;
}

std::string date_text(const MessageFacts& message) {
  std::string text = mail::format_date(WallTime{message.date * 1'000'000'000}, message.zone_minutes);
  text = text.substr(text.find(',') + 2);  // "21 Nov 1997 09:55:06 -0600"
  if (text.find(' ') == 1) text = "0" + text;
  text[2] = text[6] = '-';
  return text;
}

std::uint64_t number_of(const ImapValue* value) {
  return value == nullptr ? 0 : std::strtoull(value->text.c_str(), nullptr, 10);
}

std::string uid_set(std::span<const MessageFacts> messages) {
  std::string set;
  for (std::size_t i = 0; i < messages.size();) {
    std::size_t last = i;
    while (last + 1 < messages.size() && messages[last + 1].uid == messages[last].uid + 1) ++last;
    if (!set.empty()) set += ',';
    set += last == i ? fmt::format("{}", messages[i].uid)
                     : fmt::format("{}:{}", messages[i].uid, messages[last].uid);
    i = last + 1;
  }
  return set;
}

constexpr std::string_view kKeyItems = " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]";

class Server final : public ImapServer {
 public:
  explicit Server(ImapSession session) : session_(std::move(session)) {}

  Result<void> begin() {
    if (!session_.can("NAMESPACE") && !session_.can("IMAP4REV2")) return {};
    RP_TRY(session_.order("NAMESPACE", [&](ImapReply& reply) -> Result<void> {
      if (reply.word == "NAMESPACE") namespaces_ = Namespaces(reply);
      return {};
    }));
    return {};
  }

  Result<std::vector<MailboxFacts>> mailboxes() override {
    std::vector<MailboxFacts> all;
    left_out_ = 0;
    RP_TRY(session_.order("LIST \"\" \"*\"", [&](ImapReply& reply) -> Result<void> {
      if (reply.word == "LIST") note_mailbox(reply, all);
      if (all.size() <= kImapMailboxesMax) return {};
      return fail(ErrorKind::permanent,
                  fmt::format("the server has more than {} mailboxes", kImapMailboxesMax));
    }));
    RP_TRY(session_.order("LSUB \"\" \"*\"", [&](ImapReply& reply) -> Result<void> {
      if (reply.word != "LSUB" || reply.values.size() < 3 || !namespaces_.owns(reply.values[2].text))
        return {};
      const std::string name = house_name(reply.values[2].text, reply.values[1].text);
      for (MailboxFacts& facts : all)
        if (facts.name == name) facts.subscribed = true;
      return {};
    }));
    std::ranges::sort(all, {}, &MailboxFacts::name);
    return all;
  }

  std::uint64_t left_out() const override { return left_out_; }

  Result<std::vector<MessageFacts>> open(MailboxFacts& mailbox, bool keys) override {
    std::uint32_t exists = 0;
    const auto note = [&](ImapReply& reply) -> Result<void> {
      if (reply.word == "EXISTS") exists = reply.number;
      if (const auto value = reply.code_number("UIDVALIDITY")) mailbox.uid_validity = *value;
      if (const auto value = reply.code_number("UIDNEXT")) mailbox.uid_next = *value;
      return {};
    };
    const ImapReply selected = RP_TRY(session_.ask("EXAMINE " + wire_name(mailbox.name), note));
    if (selected.word != "OK") return fail(ErrorKind::permanent, mailbox.name + ": " + selected.text);
    mailbox.messages = exists;
    std::vector<MessageFacts> messages;
    if (exists == 0) return messages;
    messages.reserve(exists);
    const std::string items =
        fmt::format("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE{})", keys ? kKeyItems : "");
    RP_TRY(session_.order(items, [&](ImapReply& reply) -> Result<void> {
      if (reply.word == "FETCH" && reply.item("UID") != nullptr && reply.item("RFC822.SIZE") != nullptr)
        messages.push_back(message_of(reply, keys));
      if (messages.size() <= kImapMessagesMax) return {};
      return fail(ErrorKind::permanent,
                  fmt::format("{} has more than {} messages", mailbox.name, kImapMessagesMax));
    }));
    std::ranges::sort(messages, {}, &MessageFacts::uid);
    return messages;
  }

  Result<void> read(std::span<const MessageFacts> messages, const Take& take, const Note& note) override {
    while (!messages.empty()) {
      const auto batch = messages.first(batch_size(messages));
      messages = messages.subspan(batch.size());
      std::map<std::uint32_t, std::string> bodies;
      const bool whole = RP_TRY(fetch(batch, bodies));
      // A message that cannot be had ends the command for those behind it too.
      for (const MessageFacts& each : batch)
        if (!whole && !bodies.contains(each.uid)) RP_TRY(fetch({&each, 1}, bodies));
      for (const MessageFacts& each : batch) {
        const auto body = bodies.find(each.uid);
        if (body == bodies.end())
          note(fmt::format("UID {}: {}", each.uid, why_.empty() ? "the server does not give it" : why_));
        else
          RP_CHECK(take(each, std::move(body->second)));
      }
    }
    return {};
  }

  Result<std::optional<MailboxState>> look(const std::string& name) override {
    std::optional<MailboxState> state;
    const std::string items = session_.can("STATUS=SIZE") ? " SIZE" : "";
    const ImapReply reply = RP_TRY(session_.ask(
        fmt::format("STATUS {} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN{})", wire_name(name), items),
        [&](ImapReply& r) -> Result<void> {
          if (r.word != "STATUS") return {};
          state = MailboxState{.uid_validity = static_cast<std::uint32_t>(number_of(r.item("UIDVALIDITY"))),
                               .uid_next = static_cast<std::uint32_t>(number_of(r.item("UIDNEXT"))),
                               .messages = number_of(r.item("MESSAGES")),
                               .unseen = number_of(r.item("UNSEEN")),
                               .size = number_of(r.item("SIZE"))};
          return {};
        }));
    if (reply.word == "OK" || reply.code == "NONEXISTENT") return state;
    return fail(ErrorKind::permanent, name + ": " + reply.text);
  }

  Result<void> create(const MailboxFacts& mailbox) override {
    const std::string use =
        mailbox.special_use.empty() ? "" : fmt::format(" (USE ({}))", mailbox.special_use);
    RP_TRY(session_.order("CREATE " + wire_name(mailbox.name) + use));
    return {};
  }

  Result<void> subscribe(const std::string& name) override {
    RP_TRY(session_.order("SUBSCRIBE " + wire_name(name)));
    return {};
  }

  Result<bool> number(const std::string& name, std::uint32_t uid_validity, std::uint32_t uid_next) override {
    const ImapReply reply = RP_TRY(
        session_.ask(fmt::format("XRINGPOSTNUMBER {} {} {}", wire_name(name), uid_validity, uid_next)));
    if (reply.word == "OK") return true;
    if (reply.code == "CANNOT" || reply.code == "LIMIT") return false;
    return fail(ErrorKind::permanent, name + ": " + reply.text);
  }

  Result<void> append(const std::string& name, std::span<const Mail> mails) override {
    std::string command = session_.begin() + " APPEND " + wire_name(name);
    for (const Mail& mail : mails) {
      command += " (";
      std::vector<std::string_view> keywords(mail.facts.flags.keywords.begin(),
                                             mail.facts.flags.keywords.end());
      imap::append_flags(mail.facts.flags.system, keywords, command);
      command += ")";
      if (mail.facts.date != 0) command += " \"" + date_text(mail.facts) + "\"";
      if (mail.facts.uid != 0) command += fmt::format(" X-RINGPOST-UID {}", mail.facts.uid);
      // Binary: what is in files may hold any byte.
      command += fmt::format(" ~{{{}+}}\r\n", mail.bytes.size());
      RP_CHECK(session_.send(command));
      RP_CHECK(session_.send(mail.bytes));
      command.clear();
    }
    RP_CHECK(session_.send("\r\n"));
    const ImapReply reply = RP_TRY(session_.answer({}));
    if (reply.word == "OK") return {};
    return fail(reply.code == "OVERQUOTA" ? ErrorKind::exhausted : ErrorKind::temporary,
                name + ": " + reply.text);
  }

 private:
  // The wire's name in the house's form: without the prefix of the namespace, levels divided by "/".
  std::string house_name(std::string_view wire, std::string_view separator) const {
    if (wire.starts_with(namespaces_.prefix())) wire.remove_prefix(namespaces_.prefix().size());
    std::string name = imap::decode_modified_utf7(wire).value_or(std::string(wire));
    if (!separator.empty() && separator != "/") {
      std::ranges::replace(name, '/', '_');
      std::ranges::replace(name, separator.front(), '/');
    }
    if (const std::size_t end = std::min(name.find('/'), name.size());
        same_word(name.substr(0, end), "INBOX"))
      name.replace(0, end, "INBOX");
    return name;
  }
  std::string wire_name(const std::string& name) const {
    const auto known = wire_names_.find(name);
    return known == wire_names_.end() ? imap_name(name) : imap_quoted(known->second);
  }

  void note_mailbox(const ImapReply& reply, std::vector<MailboxFacts>& all) {
    if (reply.values.size() < 3) return;
    MailboxFacts facts{.name = house_name(reply.values[2].text, reply.values[1].text)};
    for (const ImapValue& attribute : reply.values[0].items) {
      if (same_word(attribute.text, "\\Noselect") || same_word(attribute.text, "\\NonExistent")) return;
      if (imap::find_special_use(attribute.text)) facts.special_use = attribute.text;
    }
    if (!namespaces_.owns(reply.values[2].text)) {
      ++left_out_;
      return;
    }
    wire_names_[facts.name] = reply.values[2].text;
    all.push_back(std::move(facts));
  }

  static MessageFacts message_of(const ImapReply& reply, bool keys) {
    MessageFacts message;
    message.uid = static_cast<std::uint32_t>(number_of(reply.item("UID")));
    if (const ImapValue* flags = reply.item("FLAGS")) message.flags = flags_of(*flags);
    if (const ImapValue* date = reply.item("INTERNALDATE")) read_date(date->text, message);
    const std::uint64_t size = number_of(reply.item("RFC822.SIZE"));
    message.reference = std::to_string(size);
    const ImapValue* const header = keys ? reply.item("BODY[") : nullptr;
    if (header == nullptr) return message;
    const auto field = mail::find_field(header->text, "Message-ID");
    message.key = key_of(field ? field->value : std::string_view{}, size, message.date);
    return message;
  }

  // References are sizes.
  static std::size_t batch_size(std::span<const MessageFacts> messages) {
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    for (const MessageFacts& each : messages.first(std::min(messages.size(), kBatchMessages))) {
      bytes += std::strtoull(each.reference.c_str(), nullptr, 10);
      if (count != 0 && bytes > 4 * kBatchBytes) break;
      ++count;
    }
    return count;
  }

  // False: the server refused some of it; why_ says its words.
  Result<bool> fetch(std::span<const MessageFacts> batch, std::map<std::uint32_t, std::string>& bodies) {
    const ImapReply reply = RP_TRY(
        session_.ask("UID FETCH " + uid_set(batch) + " (UID BODY.PEEK[])", [&](ImapReply& r) -> Result<void> {
          const ImapValue* const body = r.word == "FETCH" ? r.item("BODY[]") : nullptr;
          if (body != nullptr && body->kind == ImapValue::Kind::text)
            bodies[static_cast<std::uint32_t>(number_of(r.item("UID")))] = body->text;
          return {};
        }));
    why_ = reply.word == "OK" ? "" : reply.text;
    return reply.word == "OK";
  }

  ImapSession session_;
  Namespaces namespaces_;
  std::uint64_t left_out_ = 0;
  std::map<std::string, std::string> wire_names_;
  std::string why_;
};

}  // namespace

std::optional<ImapAddress> parse_imap_address(std::string_view text) {
  ImapAddress address;
  if (text.starts_with("imaps://"))
    text.remove_prefix(8);
  else if (text.starts_with("imap://"))
    text.remove_prefix(7), address.implicit_tls = false;
  else
    return std::nullopt;
  text = text.substr(0, text.find('/'));
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  const std::size_t colon = bracket == std::string_view::npos ? bracket : text.find(':', bracket);
  address.host = text.substr(0, colon);
  address.port =
      colon == std::string_view::npos ? (address.implicit_tls ? "993" : "143") : text.substr(colon + 1);
  if (address.host.starts_with('[')) address.host = address.host.substr(1, address.host.size() - 2);
  const auto port = parse_number(address.port);
  if (address.host.empty() || address.host.find('@') != std::string::npos || !port || *port == 0 ||
      *port > 65535)
    return std::nullopt;
  return address;
}

Result<std::unique_ptr<ImapServer>> ImapServer::connect(const ImapAddress& address, const ImapLogin& login) {
  ImapWire wire = RP_TRY(ImapWire::connect(address.host, address.port));
  if (address.implicit_tls) RP_CHECK(wire.start_tls(address.host, login.verify));
  ImapSession session(std::move(wire));
  RP_CHECK(session.greet());
  if (!session.known()) RP_CHECK(session.log_in(address, login));
  auto server = std::make_unique<Server>(std::move(session));
  RP_CHECK(server->begin());
  return server;
}

Result<std::unique_ptr<ImapServer>> ImapServer::over(int descriptor, std::string received) {
  ImapSession session(ImapWire(descriptor, std::move(received)));
  RP_CHECK(session.greet());
  if (!session.known()) return fail(ErrorKind::permanent, "the server asks for a login");
  auto server = std::make_unique<Server>(std::move(session));
  RP_CHECK(server->begin());
  return server;
}

}  // namespace ringpost::migrate
