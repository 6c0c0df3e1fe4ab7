#include "ringpost/store/store.hpp"

#include "store_state.hpp"

namespace ringpost::store {

Sharing::Sharing(unsigned cores) : state_(std::make_unique<State>(cores)) {}
Sharing::~Sharing() = default;

Store::Store(shard::Core& core, Sharing& sharing, StoreSettings settings)
    : state_(std::make_shared<State>(core, sharing.state(), settings)) {
  sharing.state().stores[core.index()] = state_.get();
}
Store::~Store() = default;

FramePool& Store::frames() {
  return state_->core.frames();
}

void Store::set_settings(StoreSettings settings) {
  state_->settings = settings;
}

bool Store::ready() const {
  return state_->settled && !state_->closing;
}

unsigned Store::owner(UserId user) const {
  return state_->sharing.owner_of(user);
}

Task<Outcome<Delivered>> Store::deliver(Delivery delivery) {
  State& state = *state_;
  if (!ready()) co_return state.refuse_as<Delivered>({ErrorKind::temporary, 0, "the mailboxes are not open"});
  Outcome<Delivered> result;
  co_await state.call(owner(user_id_of(delivery.user)),
                      [&](State& there) -> Task<void> { result = co_await there.deliver_here(delivery); });
  co_return result;
}

namespace {

Task<void> confirm_there(std::shared_ptr<Store::State> from, unsigned there, UserId user, Origin origin) {
  co_await from->call(there, [user, origin](Store::State& state) -> Task<void> {
    state.confirm_here(user, origin);
    co_return;
  });
}

}  // namespace

void Store::confirm(UserId user, Origin origin) {
  if (!ready()) return;
  const unsigned there = owner(user);
  if (there == state_->core.index()) return state_->confirm_here(user, origin);
  state_->core.spawn(confirm_there(state_, there, user, origin));
}

Task<bool> Store::at_owner(std::string_view owner, std::function<Task<void>(UserMail&)> work) {
  if (!ready()) co_return false;
  const UserId id = user_id_of(owner);
  bool found = false;
  co_await state_->call(this->owner(id), [&](State& there) -> Task<void> {
    const auto user = there.find_user(id);
    // Another core may not have settled, or be closing.
    if (user == nullptr || !there.settled || there.closing || user->is_arriving) co_return;
    if (!user->account->alive() || user->name() != owner) co_return;
    found = true;
    co_await work(*user);
  });
  co_return found;
}

std::vector<std::string> Store::owners_sharing_with(std::string_view reader, std::string_view after) const {
  return state_->sharing.shares.owners(reader, after);
}

bool Store::shares_with(std::string_view owner, std::string_view reader) const {
  return state_->sharing.shares.has(owner, reader);
}

Task<Result<std::shared_ptr<UserMail>>> Store::open(std::string_view name) {
  auto user = RP_CO_TRY(co_await state_->open_user(name));
  co_return std::shared_ptr<UserMail>(std::move(user));
}

Task<Outcome<>> Store::remove_user(std::string_view name) {
  const auto user = state_->find_user(user_id_of(name));
  if (user == nullptr || !user->account->alive()) co_return Outcome<>{};
  if (user->is_arriving)
    co_return state_->refuse({ErrorKind::temporary, 0, "the mailboxes are being brought here"});
  co_return co_await user->end_user();
}

std::vector<std::string> Store::users() const {
  std::vector<std::string> names;
  for (const auto& [id, user] : state_->users)
    if (user->account->alive()) names.push_back(user->name());
  return names;
}

Task<Result<void>> Store::flush() {
  State& state = *state_;
  while (!state.flying.empty()) {
    auto durable = co_await state.log->durable({state.flying.back().frame});
    state.land();
    RP_CO_CHECK(durable);
  }
  co_return Result<void>{};
}

void Store::join(Join join) {
  state_->joined = std::move(join);
  state_->log = state_->joined.log;
  state_->blobs.use(*state_->log);
}
void Store::visit(const journal::RecordView& view) {
  state_->visit(view);
}
void Store::visited(const Result<void>& read) {
  state_->visited(read);
}
Task<Result<void>> Store::settle() {
  return state_->settle();
}
Task<Result<void>> Store::carry(const journal::RecordView& view) {
  return state_->carry(view);
}
void Store::lost(const journal::RecordView& view) {
  state_->lost(view);
}
void Store::damaged(const journal::Damage& damage) {
  if (!damage.torn_tail) state_->say_damaged("the mailboxes are damaged: " + damage.text);
}
void Store::upkeep() {
  if (state_->settled) state_->upkeep();
}
Task<void> Store::close() {
  return state_->close();
}

}  // namespace ringpost::store
