// SELECT, CREATE, STATUS, QUOTA and their like.
#include <algorithm>
#include <array>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

bool argument(Cursor& in, const Parsing& parsing, std::string& mailbox) {
  return in.space() && in.mailbox(parsing.dialect.utf8_names(), mailbox);
}

bool whole_argument(Cursor& in, const Parsing& parsing, std::string& mailbox) {
  return argument(in, parsing, mailbox) && in.end();
}

// SP "(" sequence-set SP uid-set ")": what the client knows of numbers and UIDs.
bool match_data(Cursor& in, const Parsing& parsing, Qresync& qresync) {
  if (!parsing.may_number(in)) return false;
  const bool read = in.expect('(') && in.known_set(qresync.match_numbers) && in.space() &&
                    in.known_set(qresync.match_uids) && in.expect(')');
  if (!read) return false;
  return qresync.match_numbers.count() == qresync.match_uids.count() ||
         in.fail("QRESYNC: numbers and UIDs do not pair up");
}

bool qresync_parameters(Cursor& in, const Parsing& parsing, Qresync& qresync) {
  if (!in.space() || !in.expect('(') || !in.number32(qresync.uid_validity, false) || !in.space() ||
      !in.number(qresync.mod_sequence))
    return false;
  if (in.skip(' ')) {
    if (in.peek() != '(') {
      qresync.known_uids.emplace();
      if (!in.known_set(*qresync.known_uids)) return false;
      if (in.skip(' ') && !match_data(in, parsing, qresync)) return false;
    } else if (!match_data(in, parsing, qresync)) {
      return false;
    }
  }
  return in.expect(')');
}

bool select_parameter(Cursor& in, Parsing& out, Select& select) {
  if (out.offers(Capability::condstore) && in.skip_word("CONDSTORE")) {
    select.condstore = true;
    return true;
  }
  if (out.offers(Capability::qresync) && in.skip_word("QRESYNC")) {
    if (!out.dialect.qresync) return in.fail("QRESYNC is not enabled");
    return qresync_parameters(in, out, select.qresync.emplace());
  }
  return in.fail("SELECT has no such parameter");
}

bool select_or_examine(Cursor& in, Parsing& out, bool read_only) {
  Select select{.read_only = read_only};
  if (!argument(in, out, select.mailbox)) return false;
  if (in.skip(' ') && !in.at_end() && !in.list([&] { return select_parameter(in, out, select); }))
    return false;
  out.uses_condstore = select.condstore || select.qresync;
  select.condstore = select.condstore || out.dialect.condstore;
  out.command = std::move(select);
  return in.end();
}

bool special_use(Cursor& in, SpecialUses& uses) {
  const std::string_view name = in.take_while([](char c) { return is_atom_char(c) || c == '\\'; });
  const auto bit = find_special_use(name);
  if (!bit) return in.fail({Condition::no, codes::kUseAttr, "no such use of a mailbox"});
  uses.bits |= *bit;
  return true;
}

bool create_parameter(Cursor& in, Parsing& out, Create& create) {
  if (!out.offers(Capability::create_special_use) || !in.skip_word("USE"))
    return in.fail("CREATE has no such parameter");
  return in.space() && in.list([&] { return special_use(in, create.special_uses); }, true);
}

struct StatusName {
  std::string_view name;
  std::uint16_t bit;
  std::optional<Capability> capability;
};
constexpr std::array<StatusName, 11> kStatusNames{
    {{"MESSAGES", StatusItems::kMessages, {}},
     {"UIDNEXT", StatusItems::kUidNext, {}},
     {"UIDVALIDITY", StatusItems::kUidValidity, {}},
     {"UNSEEN", StatusItems::kUnseen, {}},
     {"RECENT", StatusItems::kRecent, {}},
     {"DELETED", StatusItems::kDeleted, {}},
     {"SIZE", StatusItems::kSize, Capability::status_size},
     {"HIGHESTMODSEQ", StatusItems::kHighestModSeq, Capability::condstore},
     {"APPENDLIMIT", StatusItems::kAppendLimit, Capability::append_limit},
     {"MAILBOXID", StatusItems::kMailboxId, Capability::object_id},
     {"DELETED-STORAGE", StatusItems::kDeletedStorage, Capability::quota}}};

