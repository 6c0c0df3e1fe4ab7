// LIST with its selection and return options (RFC 5258), and LSUB.
#include "ringpost/imap/limits.hpp"
#include "ringpost/imap/mailbox_name.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

// A reference or a pattern: any of them may be empty, and a pattern may break an encoded word in two.
bool to_name(Cursor& in, const Parsing& parsing, std::string wire, std::string& out) {
  for (const char c : wire)
    if (is_control(c)) return in.fail("that is no name of a mailbox");
  if (parsing.dialect.utf8_names() || mail::has_eight_bit(wire)) {
    out = std::move(wire);
  } else {
    auto name = decode_modified_utf7(wire);
    out = name ? *std::move(name) : std::move(wire);
  }
  return out.size() <= kMailboxNameBytesMax || in.fail("a name is too long");
}

bool reference(Cursor& in, const Parsing& parsing, std::string& out) {
  std::string wire;
  return in.astring(wire) && to_name(in, parsing, std::move(wire), out);
}

bool pattern(Cursor& in, const Parsing& parsing, List& list) {
  std::string wire(in.take_while(is_list_char));
  if (wire.empty() && !in.string(wire)) return false;
  if (list.patterns.size() == kListPatternsMax) return in.fail("too many patterns");
  return to_name(in, parsing, std::move(wire), list.patterns.emplace_back());
}

bool selection_option(Cursor& in, const Parsing& parsing, List& list) {
  if (in.skip_word("SUBSCRIBED")) {
    list.select_subscribed = true;
  } else if (in.skip_word("REMOTE")) {
    list.select_remote = true;
  } else if (in.skip_word("RECURSIVEMATCH")) {
    list.select_recursive_match = true;
  } else if (parsing.offers(Capability::special_use) && in.skip_word("SPECIAL-USE")) {
    list.select_special_use = true;
  } else {
    return in.fail("LIST has no such selection option");
  }
  return true;
}

bool return_option(Cursor& in, Parsing& parsing, List& list) {
  if (in.skip_word("SUBSCRIBED")) {
    list.return_subscribed = true;
  } else if (in.skip_word("CHILDREN")) {
    list.return_children = true;
  } else if (parsing.offers(Capability::special_use) && in.skip_word("SPECIAL-USE")) {
    list.return_special_use = true;
  } else if (parsing.offers(Capability::list_status) && in.skip_word("STATUS")) {
    return in.space() && read_status_items(in, parsing, list.return_status);
  } else if (parsing.offers(Capability::list_my_rights) && in.skip_word("MYRIGHTS")) {
    list.return_my_rights = true;
  } else {
    return in.fail("LIST has no such return option");
  }
  return true;
}

}  // namespace

bool parse_list(Cursor& in, Parsing& out) {
  List list;
  const bool extended = out.offers(Capability::list_extended);
  if (!in.space()) return false;
  if (extended && in.peek() == '(') {
    list.extended = true;
    if (!in.list([&] { return selection_option(in, out, list); }, true) || !in.space()) return false;
    if (list.select_recursive_match && !list.select_subscribed && !list.select_special_use)
      return in.fail("RECURSIVEMATCH does not stand alone");
  }
  if (!reference(in, out, list.reference) || !in.space()) return false;
  if (extended && in.peek() == '(') {
    list.extended = true;
    if (!in.list([&] { return pattern(in, out, list); })) return false;
  } else if (!pattern(in, out, list)) {
    return false;
  }
  if (extended && in.skip(' ') && !in.at_end()) {
    list.extended = true;
    if (!in.skip_word("RETURN")) return in.fail("RETURN is missing");
    if (!in.space() || !in.list([&] { return return_option(in, out, list); }, true)) return false;
  }
  // Who selects by it gets told of it (RFC 5258 section 3.1).
  list.return_subscribed = list.return_subscribed || list.select_subscribed;
  list.return_special_use = list.return_special_use || list.select_special_use;
  out.command = std::move(list);
  return in.end();
}

bool parse_lsub(Cursor& in, Parsing& out) {
  List list{.lsub = true};
  if (!in.space() || !reference(in, out, list.reference) || !in.space() || !pattern(in, out, list) ||
      !in.end())
    return false;
  out.command = std::move(list);
  return true;
}

}  // namespace ringpost::imap
