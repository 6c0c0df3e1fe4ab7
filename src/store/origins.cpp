// Origins that a crash has left unconfirmed: what no queue has any more cannot come again.
#include <algorithm>

#include "store_state.hpp"

namespace ringpost::store {

// When all cores have read their queues, once. A message that is in none of them now, and whose end is durable, will be in
// none later: some cores have begun to deliver meanwhile.
Task<void> Store::State::check_origins(std::shared_ptr<State> self) {
  ++background;
  std::vector<std::pair<UserId, Origin>> left;
  for (const auto& [id, user] : users)
    for (const Origin& origin : user->account->origins()) left.emplace_back(UserId{id}, origin);
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
      if (queued[i] == 0) confirm_here(some[i].first, some[i].second);
  }
  --background;
  quiet.notify_all();
}

}  // namespace ringpost::store
