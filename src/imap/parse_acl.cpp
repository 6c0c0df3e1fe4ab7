// SETACL and its like (RFC 4314).
#include <algorithm>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

constexpr std::string_view kRightLetters = "lrswipkxtecda";

bool mailbox_argument(Cursor& in, const Parsing& parsing, std::string& mailbox) {
  return in.space() && in.mailbox(parsing.dialect.utf8_names(), mailbox);
}

// Which names there are is not known here.
bool identifier(Cursor& in, std::string& name) {
  if (!in.space() || !in.astring(name)) return false;
  const bool none = name.empty() || name == "-" || name.size() > kIdentifierBytesMax;
  if (none || std::ranges::any_of(name, is_control) || !mail::is_utf8(name))
    return in.fail("that is no identifier of an access list");
  return true;
}

bool rights(Cursor& in, SetAcl& set) {
  std::string text;
  if (!in.space() || !in.astring(text)) return false;
  std::string_view letters = text;
  if (letters.starts_with('+') || letters.starts_with('-')) {
    set.how = letters.front() == '+' ? SetAcl::How::add : SetAcl::How::remove;
    letters.remove_prefix(1);
  }
  if (letters.find_first_not_of(kRightLetters) != std::string_view::npos)
    return in.fail("there is no such right");
  set.rights = letters;
  return true;
}

template <class Made>
bool of_mailbox(Cursor& in, Parsing& out) {
  Made made;
  if (!mailbox_argument(in, out, made.mailbox) || !in.end()) return false;
  out.command = std::move(made);
  return true;
}

template <class Made>
bool of_identifier(Cursor& in, Parsing& out) {
  Made made;
  if (!mailbox_argument(in, out, made.mailbox) || !identifier(in, made.identifier) || !in.end()) return false;
  out.command = std::move(made);
  return true;
}

}  // namespace

bool parse_get_acl(Cursor& in, Parsing& out) {
  return of_mailbox<GetAcl>(in, out);
}

bool parse_my_rights(Cursor& in, Parsing& out) {
  return of_mailbox<MyRights>(in, out);
}

bool parse_delete_acl(Cursor& in, Parsing& out) {
  return of_identifier<DeleteAcl>(in, out);
}

bool parse_list_rights(Cursor& in, Parsing& out) {
  return of_identifier<ListRights>(in, out);
}

bool parse_set_acl(Cursor& in, Parsing& out) {
  SetAcl set;
  if (!mailbox_argument(in, out, set.mailbox) || !identifier(in, set.identifier) || !rights(in, set) ||
      !in.end())
    return false;
  out.command = std::move(set);
  return true;
}

}  // namespace ringpost::imap
