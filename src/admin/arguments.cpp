#include "arguments.hpp"

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"

namespace ringpost::admin {

std::unexpected<Refused> refuse(const Error& error) {
  const std::size_t at = error.text.find("; ");
  if (at == std::string::npos) return refuse(error.text, "");
  return refuse(error.text.substr(0, at), error.text.substr(at + 2));
}

std::optional<std::string> Arguments::text(std::string_view name) {
  taken_.emplace(name);
  std::string text = json_[name].text();
  if (text.empty()) return std::nullopt;
  return text;
}

bool Arguments::flag(std::string_view name) {
  taken_.emplace(name);
  const bool* flag = json_[name].as<bool>();
  return flag != nullptr && *flag;
}

Answered<std::optional<Duration>> Arguments::duration(std::string_view name) {
  const auto given = text(name);
  if (!given) return std::nullopt;
  auto duration = parse_duration(*given);
  if (!duration || *duration < Duration{0})
    return refuse(fmt::format("{}: \"{}\" is no duration", name, *given), "write it as 30s, 20m, 4h or 5d");
  return *duration;
}

Answered<std::size_t> Arguments::count(std::string_view name, std::size_t otherwise, std::size_t max) {
  taken_.emplace(name);
  if (json_[name].is_null()) return otherwise;
  const auto* number = json_[name].as<std::int64_t>();
  if (number == nullptr || *number < 1 || static_cast<std::size_t>(*number) > max)
    return refuse(fmt::format("{}: \"{}\" is no such number", name, json_[name].text()),
                  fmt::format("write a number from 1 to {}", max));
  return static_cast<std::size_t>(*number);
}

Answered<MessageId> Arguments::id(std::string_view name, std::string_view mend) {
  const auto given = text(name);
  if (!given) return MessageId{};
  const auto id = parse_message_id(*given);
  if (!id) return refuse(fmt::format("{}: \"{}\" is no queue id", name, *given), std::string(mend));
  return *id;
}

Answered<> Arguments::take_addresses(deliver::Selector& selector) {
  if (const auto domain = text("domain"))
    if ((!domain->starts_with('[') && !mail::is_valid_domain(*domain, true)) ||
        !mail::append_canonical_domain(*domain, selector.domain))
      return refuse(fmt::format("domain: \"{}\" is no domain", *domain), "write it as example.com");
  if (const auto sender = text("sender")) {
    const auto canonical =
        *sender == "<>" ? std::string("<>") : mail::canonical_address(*sender).value_or("");
    if (canonical.empty())
      return refuse(fmt::format("sender: \"{}\" is no address", *sender),
                    "write it as anna@example.com, or \"<>\" for the null sender");
    selector.sender = canonical;
  }
  if (const auto recipient = text("recipient")) {
    selector.recipient = mail::canonical_address(*recipient).value_or("");
    if (selector.recipient.empty())
      return refuse(fmt::format("recipient: \"{}\" is no address", *recipient),
                    "write it as anna@example.com");
  }
  return {};
}

Answered<deliver::Selector> Arguments::selector() {
  deliver::Selector selector;
  selector.id = RP_TRY(id("id"));
  RP_CHECK(take_addresses(selector));
  selector.older_than = RP_TRY(duration("older_than"));
  if (const auto state = text("state")) {
    selector.state = choice_named<deliver::JobState>(*state);
    if (!selector.state)
      return refuse(fmt::format("state: there is no state \"{}\"", *state),
                    "write ready, active, deferred, held or suspended");
  }
  gave_selector_ = selector.id || !selector.domain.empty() || !selector.sender.empty() ||
                   !selector.recipient.empty() || selector.older_than || selector.state;
  return selector;
}

Answered<> Arguments::finish() const {
  if (!json_.is_null() && json_.as<Json::Object>() == nullptr)
    return refuse("arguments: not an object", "write {\"verb\":\"...\",\"arguments\":{}}");
  for (const auto& [name, unused] : json_.object())
    if (!taken_.contains(name))
      return refuse(fmt::format("there is no argument \"{}\"", name), "leave it away");
  return {};
}

}  // namespace ringpost::admin
