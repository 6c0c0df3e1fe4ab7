// What is parked, when an operator holds or releases: each part gets another place in the table, and no message is read.
#include "ringpost/base/assert.hpp"

#include "queue.hpp"
#include "selection.hpp"

namespace ringpost::deliver {

// The rules say where it belongs, not the order: another one may have come meanwhile.
Queue::Marked Queue::mark_parked(Order order, const Selector& rule, MessageId id) {
  Marked marked;
  const Parked* parked = parking_.find(id);
  if (parked == nullptr) return marked;
  std::size_t index = 0;
  parking_.for_each_part(*parked, [&](const ParkedPart& part) {
    const std::size_t at = index++;
    if (order == Order::release && part.place() != Place::held) return;
    const Fit fit = fits_unread(rule, *this, *parked, part);
    if (fit == Fit::no) return;
    const auto holds = hold_rules_.holds_unread(*this, *parked, part);
    if (fit == Fit::unsure || !holds) {
      marked.unsure = true;
      return;
    }
    if (*holds != (order == Order::hold)) return;
    marked.recipients += part.recipients;
    mark(order, *parked, at, part);
  });
  return marked;
}

void Queue::mark(Order order, const Parked& parked, std::size_t index, const ParkedPart& part) {
  const MessageId id{parked.id};
  const Place before = part.place();
  const std::int64_t recipients = part.recipients;
  const std::string& name = parking_.line_of(part).destination;
  if (order == Order::hold) {
    if (before == Place::held) return;
    parking_.hold(id, index);
  } else {
    forget_hold(id, name);
    parking_.let_go(id, index, wall_now());
  }
  gauge(before)->add(-recipients);
  gauge(order == Order::hold ? Place::held : Place::deferred)->add(recipients);
  if (before != Place::ready) return;
  const auto found = destinations_.find(name);
  RP_ASSERT(found != destinations_.end() && found->second->parked > 0);
  --found->second->parked;
  if (found->second->idle_altogether()) reactions_.work(*found->second);
}

void Queue::wake_released() {
  if (parking_.any_due()) reactions_.wake_parked();
  arm_sweep();
}

// The time of one that is held: it need not be read to go on waiting. Its attempt is lost: released, it is tried at once.
bool Queue::rests_held(MessageId id, const schedule::RetryOptions& retry) {
  const Parked& parked = *parking_.find(id);
  bool all_held = parked.dated == 0;
  parking_.for_each_part(parked,
                         [&](const ParkedPart& part) { all_held = all_held && part.place() == Place::held; });
  if (!all_held) return false;
  const auto next = next_date(parked, retry);
  if (!next) return false;
  parking_.rest(id, *next);
  return true;
}

}  // namespace ringpost::deliver
