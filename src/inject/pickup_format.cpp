#include "ringpost/inject/pickup_format.hpp"

#include <algorithm>
#include <charconv>

#include "ringpost/inject/limits.hpp"

namespace ringpost::inject {

namespace {

constexpr std::string_view kVersionName = "Ringpost-Pickup";
constexpr std::string_view kVersion = "1";

std::unexpected<Error> malformed(std::string text) {
  return fail(ErrorKind::permanent, std::move(text));
}

void add_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\n");
}

std::string_view return_text(mail::DsnReturn value) {
  return value == mail::DsnReturn::full ? "full" : "headers";
}

// Reads the lines before the body into a message, one rule for each name.
class PickupParser {
 public:
  Result<PickupMessage> parse(std::string_view bytes) {
    while (true) {
      const std::size_t end = bytes.substr(0, kPickupLineMax + 1).find('\n');
      if (end == std::string_view::npos) return malformed("a line is not ended, or is too long");
      const std::string_view line = bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      if (line.empty()) break;
      if (++lines_ == 1 && line != "Ringpost-Pickup: 1")
        return malformed("it is no pickup file of version 1");
      RP_CHECK(take_line(line));
    }
    if (lines_ == 0) return malformed("it is no pickup file");
    if (!size_) return malformed("its size is not given");
    if (message_.recipients.empty()) return malformed("it has no recipient");
    if (bytes.size() != *size_)
      return malformed("its message has " + std::to_string(bytes.size()) + " bytes, not " +
                       std::to_string(*size_));
    message_.body = bytes;
    return std::move(message_);
  }

 private:
  Result<void> take_line(std::string_view line) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) return malformed("a line has no \": \"");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(colon + 2);
    if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
      return malformed("a line has a control character");
    if (lines_ == 1) return {};
    if (name == "Sender") return take_sender(value);
    if (name == "Recipient") return take_recipient(value);
    if (name == "Notify") return take_notify(value);
    if (name == "Return") return take_return(value);
    if (name == "Size") return take_size(value);
    if (name == "Envelope-Id")
      message_.envelope_id = value;
    else if (name == "Smtputf8" && value == "yes")
      message_.smtputf8 = true;
    else
      return malformed("a line has an unknown name or value");
    return {};
  }
  Result<void> take_sender(std::string_view value) {
    if (message_.sender) return malformed("it has two senders");
    message_.sender = value == "<>" ? "" : value;
    return {};
  }
  Result<void> take_recipient(std::string_view value) {
    if (message_.recipients.size() == kPickupRecipientsMax)
      return malformed("it has more than " + std::to_string(kPickupRecipientsMax) + " recipients");
    message_.recipients.push_back({std::string(value), {}});
    return {};
  }
  Result<void> take_notify(std::string_view value) {
    const auto notify = mail::parse_notify(value);
    if (!notify || message_.recipients.empty())
      return malformed("it has a Notify that is none, or is of nobody");
    message_.recipients.back().notify = *notify;
    return {};
  }
  Result<void> take_return(std::string_view value) {
    if (value != "full" && value != "headers") return malformed("Return is neither full nor headers");
    message_.dsn_return = value == "full" ? mail::DsnReturn::full : mail::DsnReturn::headers;
    return {};
  }
  Result<void> take_size(std::string_view value) {
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), size);
    if (size_ || error != std::errc() || end != value.data() + value.size())
      return malformed("its size is no number");
    size_ = size;
    return {};
  }

  PickupMessage message_;
  std::optional<std::uint64_t> size_;
  std::size_t lines_ = 0;
};

}  // namespace

bool is_pickup_name(std::string_view name) {
  if (!name.starts_with("mail-") || name.size() > 200) return false;
  return std::ranges::all_of(
      name.substr(5), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-'; });
}

std::string format_pickup(const PickupMessage& message) {
  std::string out;
  add_line(out, kVersionName, kVersion);
  if (message.sender) add_line(out, "Sender", message.sender->empty() ? "<>" : *message.sender);
  for (const PickupRecipient& recipient : message.recipients) {
    add_line(out, "Recipient", recipient.address);
    if (!recipient.notify.given()) continue;
    std::string notify;
    mail::append_notify(recipient.notify, notify);
    add_line(out, "Notify", notify);
  }
  if (message.dsn_return != mail::DsnReturn::unset) add_line(out, "Return", return_text(message.dsn_return));
  if (!message.envelope_id.empty()) add_line(out, "Envelope-Id", message.envelope_id);
  if (message.smtputf8) add_line(out, "Smtputf8", "yes");
  add_line(out, "Size", std::to_string(message.body.size()));
  out += '\n';
  out += message.body;
  return out;
}

Result<PickupMessage> parse_pickup(std::string_view bytes) {
  return PickupParser().parse(bytes);
}

}  // namespace ringpost::inject
