#include "ringpost/spool/survey.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <ranges>
#include <tuple>

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

Survey::Survey(std::shared_ptr<Spool::State> spool)
    : spool_(std::move(spool)), pass_(kSurveyPassMax), unannounced_only_(true) {}

FramePool& Survey::frames() {
  return spool_->core.frames();
}

Task<std::vector<Survey::Found>> Survey::next() {
  std::vector<Found> found;
  while (found.empty()) {
    if (spool_->closing) co_return found;
    co_await shard::Yield{spool_->core};
    if (pass_ended()) {
      if (over_) co_return found;
      co_await gather();
    }
    if (places_.empty() && run_.empty()) find_places();
    if (run_.empty() && !places_.empty()) co_await read_run(run_length());
    found = co_await show();
  }
  co_return found;
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

Task<void> Survey::read_run(std::size_t count) {
  const auto first = places_.end() - static_cast<std::ptrdiff_t>(count);
  run_.assign(std::move_iterator(first), std::move_iterator(places_.end()));
  places_.erase(first, places_.end());
  if (count == 1) co_return;
  std::vector<journal::Location> where;
  for (const Place& place : std::views::reverse(run_)) where.push_back(place.envelope);
  // Whatever fails is tried one by one when it is shown.
  (void)co_await spool_->log->read_near(
      std::move(where), [this](std::size_t index, std::span<const std::byte> payload) {
        run_[run_.size() - 1 - index].payload.assign(payload.begin(), payload.end());
      });
}

Task<std::vector<Survey::Found>> Survey::show() {
  std::vector<Found> found;
  for (std::size_t looked_at = 0; !run_.empty() && looked_at < kSurveyShown; ++looked_at) {
    Place place = std::move(run_.back());
    run_.pop_back();
    if (spool_->queue.find(place.id) == nullptr) continue;
    auto loaded = place.payload.empty() ? co_await spool_->load(place.id)
                                        : spool_->loaded_from(place.id, std::move(place.payload));
    if (loaded || spool_->queue.find(place.id) != nullptr) found.push_back({place.id, std::move(loaded)});
  }
  co_return found;
}

}  // namespace ringpost::spool
