// The queue over the cores of the running server.
#include <algorithm>
#include <chrono>

#include "ringpost/admin/limits.hpp"

#include "core_ask.hpp"
#include "queue_access.hpp"

namespace ringpost::admin {

namespace {

WallTime wall_now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

class CoreQueue final : public Queue {
 public:
  explicit CoreQueue(Control& control) : control_(control) {}

  Result<std::vector<deliver::QueueSummary>> summaries() override {
    return ask_all_cores<deliver::QueueSummary>(control_, [](deliver::Service& s) { return s.summary(); });
  }

  Result<std::vector<deliver::QueuedMessage>> list(MessageId after, std::size_t limit,
                                                   const deliver::Selector& selector) override {
    using Page = std::vector<deliver::QueuedMessage>;
    Page all;
    for (unsigned core = 0; core < control_.core_count(); ++core) {
      Page page = RP_TRY(ask_core<Page>(control_, core,
                                        [&](deliver::Service& s) { return s.list(after, limit, selector); }));
      std::ranges::move(page, std::back_inserter(all));
      // Only the first `limit` of all cores can be on this page.
      std::ranges::sort(all, {}, &deliver::QueuedMessage::id);
      if (all.size() > limit) all.resize(limit);
    }
    return all;
  }

  Result<std::vector<deliver::QueuedMessage>> show(MessageId id) override {
    using Page = std::vector<deliver::QueuedMessage>;
    for (unsigned core = 0; core < control_.core_count(); ++core) {
      Page found = RP_TRY(ask_core<Page>(control_, core, [&](deliver::Service& s) { return s.show(id); }));
      if (!found.empty()) return found;
    }
    return Page{};
  }

  // One moment for all cores: what a hold means does not depend on when each of them comes to it.
  Result<std::size_t> change(QueueChange change, const deliver::Selector& selector) override {
    deliver::Selector meant = selector;
    if (change == QueueChange::hold || change == QueueChange::release) meant.arrived_until = wall_now();
    return sum([&](deliver::Service& service) { return begin(service, change, meant); });
  }
  Result<std::size_t> count(const deliver::Selector& selector) override {
    return sum([&](deliver::Service& service) { return service.count(selector); });
  }

  void suspend(const std::string& destination) override {
    control_.on_each_core([&](CoreView& view) { view.deliver.suspend(destination); });
  }
  void resume(const std::string& destination) override {
    control_.on_each_core([&](CoreView& view) { view.deliver.resume(destination); });
  }

  deliver::Directives directives() override {
    deliver::Directives all;
    control_.on_each_core([&](CoreView& view) {
      deliver::Directives here = view.deliver.directives();
      // They were given to all of them, one core after the other: who has the newest has all.
      const auto newest = [](const deliver::Directives& of) {
        return of.rules.empty() ? WallTime{} : of.rules.back().what.arrived_until;
      };
      if (newest(here) > newest(all)) all.rules = std::move(here.rules);
      // Every core was told of all holds at its start; those of messages that it has not are another core's to tell.
      std::ranges::copy_if(here.held, std::back_inserter(all.held),
                           [&](const auto& held) { return view.spool.contains(held.id); });
      std::ranges::move(here.suspended, std::back_inserter(all.suspended));
    });
    std::ranges::sort(all.suspended);
    all.suspended.erase(std::ranges::unique(all.suspended).begin(), all.suspended.end());
    return all;
  }

 private:
  static Task<std::size_t> begin(deliver::Service& service, QueueChange change,
                                 const deliver::Selector& selector) {
    switch (change) {
      case QueueChange::flush:
        return service.flush(selector);
      case QueueChange::hold:
        return service.hold(selector);
      case QueueChange::release:
        return service.release(selector);
      case QueueChange::bounce:
        return service.bounce(selector);
      case QueueChange::cancel:
        return service.cancel(selector);
    }
    return {};
  }

  template <class Ask>
  Result<std::size_t> sum(const Ask& ask) {
    std::size_t total = 0;
    for (const std::size_t each : RP_TRY(ask_all_cores<std::size_t>(control_, ask))) total += each;
    return total;
  }

  Control& control_;
};

}  // namespace

std::unique_ptr<Queue> make_core_queue(Control& control) {
  return std::make_unique<CoreQueue>(control);
}

}  // namespace ringpost::admin
