// Mailboxes: whose there are, whether they are whole, and an operator's session in those of one user.
#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>
#include <unistd.h>

#include "ringpost/access/mail_check.hpp"
#include "ringpost/admin/limits.hpp"

#include "core_ask.hpp"
#include "verbs.hpp"

namespace ringpost::admin {

namespace {

struct UserRow {
  std::string name;
  std::size_t mailboxes = 0;
  std::uint64_t messages = 0, bytes = 0, quota = 0;
};
using Rows = std::vector<UserRow>;

// ---- whose there are

// Of one core, in the order of names.
Task<Rows> rows_of(shard::Core&, store::Store& store, std::string after, std::size_t limit) {
  std::vector<std::string> names = store.users();
  std::erase_if(names, [&](const std::string& name) { return name <= after; });
  std::ranges::sort(names);
  if (names.size() > limit) names.resize(limit);
  Rows rows;
  for (const std::string& name : names) {
    const auto mail = co_await store.open(name);
    if (!mail) continue;  // being brought to this core
    rows.push_back({name, (*mail)->mailboxes().size(), (*mail)->messages_used(), (*mail)->bytes_used(),
                    (*mail)->quota().bytes_max});
  }
  co_return rows;
}

Answered<Json> list(Call& call) {
  const std::string after = call.arguments.text("after").value_or("");
  const std::size_t limit = RP_TRY(call.arguments.count("limit", kPageDefault, kPageMax));
  RP_CHECK(call.arguments.finish());
  Rows all;
  for (unsigned core = 0; core < call.control.core_count(); ++core) {
    auto rows = await_answer<Rows>(
        begin_to_visit<Rows>(call.control, core,
                             [&](CoreView& view) { return rows_of(view.core, view.store, after, limit); }),
        core);
    if (!rows) return refuse(rows.error());
    std::ranges::move(*rows, std::back_inserter(all));
  }
  std::ranges::sort(all, {}, &UserRow::name);
  if (all.size() > limit) all.resize(limit);
  for (const UserRow& row : all)
    call.line(Json()
                  .set("user", row.name)
                  .set("mailboxes", row.mailboxes)
                  .set("messages", row.messages)
                  .set("bytes", row.bytes)
                  .set("quota", row.quota));
  Json last = Json().set("users", all.size());
  if (all.size() == limit) last.set("next", all.back().name);
  return last;
}

// ---- one user

struct Owned {
  std::string name;  // canonical
  unsigned core = 0;
};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return text;
}

// As its account is written, or as its mail is: an account that was deleted leaves its mail behind.
Answered<Owned> find_user(Call& call) {
  const std::string asked = call.arguments.text("user").value_or("");
  if (asked.empty()) return refuse("no user was named", "ringpost mailbox list shows whose mail there is");
  const std::size_t at = asked.rfind('@');
  const auto directory = call.control.accounts().directory();
  const accounts::User* const account =
      directory->find(asked.substr(0, at), at == std::string::npos ? "" : asked.substr(at + 1));
  Owned owned{.name = lower(account != nullptr ? account->name : asked)};
  bool ready = false, has_mail = false;
  const store::UserId id = store::user_id_of(owned.name);
  call.control.on_core(0, [&](CoreView& view) {
    ready = view.store.ready();
    if (ready) owned.core = view.store.owner(id);
  });
  if (!ready) return refuse("the mailboxes are being read", "try again in a moment");
  if (account != nullptr) return owned;
  call.control.on_core(owned.core, [&](CoreView& view) {
    has_mail = std::ranges::count(view.store.users(), owned.name) != 0;
  });
  if (has_mail) return owned;
  return refuse(fmt::format("there is neither an account nor mail of \"{}\"", asked),
                "ringpost user list shows the accounts, ringpost mailbox list whose mail there is");
}

template <class T, class Ask>
Answered<T> ask_owner(Call& call, const Owned& user, const Ask& ask) {
  using Answer = Result<T>;
  auto answer = await_answer<Answer>(begin_to_visit<Answer>(call.control, user.core, ask), user.core);
  if (!answer) return refuse(answer.error());
  if (!*answer) return refuse(answer->error());
  if constexpr (!std::is_void_v<T>) return std::move(**answer);
  return {};
}

Answered<Json> check(Call& call) {
  const Owned user = RP_TRY(find_user(call));
  constexpr std::size_t kAny = 0xFFFF'FFFF;
  access::CheckPosition from;
  from.mailbox = {static_cast<std::uint32_t>(RP_TRY(call.arguments.count("mailbox", 0, kAny)))};
  from.uid = {static_cast<std::uint32_t>(RP_TRY(call.arguments.count("uid", 0, kAny)))};
  const bool mend = call.arguments.flag("mend");
  RP_CHECK(call.arguments.finish());
  const auto page = RP_TRY(ask_owner<access::CheckPage>(call, user, [&](CoreView& view) {
    return access::check_mail(view.core, view.store, user.name, from, mend);
  }));
  for (const access::CheckFinding& finding : page.findings)
    call.line(Json()
                  .set("mailbox", finding.mailbox)
                  .set("uid", finding.uid.value)
                  .set("text", finding.text)
                  .set("mended", finding.mended));
  return Json()
      .set("messages", page.messages)
      .set("bytes", page.bytes)
      .set("unprepared", page.unprepared)
      .set("mailbox", page.next.mailbox.value)
      .set("uid", page.next.uid.value);
}

Task<Result<void>> rebuild_index(shard::Core&, store::Store& store, std::string user) {
  const auto mail = RP_CO_TRY(co_await store.open(user));
  co_return co_await mail->rebuild();
}

Answered<Json> rebuild(Call& call) {
  const Owned user = RP_TRY(find_user(call));
  RP_CHECK(call.arguments.finish());
  RP_CHECK(ask_owner<void>(call, user,
                           [&](CoreView& view) { return rebuild_index(view.core, view.store, user.name); }));
  return Json().set("user", user.name);
}

// ---- a session

// The descriptor is the core's, or closed.
void give_to(CoreView& view, int descriptor, const std::string& user, bool alone) {
  if (!view.access.expect()) {
    close(descriptor);
    return;
  }
  const auto socket = view.core.backend().adopt(descriptor);
  if (socket)
    view.access.welcome_operator(*socket, user, alone);
  else
    view.access.call_off();
  if (!socket) close(descriptor);
}

Answered<Json> session(Call& call) {
  const Owned user = RP_TRY(find_user(call));
  const bool alone = call.arguments.flag("alone");
  RP_CHECK(call.arguments.finish());
  if (call.heir == nullptr)
    return refuse("this connection cannot carry a session", "ask over the admin socket");
  *call.heir = [&control = call.control, user, alone](int descriptor) {
    control.on_core(user.core, [&](CoreView& view) { give_to(view, descriptor, user.name, alone); });
  };
  return Json().set("user", user.name);
}

constexpr std::array kVerbs = std::to_array<Verb>({
    {"mailbox list", false, list},
    {"mailbox check", false, check},
    {"mailbox rebuild", false, rebuild},
    {"mailbox session", false, session},
});

}  // namespace

std::span<const Verb> mailbox_verbs() {
  return kVerbs;
}

}  // namespace ringpost::admin
