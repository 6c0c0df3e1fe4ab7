#include "ringpost/spool/survey.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "ringpost/journal/limits.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/spool/limits.hpp"

#include "spool_state.hpp"

namespace ringpost::spool {

Survey::Survey(Spool& spool, Wanted wanted, MessageId after, std::size_t pass)
    : spool_(spool.state_),
      wanted_(std::move(wanted)),
      after_(after),
      pass_(std::min(pass, kSurveyPassMax)) {}

Survey::Survey(Spool& spool, std::vector<MessageId> ids)
    : spool_(spool.state_), pass_(ids.size()), ids_(std::move(ids)), over_(true) {
  std::ranges::sort(ids_);
}

Survey::Survey(std::shared_ptr<Spool::State> spool)
    : spool_(std::move(spool)), pass_(kSurveyPassMax), unannounced_only_(true) {}

FramePool& Survey::frames() {
  return spool_->core.frames();
}

Task<std::vector<Survey::Found>> Survey::next() {
  std::vector<Found> found;
  while (found.empty()) {
    co_await shard::Yield{spool_->core};
    if (!co_await advance()) co_return found;
    found = co_await show();
  }
  co_return found;
}

Task<bool> Survey::hand_over(const HandedTo& to, const Ahead& ahead) {
  co_await shard::Yield{spool_->core};
  if (!co_await advance()) co_return false;
  Run& run = *run_;  // nobody else advances
  for (std::size_t i = 0; i < kSurveyShown && run.shown < run.places.size(); ++i) {
    const Place place = run.places[run.shown++];
    if (const std::size_t later = run.shown + kSurveyAhead; later < run.places.size()) {
      spool_->queue.index().fetch(run.places[later].id);
      if (ahead) ahead(run.places[later].id);
    }
    if (spool_->queue.find(place.id) == nullptr) continue;
    if (const auto envelope = read_envelope(place); !envelope.empty()) {
      to(place.id, envelope);
      continue;
    }
    const auto alone = co_await spool_->read_envelope(place.id);
    if (spool_->queue.find(place.id) != nullptr)
      to(place.id, alone ? std::span<const std::byte>(*alone) : std::span<const std::byte>{});
  }
  co_return true;
}

// Until there is something to show; meanwhile what comes behind it is read. False: there are no more.
Task<bool> Survey::advance() {
  while (run_left() == 0) {
    if (spool_->closing) co_return false;
    run_ = std::exchange(reading_, nullptr);
    if (run_ == nullptr && pass_ended()) {
      if (over_) co_return false;
      co_await gather();
    }
    if (run_ == nullptr) run_ = begin_to_read();
    if (run_ == nullptr) {
      co_await shard::Yield{spool_->core};
      continue;
    }
    reading_ = begin_to_read();
    while (!run_->read) co_await spool_->quiet.wait();
  }
  co_return true;
}

// What was read is what it was if it still counts: its segment cannot have been used again.
std::span<const std::byte> Survey::read_envelope(const Place& place) const {
  const Entry* entry = spool_->queue.find(place.id);
  return entry != nullptr && entry->envelope == place.envelope ? place.payload : std::span<const std::byte>{};
}

// The ids of the next pass.
Task<void> Survey::gather() {
  ids_.clear();
  taken_ = 0;
  before_ = {~std::uint64_t{0}};
  std::vector<MessageId> part;
  std::size_t since = 0;  // about so many slots, without a pause
  for (std::size_t i = 0; i < Index::kParts; ++i) {
    part.clear();
    spool_->queue.index().for_each_in(i, [&](const Entry& entry) {
      if (unannounced_only_ && !entry.is(Entry::unannounced)) return;
      if (entry.id > after_.value && entry.id < before_.value) part.push_back({entry.id});
    });
    for (std::size_t looked_at = 0; const MessageId id : part) {
      if (++looked_at % kSurveyLooks == 0) co_await shard::Yield{spool_->core};
      // Whether it is still there is asked again when it is read.
      if (!wanted_ || (spool_->queue.find(id) != nullptr && wanted_(id))) ids_.push_back(id);
    }
    if (ids_.size() >= 2 * pass_) co_await keep_the_first();
    since += spool_->queue.index().size() / Index::kParts;
    if (since < kSurveySlots) continue;
    co_await shard::Yield{spool_->core};
    since = 0;
  }
  if (ids_.size() > pass_) co_await keep_the_first();
  over_ = before_.value == ~std::uint64_t{0};
  // A large sort would stop the core. Nobody else looks at the ids meanwhile.
  co_await shard::offload(spool_->core, [this] {
    std::ranges::sort(ids_);
    return true;
  });
  if (!ids_.empty()) after_ = ids_.back();
  pass_ = std::min(4 * pass_, kSurveyPassMax);
}

// More than belong to one pass: those with the lowest ids.
Task<void> Survey::keep_the_first() {
  co_await shard::offload(spool_->core, [this] {
    std::ranges::nth_element(ids_, ids_.begin() + static_cast<std::ptrdiff_t>(pass_));
    before_ = ids_[pass_];
    ids_.resize(pass_);
    return true;
  });
}

void Survey::find_places() {
  const std::size_t end = std::min(taken_ + kSurveyPlaces, ids_.size());
  for (; taken_ < end; ++taken_) {
    if (taken_ + kSurveyAhead < end) spool_->queue.index().fetch(ids_[taken_ + kSurveyAhead]);
    const Entry* entry = spool_->queue.find(ids_[taken_]);
    if (entry != nullptr) places_.push_back({ids_[taken_], entry->envelope, {}});
  }
  std::ranges::sort(places_, std::greater<>{}, [](const Place& place) {
    return std::tuple(place.envelope.segment, place.envelope.offset, place.id);
  });
}

// How many of the next places one read brings.
std::size_t Survey::run_length() const {
  const journal::Location& first = places_.back().envelope;
  std::size_t count = 1;
  if (!first) return count;
  for (; count < std::min(places_.size(), kSurveyRun); ++count) {
    const journal::Location& before = places_[places_.size() - count].envelope;
    const journal::Location& next = places_[places_.size() - 1 - count].envelope;
    if (next.segment != first.segment) break;
    if (next.offset - (before.offset + before.size) > kSurveyGap) break;
    if (next.offset + next.size - first.offset > journal::kNearBytes) break;
  }
  return count;
}

// Null: no more places are known.
std::shared_ptr<Survey::Run> Survey::begin_to_read() {
  if (places_.empty()) find_places();
  if (places_.empty()) return nullptr;
  auto run = std::make_shared<Run>();
  const std::size_t count = run_length();
  run->places.assign(places_.rbegin(), places_.rbegin() + static_cast<std::ptrdiff_t>(count));
  places_.resize(places_.size() - count);
  run->read = count == 1;
  if (!run->read) spool_->core.spawn(read(spool_, run));
  return run;
}

// Whatever fails is tried one by one when it is shown.
Task<void> Survey::read(std::shared_ptr<Spool::State> spool, std::shared_ptr<Run> run) {
  ++spool->background;
  std::vector<journal::Location> where;
  for (const Place& place : run->places) where.push_back(place.envelope);
  if (auto near = co_await spool->log->read_near(std::move(where))) {
    for (std::size_t i = 0; i < run->places.size(); ++i) run->places[i].payload = near->payloads[i];
    run->memory = std::move(near->memory);
  }
  run->read = true;
  --spool->background;
  spool->quiet.notify_all();
}

Task<std::vector<Survey::Found>> Survey::show() {
  std::vector<Found> found;
  for (std::size_t i = 0; run_left() > 0 && i < kSurveyShown; ++i) {
    const Place place = run_->places[run_->shown++];
    if (spool_->queue.find(place.id) == nullptr) continue;
    const auto envelope = read_envelope(place);
    auto loaded = envelope.empty() ? co_await spool_->load(place.id)
                                   : spool_->loaded_from(place.id, {envelope.begin(), envelope.end()});
    if (loaded || spool_->queue.find(place.id) != nullptr) found.push_back({place.id, std::move(loaded)});
  }
  co_return found;
}

}  // namespace ringpost::spool
