#include "world.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace ringpost::simulator {

namespace {

constexpr std::uint32_t kOutside = 1;
constexpr std::uint64_t kRoundsMax = 20'000'000;
constexpr Duration kDrainMax =
    std::chrono::hours{150};  // reports expire after four days, and everything before
constexpr std::uint64_t kRecountEvery = 400;
constexpr std::uint64_t kRoundsOfInstantMax = 100'000;
constexpr Bytes kDiskSize{std::uint64_t{1} << 40};
constexpr std::size_t kDescriptors = 65'536;
constexpr Duration kReplyMax = std::chrono::seconds{60};  // when nothing goes wrong

}  // namespace

World::World(const Profile& profile, accounts::Accounts& accounts)
    : profile_(profile),
      random_(profile.seed * 2654435761U + 11),
      io_(profile.seed),
      names_(profile_, coverage_),
      outside_backend_(io_.make_backend(kOutside)),
      outside_(shard::Core::Parts{.backend = outside_backend_.get()}),
      remotes_(outside_, profile_, ledger_, coverage_),
      clients_(outside_, profile_, ledger_, coverage_),
      machine_(io_, profile_, accounts, [this](shard::Core& core) { return names_.upstream(core); }),
      watch_(machine_, profile_, io_, ledger_, coverage_),
      mailroom_(machine_, profile_, ledger_, coverage_),
      disk_watch_(ledger_, coverage_) {
  watch_.stands_still = [this](unsigned core) { return paused_.contains(core); };
  if (profile_.store_mailboxes) ledger_.reads_later("@origin.test");
  io_.watch_writes([this](const io::SimWrite& write) { disk_watch_.see(write); });
}

void World::tell(std::string_view what) {
  if (talkative)
    fmt::print("{:>10.3f}s {}\n", std::chrono::duration<double>(io_.now().since_start).count(), what);
}

// ---- what goes wrong with the machine

void World::plan_some(unsigned count, Deed deed) {
  for (unsigned i = 0; i < count; ++i)
    plan_.emplace(io_.now() + Duration{static_cast<std::int64_t>(
                                  random_.below(static_cast<std::uint64_t>(profile_.busy.count()) * 5 / 4))},
                  deed);
}

void World::plan() {
  plan_some(profile_.cuts, &World::cut_power);
  plan_some(profile_.kills, &World::kill);
  plan_some(profile_.restarts, &World::restart);
  plan_some(profile_.pauses, &World::pause);
  plan_some(profile_.clock_jumps, &World::shift_clock);
  plan_some(profile_.full_disks, &World::fill_disk);
  plan_some(profile_.rots, &World::rot);
  plan_some(profile_.broken_disks, &World::break_disk);
  plan_some(profile_.descriptors_few, &World::take_descriptors);
}

void World::do_due() {
  while (!plan_.empty() && plan_.begin()->first <= io_.now()) {
    const Deed deed = plan_.begin()->second;
    plan_.erase(plan_.begin());
    (this->*deed)();
  }
  const auto over = [&](std::optional<Instant>& until) {
    const bool is_over = until && *until <= io_.now();
    if (is_over) until.reset();
    return is_over;
  };
  if (over(disk_full_until_)) io_.limit_disk(kDiskSize, Machine::kHost);
  if (over(disk_broken_until_)) io_.refuse_writes(false, Machine::kHost);
  if (over(descriptors_few_until_)) io_.limit_descriptors(kDescriptors, Machine::kHost);
  std::erase_if(paused_, [&](const auto& pause) { return pause.second <= io_.now(); });
}

