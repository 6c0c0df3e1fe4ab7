// Asking the store of another core: the work runs there as a coroutine, and what it needs stays in the frame of who asks.
#include "ringpost/base/assert.hpp"

#include "store_state.hpp"

namespace ringpost::store {

struct Store::State::Calling {
  State& home;
  State& there;
  Work& work;
  std::coroutine_handle<> awaiting;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    awaiting = handle;
    const auto message = shard::Message::make(
        [this](shard::Core& here) { here.spawn(serve(there.shared_from_this(), *this)); });
    RP_ASSERT(home.outbox->post(there.core.index(), message));  // calls_out bounds them
  }
  void await_resume() const noexcept {}
};

Task<void> Store::State::serve(std::shared_ptr<State> there, Calling& calling) {
  ++there->background;
  co_await calling.work(*there);
  const auto answer =
      shard::Message::make([&calling](shard::Core& here) { here.schedule(calling.awaiting); });
  RP_ASSERT(there->outbox->post(calling.home.core.index(), answer));
  --there->background;
  there->quiet.notify_all();
}

Task<void> Store::State::call(unsigned there, Work work) {
  const auto self = shared_from_this();
  ++background;
  if (there == core.index()) {
    co_await work(*this);
  } else {
    while (calls_out[there] >= kRemoteMax) co_await quiet.wait();
    ++calls_out[there];
    Calling calling{*this, *sharing.stores[there], work, {}};
    co_await calling;
    --calls_out[there];
  }
  --background;
  quiet.notify_all();
}

}  // namespace ringpost::store
