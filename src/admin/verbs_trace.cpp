// Live sessions, for as long as somebody reads.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "ringpost/admin/limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/observe/trace.hpp"

#include "verbs.hpp"

namespace ringpost::admin {

namespace {

using observe::EventKey;

struct Wish {
  observe::TraceFilter filter;
  Duration time;
};

Answered<Wish> wish_of(Arguments& arguments) {
  Wish wish{.time = RP_TRY(arguments.duration("for")).value_or(kTraceTimeMax)};
  if (wish.time == Duration{0}) return refuse("for: 0s is no time to trace", "write how long, as 2m");
  if (wish.time > kTraceTimeMax) return refuse("for: longer than 15m", "write at most 15m, and trace again");
  if (const auto peer = arguments.text("peer")) {
    const auto network = parse_network(*peer);
    if (!network) return refuse("peer: " + network.error().text, "write it as 192.0.2.0/24 or 192.0.2.1");
    wish.filter.peer = *network;
  }
  if (const auto domain = arguments.text("domain"))
    if (!mail::is_valid_domain(*domain, true) || !mail::append_canonical_domain(*domain, wish.filter.domain))
      return refuse("domain: \"" + *domain + "\" is no domain", "write it as example.com");
  RP_CHECK(arguments.finish());
  return wish;
}

// The traces of all cores, from the moment they are told until they have forgotten.
class Traces {
 public:
  Traces(Control& control, const observe::TraceFilter& filter) : control_(control) {
    for (unsigned i = 0; i < control.core_count(); ++i)
      traces_.push_back(std::make_unique<observe::Trace>(++last_id_, filter));
    control_.on_each_core([&](CoreView& view) { view.core.set_trace(traces_[view.core.index()].get()); });
  }
  ~Traces() {
    control_.on_each_core([](CoreView& view) { view.core.set_trace(nullptr); });
  }
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;

  std::size_t drain(const std::function<void(const observe::EventView&)>& visit) {
    std::size_t count = 0;
    for (const auto& trace : traces_) count += trace->ring().drain(visit);
    return count;
  }
  std::uint64_t dropped() const {
    std::uint64_t sum = 0;
    for (const auto& trace : traces_) sum += trace->ring().dropped();
    return sum;
  }

 private:
  static inline std::atomic<std::uint64_t> last_id_{0};
  Control& control_;
  std::vector<std::unique_ptr<observe::Trace>> traces_;
};

Json line_json(const observe::EventView& event) {
  const auto text = [&](EventKey key) { return std::string(event.get(key)); };
  return Json()
      .set("time", time_json(event.time))
      .set("session", text(EventKey::session))
      .set("peer", text(EventKey::peer))
      .set("place", text(EventKey::listener))
      .set("who", text(EventKey::source))
      .set("text", text(EventKey::text));
}

// One at a time: a core has one trace, and a worker of the endpoint is busy with it.
class OnlyOne {
 public:
  OnlyOne() : mine_(!busy_.exchange(true)) {}
  ~OnlyOne() {
    if (mine_) busy_ = false;
  }
  OnlyOne(const OnlyOne&) = delete;
  OnlyOne& operator=(const OnlyOne&) = delete;
  explicit operator bool() const { return mine_; }

 private:
  static inline std::atomic<bool> busy_{false};
  bool mine_;
};

Answered<Json> trace(Call& call) {
  const Wish wish = RP_TRY(wish_of(call.arguments));
  const OnlyOne only_one;
  if (!only_one) return refuse("somebody traces already", "wait until that trace has ended");
  Traces traces(call.control, wish.filter);
  const auto end = std::chrono::steady_clock::now() + wish.time;
  std::size_t lines = 0;
  while (call.flush() && lines < kTraceLinesMax && std::chrono::steady_clock::now() < end &&
         !call.control.status().draining) {
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(kTracePeriod, wish.time));
    lines += traces.drain([&](const observe::EventView& event) { call.line(line_json(event)); });
  }
  return Json().set("lines", lines).set("dropped", traces.dropped());
}

constexpr std::array kVerbs = std::to_array<Verb>({{"trace", false, trace}});

}  // namespace

std::span<const Verb> trace_verbs() {
  return kVerbs;
}

}  // namespace ringpost::admin