void World::crash(bool power) {
  if (machine_.phase() == Machine::Phase::off) return;
  const char* const phases[] = {"off", "opening", "starting", "running", "stopping"};
  coverage_.note(fmt::format("machine: {} while {}", power ? "power cut" : "kill",
                             phases[static_cast<std::size_t>(machine_.phase())]));
  tell(power ? "power cut" : "kill");
  watch_.look();
  if (machine_.phase() == Machine::Phase::running) {
    watch_.note_figures();
    mailroom_.look();
    if (watch_.passes()) coverage_.note("machine: died while mail went through");
  }
  mailroom_.close();
  machine_.crash(power);
  clients_.machine_changed();
  watch_.forget();
  disk_watch_.forget();
  paused_.clear();
  stop_wanted_ = false;
  next_start_ = io_.now() + std::chrono::milliseconds{random_.between(1, 20'000)};
}

void World::end_in_cold_call() {
  const bool power = !random_.one_in(3);
  coverage_.note(power ? "machine: power cut between two cold calls"
                       : "machine: kill between two cold calls");
  crash(power);
}

// By itself: it was asked to stop, or it could not start.
void World::ended(Machine::Phase before) {
  mailroom_.close();
  clients_.machine_changed();
  disk_watch_.forget();
  const bool writes_fail = !calm_ && (profile_.io.disk.write_error != 0 || profile_.broken_disks != 0);
  if (before == Machine::Phase::stopping && !writes_fail) {
    watch_.settle();
  } else {
    watch_.forget();
  }
  if (before == Machine::Phase::stopping) return;
  coverage_.note("machine: gave up its start");
  tell("gave up its start: " + machine_.trouble());
  if (calm_) ledger_.violate("the server does not start: " + machine_.trouble());
  next_start_ = io_.now() + std::chrono::seconds{random_.between(1, 30)};
}

// Most of the time nothing is on its way to the disk, so most blows wait for a moment when something is.
void World::aim(bool power) {
  const bool at_once = random_.one_in(4);
  const Moment moment = profile_.store_mailboxes && random_.one_in(2) ? Moment::stored : Moment::frame;
  blow_ = {.power = power,
           .moment = at_once ? Moment::any : moment,
           .latest = io_.now() + std::chrono::seconds{at_once ? 0 : 60},
           .in_round = std::nullopt};
}

// A machine that has just been started may not live long.
void World::aim_at_start() {
  if (calm_ || blow_) return;
  if (profile_.mailbox_blows && !random_.one_in(8)) {
    blow_ = {.power = random_.one_in(4),
             .moment = Moment::stored,
             .latest = io_.now() + std::chrono::minutes{5},
             .in_round = std::nullopt};
    return;
  }
  if (profile_.seesaw) {
    if (io_.now() > begun_ + 2 * profile_.busy) return;  // the clients have to come to an end
    blow_ = {.power = random_.one_in(2),
             .moment = Moment::arrived,
             .latest = io_.now() + std::chrono::seconds{random_.between(20, 60)},
             .in_round = std::nullopt};
    arrivals_until_blow_ = ledger_.arrivals() + random_.between(2, 6) * (machine_.count() < 3 ? 1 : 4);
    return;
  }
  if (!profile_.crash_in_start) return;
  if (random_.one_in(3))
    blow_ = {.power = random_.one_in(2),
             .moment = Moment::any,
             .latest = {},
             .in_round = rounds_ + (1U << random_.below(profile_.restless ? 12 : 9))};
  else if (profile_.restless && !random_.one_in(3))
    blow_ = {.power = random_.one_in(2),
             .moment = Moment::move,
             .latest = io_.now() + std::chrono::seconds{random_.between(10, 60)},
             .in_round = std::nullopt};
}

void World::strike() {
  if (!blow_ || machine_.phase() == Machine::Phase::off) return;
  if (!blow_->in_round && blow_->moment == Moment::move && is_moment(Moment::move)) {
    coverage_.note("machine: struck while mail was moved");
    blow_->in_round = rounds_ + random_.below(1U << random_.below(8));
  }
  // Some die before the record of the last one is durable, and some behind it.
  if (!blow_->in_round && blow_->moment == Moment::arrived && ledger_.arrivals() >= arrivals_until_blow_)
    blow_->in_round = rounds_ + random_.below(1U << random_.below(8));
  if (!blow_->in_round && blow_->moment == Moment::stored && machine_.phase() == Machine::Phase::running)
    if (const auto owner = mailroom_.stored_since()) {
      if (!paused_.empty() || machine_.count() == 1 || !random_.one_in(2) ||
          !mailroom_.expunge_newest(*owner)) {
        coverage_.note("machine: struck when mail was in a mailbox, before the queue knew");
        blow_->in_round = rounds_;
      } else {
        wait_for_haste(*owner);
      }
    }
  const bool now =
      blow_->in_round ? rounds_ >= *blow_->in_round : io_.now() >= blow_->latest || is_moment(blow_->moment);
  if (!now) return;
  const bool power = blow_->power;
  if (blow_->moment == Moment::expunged && mailroom_.expunged_in_haste())
    coverage_.note("machine: struck when mail had been expunged, before the queue knew");
  blow_.reset();
  crash(power);
}

// The core that has it in its queue does not hear of it until the user has expunged it.
void World::wait_for_haste(unsigned owner) {
  for (unsigned i = 0; i < machine_.count(); ++i)
    if (i != owner) paused_[i] = io_.now() + std::chrono::seconds{10};
  blow_->moment = Moment::expunged;
  blow_->latest = io_.now() + std::chrono::seconds{5};
}

bool World::is_moment(Moment moment) {
  if (moment == Moment::any || machine_.phase() != Machine::Phase::running) return false;
  if (moment == Moment::move) return watch_.has_moved();
  if (moment == Moment::stored) return false;   // strike() looks
  if (moment == Moment::arrived) return false;  // strike() looks
  if (moment == Moment::expunged) return mailroom_.expunged_in_haste();
  for (unsigned i = 0; i < machine_.count(); ++i)
    if (machine_.services(i).spool().log().write_age() > Duration{0}) return true;
  return false;
}

void World::cut_power() {
  aim(true);
}
void World::kill() {
  aim(false);
}
void World::restart() {
  stop_wanted_ = true;
}

void World::pause() {
  if (machine_.count() == 0) return;
  const Instant until = io_.now() + std::chrono::milliseconds{random_.between(1, 90'000)};
  const bool all = random_.one_in(3);
  const auto which = static_cast<unsigned>(random_.below(machine_.count()));
  for (unsigned i = 0; i < machine_.count(); ++i)
    if (all || i == which) paused_[i] = until;
  coverage_.note(all ? "machine: stood still" : "machine: a core stood still");
}

void World::shift_clock() {
  const auto by = std::chrono::seconds{random_.between(1, 7200)};
  io_.shift_wall_clock(random_.one_in(2) ? by : -by, Machine::kHost);
  coverage_.note("machine: the time of day jumped");
}

void World::fill_disk() {
  io_.limit_disk(Bytes{random_.below(30) << 20}, Machine::kHost);
  disk_full_until_ = io_.now() + std::chrono::seconds{random_.between(1, 1200)};
  coverage_.note("machine: disk full");
}

void World::break_disk() {
  io_.refuse_writes(true, Machine::kHost);
  disk_broken_until_ = io_.now() + std::chrono::milliseconds{random_.between(1, 90'000)};
  coverage_.note("machine: the disk takes no writes");
}

void World::take_descriptors() {
  io_.limit_descriptors(random_.between(1, 90), Machine::kHost);
  descriptors_few_until_ = io_.now() + std::chrono::seconds{random_.between(1, 300)};
  coverage_.note("machine: few descriptors");
}

void World::rot() {
  const auto backend = io_.make_backend(Machine::kHost);
  disk_watch_.rot(backend->files(), random_, [this](const std::string& path, std::uint64_t offset) {
    (void)io_.kill_block(path, offset, Machine::kHost);
  });
  if (!random_.one_in(3)) crash(true);  // it is found when the log is read
}

// ---- turning

bool World::round() {
  std::vector<shard::Core*> cores{&outside_};
  for (unsigned i = 0; i < machine_.count(); ++i)
    if (!paused_.contains(i)) cores.push_back(&machine_.core(i));
  for (std::size_t i = cores.size(); i > 1; --i) std::swap(cores[i - 1], cores[random_.below(i)]);
  std::size_t done = 0;
  for (shard::Core* core : cores) done += core->turn(core->now());
  return done != 0 || std::ranges::any_of(cores, [](shard::Core* core) { return core->has_work(); });
}

void World::step(Instant until) {
  ++rounds_;
  rounds_of_instant_ = io_.now() == instant_ ? rounds_of_instant_ + 1 : 0;
  instant_ = io_.now();
  if (rounds_of_instant_ > kRoundsOfInstantMax) ledger_.violate("the cores are busy, and no time passes");
  do_due();
  strike();
  keep_machine_up();
  const bool did = round();
  watch_.look();
  if (profile_.store_mailboxes && machine_.phase() == Machine::Phase::running) {
    mailroom_.open();
    mailroom_.look();
  }
  if (io_.fails(Machine::kHost)) end_in_cold_call();
  if (machine_.phase() == Machine::Phase::opening) read_late();
  const Machine::Phase before = machine_.phase();
  machine_.step();
  if (before != Machine::Phase::off && machine_.phase() == Machine::Phase::off) ended(before);
  compare_after_start();
  if (rounds_ % kRecountEvery == 0) watch_.recount(false);
  if (did) return;
  until = std::min(until, outside_.timers().next());
  for (unsigned i = 0; i < machine_.count(); ++i)
    if (!paused_.contains(i)) until = std::min(until, machine_.core(i).timers().next());
  if (!plan_.empty()) until = std::min(until, plan_.begin()->first);
  if (blow_ && !blow_->in_round && machine_.phase() != Machine::Phase::off)
    until = std::min(until, std::max(blow_->latest, io_.now() + Duration{1}));
  for (const auto& change : {disk_full_until_, disk_broken_until_, descriptors_few_until_})
    if (change) until = std::min(until, *change);
  for (const auto& [core, end] : paused_) until = std::min(until, end);
  if (machine_.phase() == Machine::Phase::off) until = std::min(until, next_start_);
  until = std::max(until, io_.now() + Duration{1});
  paused_.empty() ? io_.advance(until) : io_.pass(until);
}

bool World::run_until(const std::function<bool()>& done, Duration bound) {
  const Instant end = io_.now() + bound;
  while (!ledger_.violation() && io_.now() < end && rounds_ < kRoundsMax) {
    if (done()) return true;
    step(end);
  }
  if (rounds_ >= kRoundsMax) ledger_.violate("the world does not come to an end");
  return false;
}

unsigned World::next_cores() {
  if (!profile_.other_core_counts) return profile_.cores;
  const auto any = static_cast<unsigned>(random_.between(1, 4));
  if (!profile_.seesaw || calm_) return any;
  return any % 2 + (ran_with_ < 3 ? 3 : 1);
}

// Off: it starts again when its time has come. Asked to stop: it does as soon as it runs.
void World::keep_machine_up() {
  if (machine_.phase() == Machine::Phase::running && stop_wanted_) {
    stop_wanted_ = false;
    coverage_.note("machine: stopped in good order");
    tell("stop");
    watch_.note_figures();
    if (watch_.passes()) coverage_.note("machine: stopped while mail went through");
    mailroom_.close();
    machine_.stop();
    next_start_ = io_.now() + std::chrono::milliseconds{random_.between(1, 5000)};
    if (!calm_ && profile_.crash_in_start && !blow_ && random_.one_in(profile_.restless ? 2 : 3))
      blow_ = {.power = random_.one_in(2),
               .moment = Moment::any,
               .latest = {},
               .in_round = rounds_ + (1U << random_.below(profile_.restless ? 9 : 6))};
    return;
  }
  if (machine_.phase() != Machine::Phase::off || io_.now() < next_start_) return;
  const unsigned cores = next_cores();
  tell(fmt::format("start with {} cores", cores));
  compared_ = false;
  const bool started = machine_.start(cores);
  if (started) ledger_.begin_epoch(machine_.epoch());
  if (!started) {
    coverage_.note("machine: could not start");
    next_start_ = io_.now() + std::chrono::seconds{random_.between(1, 30)};
    if (calm_) ledger_.violate("the server does not start: " + machine_.trouble());
    return;
  }
  if (!calm_ && profile_.late_cores && !profile_.seesaw && cores > 1 && random_.one_in(2)) {
    paused_[static_cast<unsigned>(random_.below(cores))] =
        io_.now() + std::chrono::milliseconds{random_.between(1, 20'000)};
    coverage_.note("machine: a core came late to a start");
  }
  choose_late_reader();
  aim_at_start();
}

// One core reads its log much later than the others.
void World::choose_late_reader() {
  late_reader_.reset();
  if (calm_ || !profile_.late_cores || machine_.count() == 1) return;
  // What a core has ended for another, while it had that one's log, stands in its own.
  const bool may_tell = profile_.seesaw && ran_with_ > 0 && ran_with_ < machine_.count();
  if (may_tell || random_.one_in(2))
    late_reader_ = static_cast<unsigned>(random_.below(may_tell ? ran_with_ : machine_.count()));
}

void World::read_late() {
  if (!late_reader_ || !machine_.has_opened(*late_reader_)) return;
  paused_[*late_reader_] = io_.now() + std::chrono::milliseconds{random_.between(1, 20'000)};
  late_reader_.reset();
  coverage_.note("machine: a core read its log late");
}

// Once after each start, before anything else can have happened to the queue.
void World::compare_after_start() {
  if (compared_ || machine_.phase() != Machine::Phase::running) return;
  compared_ = true;
  ran_with_ = machine_.count();
  coverage_.note(fmt::format("machine: started with {} cores", machine_.count()));
  coverage_.note("oracle: queue compared after a start");
  ledger_.compare_queue(watch_.queue());
  for (unsigned i = 0; i < machine_.count(); ++i) {
    const auto& report = machine_.services(i).spool().recovery();
    coverage_.note("recovery: torn tails", report.torn_tails);
    coverage_.note("recovery: voided frames", report.voided_frames);
    coverage_.note("recovery: damages", report.damages);
    if (report.damages > 0 && !profile_.lying_disk())
      ledger_.violate("recovery speaks of damage on a disk that does not lie: " + report.damage.front().text);
  }
}

// ---- the run

void World::calm_down() {
  tell("calm");
  calm_ = true;
  plan_.clear();
  blow_.reset();
  late_reader_.reset();
  paused_.clear();
  disk_full_until_.reset();
  disk_broken_until_.reset();
  descriptors_few_until_.reset();
  stop_wanted_ = false;
  io_.set_faults({});
  io_.limit_disk(kDiskSize, Machine::kHost);
  io_.refuse_writes(false, Machine::kHost);
  io_.limit_descriptors(kDescriptors, Machine::kHost);
  names_.be_truthful();
  remotes_.be_kind();
  clients_.behave();
  mailroom_.behave();
}

std::string World::what_is_left() {
  if (machine_.phase() != Machine::Phase::running) return "the server does not run";
  std::string text =
      fmt::format("{} messages are left, {} connections are open, letters are {}", watch_.queued(),
                  remotes_.open(), clients_.all_over() ? "all over" : "still tried");
  for (const auto& [id, count] : watch_.queue())
    if (text.size() < 1000)
      text += fmt::format("; {}{}", to_string(MessageId{id}),
                          ledger_.excused({id}) ? " (the disk ruined it)" : "");
  return text;
}

void World::drain() {
  const bool drained = run_until(
      [&] {
        return machine_.phase() == Machine::Phase::running && clients_.all_over() && remotes_.open() == 0 &&
               watch_.drained() && (!profile_.store_mailboxes || mailroom_.all_read());
      },
      kDrainMax);
  if (!drained) return ledger_.violate("the queue does not drain: " + what_is_left());
  run_until([] { return false; }, std::chrono::minutes{10});  // idle connections go
  watch_.recount(true);
  watch_.note_figures();
  coverage_.note("oracle: rounds that time went on in", rounds_);
  ledger_.compare_ends();
}

// In another shape: what has ended stays ended.
void World::last_start() {
  profile_.other_core_counts = true;
  stop_wanted_ = true;
  run_until([&] { return machine_.phase() == Machine::Phase::off; }, std::chrono::minutes{10});
  const bool up = run_until([&] { return machine_.phase() == Machine::Phase::running && compared_; },
                            std::chrono::minutes{10});
  if (!up) return ledger_.violate("the server does not start again: " + machine_.trouble());
  for (const auto& [id, count] : watch_.queue())
    if (!ledger_.excused({id}) && !ledger_.may_be_report_on_ruined({id}))
      ledger_.violate(fmt::format("{} has come back into the empty queue", to_string(MessageId{id})));
}

Outcome World::run() {
  io_.set_faults(profile_.io);
  next_start_ = begun_ = io_.now();
  clients_.start();
  plan();
  run_until([&] { return clients_.all_over() && plan_.empty(); }, profile_.busy + std::chrono::hours{2});
  calm_down();
  if (!ledger_.violation()) drain();
  if (!ledger_.violation()) last_start();
  if (!profile_.faults && clients_.longest_wait() > kReplyMax)
    ledger_.violate(
        fmt::format("nothing went wrong, and a client waited {} s for a reply",
                    std::chrono::duration_cast<std::chrono::seconds>(clients_.longest_wait()).count()));
  return outcome();
}

Outcome World::outcome() {
  for (const auto& [what, count] : io_.happened()) coverage_.note(what, count);
  return {.violation = ledger_.violation(),
          .trace = io_.trace(),
          .time = io_.now().since_start,
          .promises = ledger_.promises(),
          .arrivals = ledger_.arrivals(),
          .repeats = ledger_.repeats(),
          .reports = ledger_.reports(),
          .coverage = coverage_};
}

}  // namespace ringpost::simulator
