// Mail that comes for users of this core, or is handed to the core of its owner.
#include <fmt/format.h>

#include "store_state.hpp"
#include "text.hpp"

namespace ringpost::store {

std::shared_ptr<User> Store::State::find_user(UserId id) const {
  const auto found = users.find(id.value);
  return found == users.end() ? nullptr : found->second;
}

Task<Result<std::shared_ptr<User>>> Store::State::open_user(std::string_view name) {
  // Another core may have settled a moment before this one.
  const Instant deadline = core.now() + kRoomWait;
  while (!settled && !closing && core.now() < deadline) co_await quiet.wait(deadline);
  if (closing || !settled) co_return fail(ErrorKind::temporary, "the mailboxes are not open");
  if (name.empty() || name.size() > kUserNameMax)
    co_return fail(ErrorKind::permanent, "not a name of a user");
  const UserId id = user_id_of(name);
  if (sharing.owner_of(id) != core.index())
    co_return fail(ErrorKind::permanent, "another core has this user");
  std::shared_ptr<User> user = find_user(id);
  if (user == nullptr) {
    user = std::make_shared<User>(*this, std::make_unique<Account>(id));
    users[id.value] = user;
  }
  if (user->is_arriving) co_return fail(ErrorKind::temporary, "the mailboxes are being brought here");
  if (!user->account->alive()) {
    if (auto made = co_await user->make_inbox(std::string(name)); !made)
      co_return fail(std::move(made).error().error);
  }
  if (user->name() != name)
    co_return fail(ErrorKind::permanent,
                   fmt::format("{} has the number of {}: give it another name", name, user->name()));
  co_return user;
}

Task<Outcome<Delivered>> Store::State::deliver_here(const Delivery& delivery) {
  auto opened = co_await open_user(delivery.user);
  if (!opened) co_return refuse_as<Delivered>(std::move(opened).error());
  User& user = **opened;
  const auto known = [&] { return delivery.origin && user.account->origins().contains(delivery.origin); };
  if (known()) {
    figures.repeated.add();
    co_return Delivered{.uid = {}, .core = core.index()};
  }
  if (user.origins_coming.contains(delivery.origin))
    co_return refuse_as<Delivered>({ErrorKind::temporary, 0, "the same delivery is under way"});
  check_origins_of(user);
  if (user.account->origins().size() >= kOriginsMax)
    co_return refuse_as<Delivered>({ErrorKind::temporary, 0, "too many deliveries that are not confirmed"});
  const std::string_view wanted = delivery.mailbox.empty() ? std::string_view("INBOX") : delivery.mailbox;
  MailboxId to;
  if (const Mailbox* box = user.find(wanted)) {
    to = box->id();
  } else {
    const SpecialUse use = parse_special_use(fmt::format("\\{}", wanted)).value_or(SpecialUse::none);
    auto made = co_await user.create(wanted, use, {});
    if (!made && made.error().why != Refused::exists) co_return std::unexpected(std::move(made).error());
    box = user.find(wanted);
    if (box == nullptr)
      co_return refuse_as<Delivered>({ErrorKind::temporary, 0, "the mailbox has just gone"});
    to = box->id();
  }
  if (known()) co_return Delivered{.uid = {}, .core = core.index()};
  const auto appended = RP_CO_TRY(co_await user.append_from(to, {&delivery.message, 1}, delivery.origin));
  figures.delivered.add();
  co_return Delivered{.uid = appended.uids.front(), .core = core.index()};
}

// What a crash loses of it is only that the origin stays.
void Store::State::confirm_here(UserId id, Origin origin) {
  const auto user = find_user(id);
  if (user == nullptr || closing || !settled || !user->account->origins().contains(origin)) return;
  core.spawn(write_confirmed(shared_from_this(), user, origin));
}

Task<void> Store::State::write_confirmed(std::shared_ptr<State> self, std::shared_ptr<User> user,
                                         Origin origin) {
  ++background;
  const auto build = [&](Batch& batch) -> Outcome<> {
    if (user->account->origins().contains(origin))
      batch.add(Operation::origin, 0, OriginSaid{origin.message.value, origin.recipient, 0});
    return {};
  };
  (void)co_await write({.user = user, .build = build, .silent = nullptr, .blobs = nullptr});
  --background;
  quiet.notify_all();
}

}  // namespace ringpost::store
