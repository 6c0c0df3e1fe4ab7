// EXPUNGE, STORE, COPY and MOVE.
#include <algorithm>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

bool one_flag(Cursor& in, FlagList& flags, std::size_t& count) {
  const std::string_view name =
      in.take_while([](char c) { return is_atom_char(c) || c == '\\' || c == ']'; });
  if (++count > kFlagsMax) return in.fail("too many flags");
  if (name.starts_with('\\')) {
    const auto bit = find_system_flag(name);
    if (!bit || *bit == SystemFlags::kRecent) return in.fail("there is no such flag to set");
    flags.system.bits |= *bit;
    return true;
  }
  if (!is_keyword(name)) return in.fail("that is no keyword");
  const auto same = [&](const std::string& one) { return mail::equal_ignoring_case(one, name); };
  if (std::ranges::none_of(flags.keywords, same)) flags.keywords.emplace_back(name);
  return true;
}

bool copy_or_move(Cursor& in, Parsing& out, bool move) {
  Copy copy{.uid = out.uid, .move = move};
  if (!out.may_number(in) || !in.space() || !in.set(copy.set) || !in.space() ||
      !in.mailbox(out.dialect.utf8_names(), copy.mailbox) || !in.end())
    return false;
  out.command = std::move(copy);
  return true;
}

bool store_modifier(Cursor& in, Store& store) {
  if (!in.skip_word("UNCHANGEDSINCE")) return in.fail("STORE has no such modifier");
  return in.space() && in.number(store.unchanged_since.emplace());
}

bool store_mode(Cursor& in, Store& store) {
  if (in.skip('+'))
    store.mode = Store::Mode::add;
  else if (in.skip('-'))
    store.mode = Store::Mode::remove;
  if (in.skip_word("FLAGS.SILENT"))
    store.silent = true;
  else if (!in.skip_word("FLAGS"))
    return in.fail("STORE changes FLAGS only");
  return true;
}

}  // namespace

bool read_flags(Cursor& in, FlagList& flags) {
  std::size_t count = 0;
  return in.list([&] { return one_flag(in, flags, count); }, true);
}

bool parse_expunge(Cursor& in, Parsing& out) {
  Expunge expunge;
  if (out.uid) {
    if (!out.offers(Capability::uidplus)) return in.fail("no such command");
    if (!in.space() || !in.set(expunge.uids.emplace())) return false;
  }
  out.command = std::move(expunge);
  return in.end();
}

bool parse_store(Cursor& in, Parsing& out) {
  Store store{.uid = out.uid};
  if (!out.may_number(in) || !in.space() || !in.set(store.set) || !in.space()) return false;
  if (out.offers(Capability::condstore) && in.peek() == '(') {
    if (!in.list([&] { return store_modifier(in, store); }) || !in.space()) return false;
    out.uses_condstore = true;
  }
  if (!store_mode(in, store) || !in.space()) return false;
  if (in.peek() == '(') {
    if (!read_flags(in, store.flags)) return false;
  } else {
    std::size_t count = 0;
    do {
      if (!one_flag(in, store.flags, count)) return false;
    } while (in.skip(' '));
  }
  out.command = std::move(store);
  return in.end();
}

bool parse_copy(Cursor& in, Parsing& out) {
  return copy_or_move(in, out, false);
}

bool parse_move(Cursor& in, Parsing& out) {
  return copy_or_move(in, out, true);
}

}  // namespace ringpost::imap
