// Looking at the queue: summary, list, show, directives.
#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "ringpost/admin/limits.hpp"

#include "verbs.hpp"

namespace ringpost::admin {

namespace {

std::string_view outcome_name(spool::RecipientState outcome) {
  switch (outcome) {
    case spool::RecipientState::pending:
      return "pending";
    case spool::RecipientState::delivered:
      return "delivered";
    case spool::RecipientState::bounced:
      return "bounced";
    case spool::RecipientState::expired:
      return "expired";
    case spool::RecipientState::cancelled:
      return "cancelled";
  }
  return "pending";
}

using Counts = std::array<std::uint64_t, deliver::kJobStates>;

void add_counts(const Counts& from, Counts& to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}
std::uint64_t total(const Counts& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return sum;
}
void set_counts(const Counts& counts, Json& json) {
  json.set("recipients", total(counts));
  for (const auto& choice : option_choices(static_cast<const deliver::JobState*>(nullptr)))
    json.set(std::string(choice.name), counts[static_cast<std::size_t>(choice.value)]);
}

// ---- summary ----

void merge(const deliver::DestinationSummary& from, deliver::DestinationSummary& to) {
  add_counts(from.recipients, to.recipients);
  to.connections += from.connections;
  if (to.oldest.nanoseconds == 0 || (from.oldest.nanoseconds != 0 && from.oldest < to.oldest))
    to.oldest = from.oldest;
  to.paused_until = std::max(to.paused_until, from.paused_until);
  if (to.problem.empty()) to.problem = from.problem;
}

std::vector<deliver::DestinationSummary> merged_destinations(
    const std::vector<deliver::QueueSummary>& cores) {
  std::map<std::string, deliver::DestinationSummary> by_name;
  for (const auto& core : cores)
    for (const auto& destination : core.destinations) {
      auto& merged = by_name[destination.name];
      merged.name = destination.name;
      merge(destination, merged);
    }
  std::vector<deliver::DestinationSummary> sorted;
  for (auto& [name, destination] : by_name) sorted.push_back(std::move(destination));
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return std::pair(total(b.recipients), std::string_view(a.name)) <
           std::pair(total(a.recipients), std::string_view(b.name));
  });
  return sorted;
}

// The largest first; says how many were left off.
std::size_t write_destinations(const std::vector<deliver::QueueSummary>& cores, Call& call) {
  const auto destinations = merged_destinations(cores);
  const std::size_t shown = std::min(destinations.size(), kGroupsMax);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& destination = destinations[i];
    Json line = Json().set("group", destination.name);
    set_counts(destination.recipients, line);
    line.set("connections", destination.connections).set("oldest", time_json(destination.oldest));
    if (destination.paused_until > call.now) line.set("paused_until", time_json(destination.paused_until));
    line.set("problem", destination.problem);
    call.line(line);
  }
  return destinations.size() - shown;
}

void write_ages(const std::vector<deliver::QueueSummary>& cores, Call& call) {
  for (std::size_t i = 0; i < deliver::kAgeBounds.size(); ++i) {
    std::uint64_t sum = 0;
    for (const auto& core : cores) sum += core.ages[i];
    const bool last = i + 1 == deliver::kAgeBounds.size();
    const std::string bound = ringpost::to_string(deliver::kAgeBounds[last ? i - 1 : i]);
    call.line(Json().set("group", (last ? "over " : "up to ") + bound).set("recipients", sum));
  }
}

Answered<Json> summarize(Call& call) {
  const std::string by = call.arguments.text("by").value_or("domain");
  RP_CHECK(call.arguments.finish());
  if (by != "domain" && by != "age" && by != "state")
    return refuse(fmt::format("by: \"{}\" is no grouping", by), "write domain, age or state");
  auto cores = call.queue.summaries();
  if (!cores) return refuse(cores.error());
  Counts counts{};
  std::uint64_t messages = 0, passing = 0;
  for (const auto& core : *cores) {
    add_counts(core.recipients, counts);
    messages += core.messages;
    passing += core.passing;
  }
  Json last = Json().set("messages", messages).set("passing", passing);
  const auto refusing = std::ranges::find_if(*cores, [](const auto& core) { return !core.refusing.empty(); });
  last.set("refusing", refusing == cores->end() ? "" : refusing->refusing);
  set_counts(counts, last);
  if (by == "domain") last.set("groups_left", write_destinations(*cores, call));
  if (by == "age") write_ages(*cores, call);
  if (by == "state")
    for (const auto& choice : option_choices(static_cast<const deliver::JobState*>(nullptr)))
      call.line(
          Json().set("group", choice.name).set("recipients", counts[static_cast<std::size_t>(choice.value)]));
  return last;
}

