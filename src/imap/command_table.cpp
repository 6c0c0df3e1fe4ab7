#include "command_table.hpp"

#include <algorithm>
#include <array>

#include "ringpost/mail/address.hpp"

namespace ringpost::imap {

namespace {

// Commands that are only a word.
template <class Made>
bool parse_bare(Cursor& in, Parsing& out) {
  out.command = Made{};
  return in.end();
}

constexpr std::array<CommandTraits, 47> kCommands{{
    {"APPEND", Verb::append, Needs::login, {}, nullptr},
    {"AUTHENTICATE", Verb::authenticate, Needs::no_login, {}, nullptr},
    {"CAPABILITY", Verb::capability, Needs::nothing, {}, nullptr},
    {"CHECK", Verb::driver, Needs::selected, {}, parse_bare<Check>},
    {"CLOSE", Verb::driver, Needs::selected, {}, parse_bare<Close>},
    {"COMPRESS", Verb::compress, Needs::login, Capability::compress_deflate, nullptr},
    {"COPY", Verb::driver, Needs::selected, {}, parse_copy},
    {"CREATE", Verb::driver, Needs::login, {}, parse_create},
    {"DELETE", Verb::driver, Needs::login, {}, parse_delete},
    {"DELETEACL", Verb::driver, Needs::login, Capability::acl, parse_delete_acl},
    {"ENABLE", Verb::enable, Needs::login, Capability::enable, nullptr},
    {"EXAMINE", Verb::driver, Needs::login, {}, parse_examine},
    {"EXPUNGE", Verb::driver, Needs::selected, {}, parse_expunge},
    {"FETCH", Verb::driver, Needs::selected, {}, parse_fetch},
    {"GETACL", Verb::driver, Needs::login, Capability::acl, parse_get_acl},
    {"GETMETADATA", Verb::driver, Needs::login, Capability::metadata, parse_get_metadata},
    {"GETQUOTA", Verb::driver, Needs::login, Capability::quota, parse_get_quota},
    {"GETQUOTAROOT", Verb::driver, Needs::login, Capability::quota, parse_get_quota_root},
    {"ID", Verb::id, Needs::nothing, Capability::id, nullptr},
    {"IDLE", Verb::driver, Needs::login, Capability::idle, parse_bare<Idle>},
    {"LIST", Verb::driver, Needs::login, {}, parse_list},
    {"LISTRIGHTS", Verb::driver, Needs::login, Capability::acl, parse_list_rights},
    {"LOGIN", Verb::login, Needs::no_login, {}, nullptr},
    {"LOGOUT", Verb::logout, Needs::nothing, {}, nullptr},
    {"LSUB", Verb::driver, Needs::login, {}, parse_lsub},
    {"MOVE", Verb::driver, Needs::selected, Capability::move, parse_move},
    {"MYRIGHTS", Verb::driver, Needs::login, Capability::acl, parse_my_rights},
    {"NAMESPACE", Verb::driver, Needs::login, Capability::namespaces, parse_bare<Namespace>},
    {"NOOP", Verb::noop, Needs::nothing, {}, parse_bare<Noop>},
    {"NOTIFY", Verb::driver, Needs::login, Capability::notify, parse_notify},
    {"RENAME", Verb::driver, Needs::login, {}, parse_rename},
    {"REPLACE", Verb::append, Needs::selected, Capability::replace, nullptr},
    {"SEARCH", Verb::driver, Needs::selected, {}, parse_search},
    {"SELECT", Verb::driver, Needs::login, {}, parse_select},
    {"SETACL", Verb::driver, Needs::login, Capability::acl, parse_set_acl},
    {"SETMETADATA", Verb::driver, Needs::login, Capability::metadata, parse_set_metadata},
    {"SETQUOTA", Verb::driver, Needs::login, Capability::quota_set, parse_set_quota},
    {"SORT", Verb::driver, Needs::selected, Capability::sort, parse_sort},
    {"STARTTLS", Verb::starttls, Needs::no_login, {}, nullptr},
    {"STATUS", Verb::driver, Needs::login, {}, parse_status},
    {"STORE", Verb::driver, Needs::selected, {}, parse_store},
    {"SUBSCRIBE", Verb::driver, Needs::login, {}, parse_subscribe},
    {"THREAD", Verb::driver, Needs::selected, {}, parse_thread},
    {"UNAUTHENTICATE", Verb::unauthenticate, Needs::login, Capability::unauthenticate, nullptr},
    {"UNSELECT", Verb::driver, Needs::selected, Capability::unselect, parse_bare<Unselect>},
    {"UNSUBSCRIBE", Verb::driver, Needs::login, {}, parse_unsubscribe},
    {"XRINGPOSTNUMBER", Verb::driver, Needs::login, Capability::restore, parse_number},
}};

constexpr std::array<std::string_view, 9> kByUid{"COPY",   "EXPUNGE", "FETCH", "MOVE",  "REPLACE",
                                                 "SEARCH", "SORT",    "STORE", "THREAD"};

}  // namespace

const CommandTraits* find_command(std::string_view name, bool uid) {
  const auto same = [&](std::string_view known) { return mail::equal_ignoring_case(known, name); };
  if (uid && std::ranges::none_of(kByUid, same)) return nullptr;
  const auto found = std::ranges::find_if(kCommands, same, &CommandTraits::name);
  return found == kCommands.end() ? nullptr : &*found;
}

bool allows_expunge(const Command& command) {
  if (const auto* fetch = std::get_if<Fetch>(&command)) return fetch->uid;
  if (const auto* store = std::get_if<Store>(&command)) return store->uid;
  if (const auto* search = std::get_if<Search>(&command)) return search->uid;
  if (const auto* sort = std::get_if<Sort>(&command)) return sort->uid;
  if (const auto* thread = std::get_if<Thread>(&command)) return thread->uid;
  return true;
}

}  // namespace ringpost::imap