bool status_item(Cursor& in, Parsing& out, StatusItems& items) {
  std::string_view name;
  if (!in.atom(name)) return false;
  const auto found = std::ranges::find_if(
      kStatusNames, [&](const StatusName& one) { return mail::equal_ignoring_case(one.name, name); });
  if (found == kStatusNames.end() || (found->capability && !out.offers(*found->capability)))
    return in.fail("STATUS has no such item");
  items.bits |= found->bit;
  out.uses_condstore = out.uses_condstore || found->bit == StatusItems::kHighestModSeq;
  return true;
}

bool subscribe_or_not(Cursor& in, Parsing& out, bool subscribe) {
  Subscribe made{.subscribe = subscribe};
  if (!whole_argument(in, out, made.mailbox)) return false;
  out.command = std::move(made);
  return true;
}

bool quota_limit(Cursor& in, SetQuota& quota) {
  std::string_view resource;
  QuotaLimit limit;
  if (!in.atom(resource) || !in.space() || !in.number(limit.limit)) return false;
  if (quota.limits.size() == kQuotaLimitsMax) return in.fail("too many limits");
  for (const char c : resource) limit.resource += to_upper(c);
  quota.limits.push_back(std::move(limit));
  return true;
}

}  // namespace

bool parse_select(Cursor& in, Parsing& out) {
  return select_or_examine(in, out, false);
}

bool parse_examine(Cursor& in, Parsing& out) {
  return select_or_examine(in, out, true);
}

bool parse_create(Cursor& in, Parsing& out) {
  Create create;
  if (!argument(in, out, create.mailbox)) return false;
  if (create.mailbox.ends_with('/') && create.mailbox.size() > 1) {
    create.mailbox.pop_back();
    create.only_parent = true;
  }
  if (in.skip(' ') && !in.at_end() && !in.list([&] { return create_parameter(in, out, create); }))
    return false;
  out.command = std::move(create);
  return in.end();
}

bool parse_delete(Cursor& in, Parsing& out) {
  Delete made;
  if (!whole_argument(in, out, made.mailbox)) return false;
  out.command = std::move(made);
  return true;
}

bool parse_rename(Cursor& in, Parsing& out) {
  Rename rename;
  if (!argument(in, out, rename.from) || !whole_argument(in, out, rename.to)) return false;
  out.command = std::move(rename);
  return true;
}

bool parse_subscribe(Cursor& in, Parsing& out) {
  return subscribe_or_not(in, out, true);
}

bool parse_unsubscribe(Cursor& in, Parsing& out) {
  return subscribe_or_not(in, out, false);
}

bool read_status_items(Cursor& in, Parsing& out, StatusItems& items) {
  return in.list([&] { return status_item(in, out, items); });
}

bool parse_status(Cursor& in, Parsing& out) {
  Status status;
  if (!argument(in, out, status.mailbox) || !in.space() || !read_status_items(in, out, status.items) ||
      !in.end())
    return false;
  out.command = std::move(status);
  return true;
}

// SP mailbox SP uidvalidity SP uidnext
bool parse_number(Cursor& in, Parsing& out) {
  Number number;
  if (!argument(in, out, number.mailbox) || !in.space() || !in.number32(number.uid_validity, false) ||
      !in.space() || !in.number32(number.uid_next, false))
    return false;
  out.command = std::move(number);
  return in.end();
}

bool parse_get_quota(Cursor& in, Parsing& out) {
  GetQuota quota;
  if (!in.space() || !in.astring(quota.root) || !in.end()) return false;
  out.command = std::move(quota);
  return true;
}

bool parse_get_quota_root(Cursor& in, Parsing& out) {
  GetQuotaRoot quota;
  if (!whole_argument(in, out, quota.mailbox)) return false;
  out.command = std::move(quota);
  return true;
}

bool parse_set_quota(Cursor& in, Parsing& out) {
  SetQuota quota;
  if (!in.space() || !in.astring(quota.root) || !in.space() ||
      !in.list([&] { return quota_limit(in, quota); }, true) || !in.end())
    return false;
  out.command = std::move(quota);
  return true;
}

}  // namespace ringpost::imap