// ---- messages ----

Json recipient_json(const deliver::QueuedRecipient& recipient) {
  const bool pending = recipient.outcome == spool::RecipientState::pending;
  Json json;
  json.set("address", recipient.address)
      .set("state", pending ? choice_name(recipient.state) : outcome_name(recipient.outcome))
      .set("destination", recipient.destination)
      .set("attempts", recipient.attempts);
  if (recipient.code != 0) json.set("code", recipient.code);
  if (pending) json.set("next_attempt", time_json(recipient.next_attempt));
  json.set("reason", recipient.reason);
  return json;
}

Json message_json(const deliver::QueuedMessage& message, WallTime now) {
  Json::List recipients;
  const std::size_t shown = std::min(message.recipients.size(), kRecipientsShownMax);
  for (std::size_t i = 0; i < shown; ++i) recipients.push_back(recipient_json(message.recipients[i]));
  return Json()
      .set("id", to_string(message.id))
      .set("arrival", time_json(message.arrival))
      .set("age_seconds", seconds_json(now - message.arrival))
      .set("expiry", time_json(message.expiry))
      .set("size", message.size)
      .set("sender", message.sender)
      .set("recipients", std::move(recipients))
      .set("recipients_left", message.recipients.size() - shown);
}

Answered<Json> list(Call& call) {
  const deliver::Selector selector = RP_TRY(call.arguments.selector());
  const MessageId after = RP_TRY(call.arguments.id("after"));
  const std::size_t limit = RP_TRY(call.arguments.count("limit", kPageDefault, kPageMax));
  RP_CHECK(call.arguments.finish());
  auto page = call.queue.list(after, limit, selector);
  if (!page) return refuse(page.error());
  for (const auto& message : *page) call.line(message_json(message, call.now));
  Json last = Json().set("messages", page->size());
  if (page->size() == limit) last.set("next", to_string(page->back().id));
  return last;
}

Answered<Json> show(Call& call) {
  const MessageId id = RP_TRY(call.arguments.id("id"));
  RP_CHECK(call.arguments.finish());
  if (!id) return refuse("no queue id was given", "`ringpost queue list` shows them");
  auto found = call.queue.show(id);
  if (!found) return refuse(found.error());
  if (found->empty())
    return refuse(to_string(id) + " is not in the queue", "it may have been delivered: look in the log");
  call.line(message_json(found->front(), call.now));
  return Json();
}

Answered<Json> list_directives(Call& call) {
  RP_CHECK(call.arguments.finish());
  for (const Suspension& each : RP_TRY(call.keeper.suspensions()))
    call.line(Json()
                  .set("directive", "suspend")
                  .set("destination", each.destination)
                  .set("until", time_json(each.until)));
  const auto directives = call.queue.directives();
  for (const auto& rule : directives.rules)
    call.line(Json()
                  .set("directive", rule.hold ? "hold" : "release")
                  .set("id", rule.what.id ? to_string(rule.what.id) : "")
                  .set("domain", rule.what.domain)
                  .set("sender", rule.what.sender)
                  .set("recipient", rule.what.recipient)
                  .set("arrived_until", time_json(rule.what.arrived_until)));
  const auto& held = directives.held;
  const std::size_t shown = std::min(held.size(), kPageMax);
  for (std::size_t i = 0; i < shown; ++i)
    call.line(Json()
                  .set("directive", "hold")
                  .set("destination", held[i].destination)
                  .set("id", to_string(held[i].id)));
  return Json().set("held_left", held.size() - shown);
}

constexpr std::array kVerbs = std::to_array<Verb>({
    {"queue summary", false, summarize},
    {"queue list", false, list},
    {"queue show", false, show},
    {"queue directives", false, list_directives},
});

}  // namespace

std::span<const Verb> queue_verbs() {
  return kVerbs;
}

}  // namespace ringpost::admin
