// Changing the queue: what matches now (flush, hold, release, bounce, cancel), and what is to come (suspend, resume).
#include <array>

#include <fmt/format.h>

#include "verbs.hpp"

namespace ringpost::admin {

namespace {

Answered<Json> change(Call& call, QueueChange what) {
  deliver::Selector selector = RP_TRY(call.arguments.selector());
  const bool all = call.arguments.flag("all");
  const bool dry_run = call.arguments.flag("dry_run");
  RP_CHECK(call.arguments.finish());
  if (all && call.arguments.gave_selector())
    return refuse("a selector and the whole queue exclude each other", "leave one of them away");
  // To try everything again does no harm; everything else is too much for a slip of the hand.
  if (!all && !call.arguments.gave_selector() && what != QueueChange::flush)
    return refuse("no message was selected",
                  "say which, for example --domain example.com, or --all for the whole queue");
  if (!dry_run) return Json().set("changed", RP_TRY(call.keeper.change(what, selector)));
  if (what == QueueChange::release) {
    if (selector.state && *selector.state != deliver::JobState::held) return Json().set("would_change", 0);
    selector.state = deliver::JobState::held;
  }
  auto count = call.queue.count(selector);
  if (!count) return refuse(count.error());
  return Json().set("would_change", *count);
}

Answered<Json> flush(Call& call) {
  return change(call, QueueChange::flush);
}
Answered<Json> hold(Call& call) {
  return change(call, QueueChange::hold);
}
Answered<Json> release(Call& call) {
  return change(call, QueueChange::release);
}
Answered<Json> bounce(Call& call) {
  return change(call, QueueChange::bounce);
}
Answered<Json> cancel(Call& call) {
  return change(call, QueueChange::cancel);
}

// A flow is named as the summary names it; a domain that has its queue to itself is called like the domain.
Answered<std::string> destination_of(Arguments& arguments) {
  const auto destination = arguments.text("destination");
  const bool all = arguments.flag("all");
  const std::string domain = RP_TRY(arguments.selector()).domain;
  const int given = (destination ? 1 : 0) + (all ? 1 : 0) + (domain.empty() ? 0 : 1);
  if (given != 1)
    return refuse(
        given == 0 ? "no flow was named" : "more than one flow was named",
        "write one of --domain example.com, --destination NAME as `ringpost queue summary` shows it, --all");
  if (all) return "*";
  return destination ? *destination : domain;
}

Answered<Json> suspend(Call& call) {
  const std::string destination = RP_TRY(destination_of(call.arguments));
  const auto length = RP_TRY(call.arguments.duration("for"));
  RP_CHECK(call.arguments.finish());
  const WallTime until = length ? call.now + *length : WallTime{};
  RP_CHECK(call.keeper.suspend(destination, until));
  return Json().set("destination", destination).set("until", time_json(until));
}

Answered<Json> resume(Call& call) {
  const std::string destination = RP_TRY(destination_of(call.arguments));
  RP_CHECK(call.arguments.finish());
  RP_CHECK(call.keeper.resume(destination));
  return Json().set("destination", destination);
}

constexpr std::array kVerbs = std::to_array<Verb>({
    {"queue flush", false, flush},
    {"queue hold", false, hold},
    {"queue release", false, release},
    {"queue bounce", false, bounce},
    {"queue cancel", false, cancel},
    {"queue suspend", false, suspend},
    {"queue resume", false, resume},
});

}  // namespace

std::span<const Verb> queue_change_verbs() {
  return kVerbs;
}

}  // namespace ringpost::admin
