#include "ringpost/inject/pickup.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <unordered_map>
#include <unordered_set>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "ringpost/inject/limits.hpp"
#include "ringpost/inject/pickup_format.hpp"
#include "ringpost/scan/find.hpp"
#include "ringpost/shard/await.hpp"

#include "file_handle.hpp"
#include "pickup_file.hpp"
#include "pickup_letter.hpp"

namespace ringpost::inject {

struct Pickup::State {
  State(shard::Core& home, Take taker, std::shared_ptr<const PickupSettings> now)
      : core(home), take(std::move(taker)), settings(std::move(now)) {
    auto& registry = core.figures();
    registry.add("pickup_messages", "Files of the pickup directory that became messages.", messages);
    registry.add("pickup_refused", "Recipients of such files that were refused.", refused);
    registry.add("pickup_bad", "Files of the pickup directory that were moved to its folder bad.", bad);
    registry.add("pickup_postponed", "Times that a file had to wait for want of disk or memory.",
                 postponed_count);
  }

  friend FramePool& frame_pool(State& state) { return state.core.frames(); }

  Task<void> run();
  Task<bool> prepare();
  Task<std::size_t> run_batch();
  Task<void> process(std::string name);
  Task<bool> take_letter(const std::string& name, const PickupFile& file, Letter& letter);
  Task<bool> report(const PickupFile& file, const Letter& letter);
  Task<void> finish(std::string name);
  Task<void> reject_file(std::string name, const Error& error);
  Task<void> wait();

  void watch();
  void drain_watch();
  void postpone(const std::string& name);
  std::unordered_set<std::string> passed_over();
  Instant next_look() const;
  void notice(std::string_view severity, std::string_view text);

