// Origins that nobody has confirmed: what no queue has any more cannot come again. A crash leaves such, and the recipient of a large
// alias that ends without an attempt (expired, cancelled).
#include <algorithm>

#include "store_state.hpp"

namespace ringpost::store {

// Before they are as many as a user may have: then he gets no mail.
void Store::State::check_origins_of(User& user) {
  if (user.checks_origins || user.account->origins().size() < user.origins_checked_at) return;
  if (core.now() < user.origins_not_before) return;
  user.origins_not_before = core.now() + kOriginsCheckedAgain;
  user.checks_origins = true;
  core.spawn(check_origins(shared_from_this(), user.shared_from_this()));
}

// Of all users when all cores have read their queues, and `of` one when he has many. A message that is in none of the queues
// now, and whose end is durable, will be in none later: the cores deliver meanwhile.
Task<void> Store::State::check_origins(std::shared_ptr<State> self, std::shared_ptr<User> of) {
  ++background;
  std::vector<std::pair<UserId, Origin>> left;
  const auto take = [&](UserId id, const User& user) {
    for (const Origin& origin : user.account->origins()) left.emplace_back(id, origin);
  };
  if (of != nullptr)
    take(of->id(), *of);
  else
    for (const auto& [id, user] : users) take(UserId{id}, *user);
  std::size_t queued_count = 0;
  for (std::size_t at = 0; at < left.size() && !closing; at += kOriginsAtOnce) {
    const auto some = std::span(left).subspan(at, std::min(kOriginsAtOnce, left.size() - at));
    std::vector<char> queued(some.size());
    for (unsigned other = 0; other < sharing.stores.size(); ++other)
      co_await call(other, [&](State& there) -> Task<void> {
        for (std::size_t i = 0; i < some.size(); ++i)
          if (there.closing || there.joined.in_queue(some[i].second.message)) queued[i] = 1;
        if (std::ranges::count(queued, 0) == 0 || co_await there.joined.flush()) co_return;
        std::ranges::fill(queued, 1);
      });
    for (std::size_t i = 0; i < some.size(); ++i)
      if (queued[i] == 0)
        confirm_here(some[i].first, some[i].second);
      else
        ++queued_count;
  }
  if (of != nullptr) {
    of->origins_checked_at = std::min(queued_count + kOriginsAtOnce, kOriginsMax);
    of->checks_origins = false;
  }
  --background;
  quiet.notify_all();
}

}  // namespace ringpost::store
