#include "directive_keeper.hpp"

#include <algorithm>

namespace ringpost::admin {

namespace {

template <class T>
Answered<T> answered(Result<T> result) {
  if (!result) return refuse(result.error());
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

}  // namespace

Answered<> DirectiveKeeper::store() {
  if (auto done = store_directives(tables_, queue_.directives()); !done)
    return refuse("the order is in force but a restart would forget it: " + done.error().text,
                  "mend the disk and give the order again");
  return {};
}

Answered<std::size_t> DirectiveKeeper::change(QueueChange change, const deliver::Selector& selector) {
  const std::lock_guard lock(mutex_);
  auto changed = answered(queue_.change(change, selector));
  // Flushing holds and suspends nothing; the others may, or may end what was held. A core that did not answer in time does
  // not undo what others have done.
  const auto stored = change == QueueChange::flush ? Answered<>{} : store();
  if (changed) RP_CHECK(stored);
  return changed;
}

Answered<> DirectiveKeeper::suspend(const std::string& destination, WallTime until) {
  const std::lock_guard lock(mutex_);
  queue_.suspend(destination);
  RP_CHECK(store());
  RP_CHECK(answered(store_suspension(tables_, {destination, until})));
  known_ = false;
  return {};
}

Answered<> DirectiveKeeper::resume(const std::string& destination) {
  const std::lock_guard lock(mutex_);
  const auto suspended = RP_TRY(answered(load_suspensions(tables_)));
  const bool all = destination == "*";
  const auto named = [&](const Suspension& each) { return all || each.destination == destination; };
  if (std::ranges::none_of(suspended, named))
    return refuse("\"" + destination + "\" is not suspended", "`ringpost queue directives` shows what is");
  // "*" is a suspension of its own; resuming it ends all of them.
  for (const Suspension& each : suspended)
    if (named(each)) queue_.resume(each.destination);
  RP_CHECK(store());
  known_ = false;
  return {};
}

Answered<std::vector<Suspension>> DirectiveKeeper::suspensions() {
  const std::lock_guard lock(mutex_);
  return answered(load_suspensions(tables_));
}

void DirectiveKeeper::note_next_end() {
  next_end_ = {};
  const auto suspended = load_suspensions(tables_);
  if (!suspended) return;  // asked again with the next order; until then nothing ends by itself
  known_ = true;
  for (const Suspension& each : *suspended)
    if (each.until.nanoseconds != 0 && (next_end_.nanoseconds == 0 || each.until < next_end_))
      next_end_ = each.until;
}

void DirectiveKeeper::end_suspensions(WallTime now) {
  const std::lock_guard lock(mutex_);
  if (!known_) note_next_end();
  if (next_end_.nanoseconds == 0 || now < next_end_) return;
  known_ = false;
  const auto suspended = load_suspensions(tables_);
  if (!suspended) return;
  for (const Suspension& each : *suspended)
    if (each.until.nanoseconds != 0 && each.until <= now) queue_.resume(each.destination);
  (void)store_directives(tables_,
                         queue_.directives());  // a row that stays is past, and ends again at the next start
}

}  // namespace ringpost::admin
