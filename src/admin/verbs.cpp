#include "verbs.hpp"

#include <array>

#include <fmt/format.h>
#include <time.h>

namespace ringpost::admin {

namespace {

const Verb* find_verb(std::string_view name) {
  for (const auto verbs : {server_verbs(), trace_verbs(), queue_verbs(), queue_change_verbs(),
                           quarantine_verbs(), mailbox_verbs()})
    for (const Verb& verb : verbs)
      if (verb.name == name) return &verb;
  return nullptr;
}

Answered<Json> run(std::string_view request, Control& control, Queue& queue, DirectiveKeeper& keeper,
                   WallTime now, const std::function<void(const Json&)>& line,
                   const std::function<bool()>& flush, std::function<void(int)>* heir) {
  const auto json = parse_json(request);
  if (!json)
    return refuse("the request is not JSON: " + json.error().text,
                  "write {\"verb\":\"status\"} and a line end");
  const std::string name = (*json)["verb"].text();
  const Verb* verb = find_verb(name);
  if (verb == nullptr)
    return refuse(fmt::format("there is no verb \"{}\"", name),
                  "the command and the server may be of different versions: restart the server");
  if (!verb->while_draining && control.status().draining)
    return refuse("the server is ending", "ask again when it runs");
  Arguments arguments((*json)["arguments"]);
  Call call{control, queue, keeper, arguments, line, flush, now, heir};
  return verb->run(call);
}

}  // namespace

void answer(std::string_view request, Control& control, Queue& queue, DirectiveKeeper& keeper, WallTime now,
            const std::function<void(const Json&)>& line, const std::function<bool()>& flush,
            std::function<void(int)>* heir) {
  const auto last = run(request, control, queue, keeper, now, line, flush, heir);
  if (!last) {
    Json error;
    error.set("text", last.error().text).set("mend", last.error().mend);
    line(Json().set("error", std::move(error)));
    return;
  }
  Json done = Json().set("done", true);
  for (const auto& [key, value] : last->object()) done.set(key, value);
  line(done);
}

Json time_json(WallTime time) {
  if (time.nanoseconds == 0) return {};
  const time_t seconds = time.seconds();
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

Json seconds_json(Duration duration) {
  return duration.count() / 1'000'000'000;
}

}  // namespace ringpost::admin
