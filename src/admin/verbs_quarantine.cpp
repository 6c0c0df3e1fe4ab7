// The quarantine of the spam filter: what is in it, and what becomes of it.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/admin/limits.hpp"
#include "ringpost/mail/header.hpp"

#include "core_ask.hpp"
#include "verbs.hpp"

namespace ringpost::admin {

namespace {

constexpr std::string_view kWhereIds = "`ringpost filter quarantine list` shows them";

using Page = std::vector<deliver::QuarantinedMessage>;

std::string field_text(const std::string& header, std::string_view name) {
  const auto field = mail::find_field(header, name);
  return field ? mail::unfold(field->value) : std::string{};
}

// "score=12.3 required=5.0 tests=A,B" taken apart; folded lists have blanks behind their commas.
void set_findings(const std::string& header, Json& json) {
  const std::string text = field_text(header, "X-Ringpost-Quarantine");
  for (const std::string name : {"score", "required", "tests"}) {
    const std::size_t at = text.find(name + "=");
    if (at == std::string::npos) continue;
    const std::size_t begin = at + name.size() + 1;
    const std::size_t end = name == "tests" ? text.size() : std::min(text.find(' ', begin), text.size());
    std::string value = text.substr(begin, end - begin);
    std::erase(value, ' ');
    std::erase(value, '\t');
    json.set(name, std::move(value));
  }
}

Json message_json(const deliver::QuarantinedMessage& message, WallTime now) {
  Json::List recipients;
  const std::size_t shown = std::min(message.recipients.size(), kRecipientsShownMax);
  for (std::size_t i = 0; i < shown; ++i) recipients.emplace_back(message.recipients[i]);
  Json json = Json()
                  .set("id", to_string(message.id))
                  .set("arrival", time_json(message.arrival))
                  .set("age_seconds", seconds_json(now - message.arrival))
                  .set("expiry", time_json(message.expiry))
                  .set("size", message.size)
                  .set("client", message.client)
                  .set("sender", message.sender)
                  .set("recipients", std::move(recipients))
                  .set("recipients_left", message.recipients.size() - shown)
                  .set("subject", field_text(message.header, "Subject"));
  set_findings(message.header, json);
  return json;
}

Answered<Json> list(Call& call) {
  const MessageId after = RP_TRY(call.arguments.id("after", kWhereIds));
  const std::size_t limit = RP_TRY(call.arguments.count("limit", kPageDefault, kPageMax));
  RP_CHECK(call.arguments.finish());
  Page all;
  for (unsigned core = 0; core < call.control.core_count(); ++core) {
    auto page = ask_core<Page>(call.control, core,
                               [&](deliver::Service& s) { return s.list_quarantine(after, limit); });
    if (!page) return refuse(page.error());
    std::ranges::move(*page, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &deliver::QuarantinedMessage::id);
  if (all.size() > limit) all.resize(limit);
  for (const auto& message : all) call.line(message_json(message, call.now));
  Json last = Json().set("messages", all.size());
  if (all.size() == limit) last.set("next", to_string(all.back().id));
  return last;
}

Answered<Json> show(Call& call) {
  const MessageId id = RP_TRY(call.arguments.id("id", kWhereIds));
  RP_CHECK(call.arguments.finish());
  if (!id) return refuse("no id was given", std::string(kWhereIds));
  for (unsigned core = 0; core < call.control.core_count(); ++core) {
    auto found =
        ask_core<Page>(call.control, core, [&](deliver::Service& s) { return s.show_quarantined(id); });
    if (!found) return refuse(found.error());
    if (found->empty()) continue;
    call.line(message_json(found->front(), call.now).set("header", found->front().header));
    return Json();
  }
  return refuse(to_string(id) + " is not in the quarantine",
                "`ringpost filter quarantine list` shows what is");
}

using Change = Task<std::size_t> (deliver::Service::*)(MessageId id);

Answered<Json> change(Call& call, Change what) {
  const MessageId id = RP_TRY(call.arguments.id("id", kWhereIds));
  const bool all = call.arguments.flag("all");
  RP_CHECK(call.arguments.finish());
  if (all == (id != MessageId{}))
    return refuse(all ? "an id and --all exclude each other" : "no message was named",
                  "write the id that `ringpost filter quarantine list` shows, or --all");
  std::size_t changed = 0;
  for (unsigned core = 0; core < call.control.core_count(); ++core) {
    auto count =
        ask_core<std::size_t>(call.control, core, [&](deliver::Service& s) { return (s.*what)(id); });
    if (!count) return refuse(count.error());
    changed += *count;
  }
  if (!all && changed == 0)
    return refuse(to_string(id) + " is not in the quarantine",
                  "`ringpost filter quarantine list` shows what is");
  return Json().set("changed", changed);
}

Answered<Json> release(Call& call) {
  return change(call, &deliver::Service::release_quarantined);
}
Answered<Json> remove(Call& call) {
  return change(call, &deliver::Service::delete_quarantined);
}

constexpr std::array kVerbs = std::to_array<Verb>({
    {"quarantine list", false, list},
    {"quarantine show", false, show},
    {"quarantine release", false, release},
    {"quarantine delete", false, remove},
});

}  // namespace

std::span<const Verb> quarantine_verbs() {
  return kVerbs;
}

}  // namespace ringpost::admin