  shard::Core& core;
  Take take;
  std::shared_ptr<const PickupSettings> settings;
  bool stopping = false;
  bool prepared = false;
  bool complained = false;  // about the directory; once until it works again
  FileHandle inotify;
  shard::Await* waiting = nullptr;
  shard::Sleep* sleeping = nullptr;
  std::unordered_map<std::string, Instant> postponed;  // and when to try again
  // For whom a file is durable already; another envelope, a report or the deletion is missing.
  using Recipients = std::unordered_set<std::string>;
  std::unordered_map<std::string, Recipients> taken;
  observe::Counter messages, refused, bad, postponed_count;
};

Pickup::Pickup(shard::Core& core, Take take, std::shared_ptr<const PickupSettings> settings)
    : state_(std::make_unique<State>(core, std::move(take), std::move(settings))) {}
Pickup::~Pickup() = default;
FramePool& Pickup::frames() {
  return state_->core.frames();
}

Task<void> Pickup::run() {
  co_await state_->run();
}

void Pickup::stop() {
  state_->stopping = true;
  if (state_->waiting != nullptr) state_->waiting->cancel();
  if (state_->sleeping != nullptr) state_->sleeping->cancel();
}

void Pickup::set_settings(std::shared_ptr<const PickupSettings> settings) {
  if (settings->directory != state_->settings->directory) state_->prepared = false;
  state_->settings = std::move(settings);
}

// ---- the loop ----

Task<void> Pickup::State::run() {
  while (!stopping) {
    if (!prepared && !co_await prepare()) {
      co_await wait();
      continue;
    }
    drain_watch();  // before we look: what comes later rings again
    const std::size_t count = co_await run_batch();
    if (count < kPickupBatchMax || postponed.size() >= kPickupRememberedMax) co_await wait();
  }
}

Task<bool> Pickup::State::prepare() {
  const std::string directory = settings->directory;
  const auto made = co_await shard::offload(core, [directory] {
    // As root the owner stays who it is: `server` has given the directory away before it dropped its rights.
    struct stat found{};
    const bool exists = ::stat(directory.c_str(), &found) == 0;
    return prepare_pickup(directory, exists ? found.st_uid : ::geteuid(),
                          exists ? found.st_gid : ::getegid());
  });
  if (!made) {
    if (!complained) notice("error", "the pickup directory cannot be used: " + made.error().text);
    complained = true;
    co_return false;
  }
  complained = false;
  prepared = true;
  watch();
  co_return true;
}

// Without it (no descriptor left, say) files are found by looking from time to time.
void Pickup::State::watch() {
  inotify = FileHandle(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (inotify && ::inotify_add_watch(inotify.get(), settings->directory.c_str(), IN_MOVED_TO) < 0)
    inotify = FileHandle();
}

void Pickup::State::drain_watch() {
  std::array<char, 4096> events;
  for (int rounds = 0; inotify && rounds < 64; ++rounds)
    if (::read(inotify.get(), events.data(), events.size()) <= 0) return;
}

Instant Pickup::State::next_look() const {
  Instant next = core.now() + (prepared ? kPickupRescan : kPickupRetry);
  for (const auto& [name, again] : postponed) next = std::min(next, again);
  return next;
}

Task<void> Pickup::State::wait() {
  if (stopping) co_return;
  if (!inotify || !prepared) {
    shard::Sleep sleep(core, next_look());
    sleeping = &sleep;
    co_await sleep;
    sleeping = nullptr;
    co_return;
  }
  shard::Await await(
      core, io::Op{.kind = io::OpKind::poll, .poll_events = POLLIN, .handle = io::Handle{inotify.get()}},
      next_look());
  waiting = &await;
  co_await await;
  waiting = nullptr;
}

std::unordered_set<std::string> Pickup::State::passed_over() {
  std::unordered_set<std::string> names;
  std::erase_if(postponed, [&](const auto& entry) { return entry.second <= core.now(); });
  for (const auto& [name, again] : postponed) names.insert(name);
  return names;
}

Task<std::size_t> Pickup::State::run_batch() {
  auto names = co_await shard::offload(core, [directory = settings->directory, skip = passed_over()] {
    return list_pickup(directory, kPickupBatchMax, skip);
  });
  if (!names) {
    notice("error", names.error().text);
    prepared = false;
    co_return 0;
  }
  for (std::string& name : *names) {
    if (stopping) break;
    co_await process(std::move(name));
  }
  co_return names->size();
}

// ---- one file ----

Task<void> Pickup::State::process(std::string name) {
  const auto now = settings;
  auto file = co_await shard::offload(
      core, [&now, &name] { return read_pickup(now->directory, name, now->message_size_max); });
  if (!file) {
    if (file.error().kind == ErrorKind::closed) {
      taken.erase(name);
      co_return;
    }
    if (file.error().temporary()) co_return postpone(name);
    co_return co_await reject_file(std::move(name), file.error());
  }
  const auto known = taken.find(name);
  auto letter = make_letter(*file, *now, known == taken.end() ? Recipients{} : known->second);
  if (!letter) co_return co_await reject_file(std::move(name), letter.error());
  if (!co_await take_letter(name, *file, *letter)) co_return postpone(name);
  if (!letter->refused.empty() && !co_await report(*file, *letter)) co_return postpone(name);
  co_await finish(std::move(name));
}

// True: durable, or refused for good.
Task<bool> Pickup::State::take_letter(const std::string& name, const PickupFile& file, Letter& letter) {
  const intake::Origin origin{.auth_user = file.owner_name,
                              .listener = "pickup",
                              .protocol_override = "local",
                              .submission = true,
                              .direction = intake::Direction::outbound};
  for (std::size_t i = 0; i < letter.envelopes.size(); ++i) {
    const mail::Envelope& envelope = letter.envelopes[i];
    if (envelope.recipient_count() == 0) continue;
    const intake::Verdict verdict = co_await take(scan::as_bytes(file.message.body), origin, envelope);
    if (verdict.refusal && !verdict.refusal->permanent()) co_return false;
    if (verdict.refusal) {
      refuse_all(letter, i, *verdict.refusal);
      continue;
    }
    messages.add();
    for (std::size_t r = 0; r < envelope.recipient_count(); ++r)
      taken[name].emplace(envelope.recipient(r).address);
  }
  co_return true;
}

// True: durable, or there is none to be made.
Task<bool> Pickup::State::report(const PickupFile& file, const Letter& letter) {
  const auto text = make_report(letter, file, *settings, MessageId{core.random()}, core.wall_now());
  if (!text) co_return true;
  mail::Envelope envelope;
  envelope.set_reverse_path("");
  envelope.add_recipient({.address = letter.sender});
  const mail::Envelope& original = letter.envelopes.front();
  envelope.smtputf8 = original.smtputf8;
  envelope.body = original.body;
  envelope.body_given = original.body_given;
  const intake::Origin origin{.listener = "report", .protocol_override = "local"};
  const intake::Verdict verdict = co_await take(scan::as_bytes(*text), origin, envelope);
  if (verdict.refusal && !verdict.refusal->permanent()) co_return false;
  refused.add(letter.refused.size());
  co_return true;
}

Task<void> Pickup::State::finish(std::string name) {
  const auto done = co_await shard::offload(
      core, [directory = settings->directory, &name] { return delete_pickup(directory, name); });
  if (done) {
    taken.erase(name);
    postponed.erase(name);
    co_return;
  }
  // It must not be sent again: remembered while we live, and an operator is told.
  notice("error", done.error().text + "; it would be sent again after a restart");
  postpone(name);
}

Task<void> Pickup::State::reject_file(std::string name, const Error& error) {
  bad.add();
  notice("warning", "pickup file " + name + ": " + error.text);
  const auto moved = co_await shard::offload(
      core, [directory = settings->directory, &name] { return move_to_bad(directory, name); });
  if (moved) co_return;
  notice("error", moved.error().text);
  postpone(name);
}

void Pickup::State::postpone(const std::string& name) {
  postponed_count.add();
  if (postponed.size() < kPickupRememberedMax) postponed[name] = core.now() + kPickupRetry;
}

void Pickup::State::notice(std::string_view severity, std::string_view text) {
  core.events()
      .begin(observe::EventType::notice, core.wall_now())
      .add(observe::EventKey::severity, severity)
      .add(observe::EventKey::subject, "pickup")
      .add(observe::EventKey::text, text)
      .finish();
}

}  // namespace ringpost::inject
