#include "ringpost/publish/publisher.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "ringpost/base/signals_blocked.hpp"
#include "ringpost/publish/limits.hpp"

#include "log_set.hpp"

namespace ringpost::publish {

namespace {

WallTime wall_now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

}  // namespace

struct Publisher::State {
  struct Notice {
    WallTime time;
    std::string text;
  };
  struct Source {
    observe::EventRing* ring;
    std::uint64_t dropped_said = 0;
  };

  std::vector<Source> sources;
  SinkPlaces places;

  mutable std::mutex logs_mutex;  // held while a batch is written, and by reload
  LogSet logs;
  std::uint64_t lines_before = 0, lost_before = 0;  // of the logs that a reload has replaced

  std::mutex mutex;  // of what follows; never held while writing
  std::condition_variable asked, answered;
  std::deque<Notice> notices;
  std::uint64_t flushes_asked = 0, flushes_done = 0;
  bool ending = false;
  std::thread thread;

  void run();
  bool wait();
  void write_batch();
  void write_notices();
  void report_dropped();
};

// True: the last batch.
bool Publisher::State::wait() {
  std::unique_lock lock(mutex);
  asked.wait_for(lock, kDrainPeriod,
                 [this] { return ending || flushes_asked > flushes_done || !notices.empty(); });
  return ending;
}

void Publisher::State::run() {
  for (bool last = false; !last;) {
    last = wait();
    std::uint64_t asked_now = 0;
    {
      const std::lock_guard lock(mutex);
      asked_now = flushes_asked;
    }
    write_batch();
    {
      const std::lock_guard lock(mutex);
      flushes_done = asked_now;
    }
    answered.notify_all();
  }
}

void Publisher::State::write_batch() {
  const std::lock_guard lock(logs_mutex);
  Event event;
  for (Source& source : sources)
    source.ring->drain([&](const observe::EventView& view) {
      event.assign(view);
      logs.add(event);
    });
  report_dropped();
  write_notices();
  logs.flush(wall_now());
}

void Publisher::State::report_dropped() {
  for (std::size_t core = 0; core < sources.size(); ++core) {
    const std::uint64_t dropped = sources[core].ring->dropped();
    const std::uint64_t fresh = dropped - std::exchange(sources[core].dropped_said, dropped);
    if (fresh > 0)
      logs.add_notice("warning", fmt::format("core {}", core),
                      fmt::format("{} events were dropped: the logs are slower than the mail", fresh),
                      wall_now());
  }
}

void Publisher::State::write_notices() {
  std::deque<Notice> fresh;
  {
    const std::lock_guard lock(mutex);
    fresh.swap(notices);
  }
  for (const Notice& notice : fresh) logs.add_notice("", "", notice.text, notice.time);
}

Publisher::Publisher(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Publisher>> Publisher::start(std::vector<observe::EventRing*> rings,
                                                    const Named<LogOptions>& logs, std::string hostname) {
  auto state = std::make_unique<State>();
  state->places.hostname = std::move(hostname);
  state->places.process_id = getpid();
  state->logs = RP_TRY(LogSet::open(logs, state->places));
  for (observe::EventRing* ring : rings) state->sources.push_back({ring});
  const SignalsBlocked blocked;
  state->thread = std::thread([raw = state.get()] { raw->run(); });
  return std::unique_ptr<Publisher>(new Publisher(std::move(state)));
}

Publisher::~Publisher() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
  }
  state_->asked.notify_one();
  state_->thread.join();
}

Result<void> Publisher::reload(const Named<LogOptions>& logs) {
  LogSet fresh = RP_TRY(LogSet::open(logs, state_->places));
  const std::lock_guard lock(state_->logs_mutex);
  state_->logs.flush(wall_now());
  state_->lines_before += state_->logs.lines();
  state_->lost_before += state_->logs.lost();
  state_->logs = std::move(fresh);
  return {};
}

void Publisher::notice(std::string text) {
  if (text.size() > kNoticeBytesMax) text.resize(kNoticeBytesMax);
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->notices.size() >= kNoticesMax) state_->notices.pop_front();
    state_->notices.push_back({wall_now(), std::move(text)});
  }
  state_->asked.notify_one();
}

void Publisher::flush() {
  std::unique_lock lock(state_->mutex);
  const std::uint64_t mine = ++state_->flushes_asked;
  state_->asked.notify_one();
  state_->answered.wait(lock, [&] { return state_->flushes_done >= mine; });
}

Publisher::Figures Publisher::figures() const {
  const std::lock_guard lock(state_->logs_mutex);
  Figures figures{.lines = state_->lines_before + state_->logs.lines(),
                  .lost = state_->lost_before + state_->logs.lost()};
  for (const State::Source& source : state_->sources) figures.dropped += source.ring->dropped();
  return figures;
}

}  // namespace ringpost::publish
