// What stands before the message of an APPEND or REPLACE (RFC 9051 section 6.3.12, RFC 3502, RFC 6855 section 4, RFC 8508).
#include "ringpost/imap/limits.hpp"

#include "command_table.hpp"

namespace ringpost::imap {

namespace {

AppendHead broken(Cursor& in, std::string_view why) {
  in.fail(why);
  return AppendHead::broken;
}

}  // namespace

AppendHead read_append_mailbox(Cursor& in, const Parsing& parsing, bool replace, AppendMessage& message) {
  if (!in.space()) return AppendHead::broken;
  if (replace) {
    if (!parsing.may_number(in)) return AppendHead::broken;
    if (!in.one_of_set(message.replaces.emplace().message) || !in.space()) return AppendHead::broken;
    message.replaces->uid = parsing.uid;
  }
  const auto literal = find_literal_head(in.rest());
  if (literal && literal->offset == 0) return AppendHead::name;
  return in.mailbox(parsing.dialect.utf8_names(), message.mailbox) ? AppendHead::message : AppendHead::broken;
}

AppendHead read_append_message(Cursor& in, const Parsing& parsing, AppendMessage& message) {
  if (!in.space()) return AppendHead::broken;
  if (in.peek() == '(' && (!read_flags(in, message.flags) || !in.space())) return AppendHead::broken;
  if (in.peek() == '"' &&
      (!read_date_time(in, message.internal_date.emplace(), message.zone_minutes) || !in.space()))
    return AppendHead::broken;
  if (parsing.offers(Capability::restore) && !message.replaces && in.skip_word("X-RINGPOST-UID") &&
      (!in.space() || !in.number32(message.uid, false) || !in.space()))
    return AppendHead::broken;
  if (in.skip_word("UTF8")) {
    if (!parsing.dialect.utf8_accept) return broken(in, "UTF8=ACCEPT is not enabled");
    message.utf8 = true;
    if (!in.space() || !in.expect('(')) return AppendHead::broken;
  }
  const auto literal = find_literal_head(in.rest());
  if (!literal || literal->offset != 0) return broken(in, "the message is missing");
  if (literal->binary && !message.utf8 && !parsing.offers(Capability::binary))
    return broken(in, "BINARY is not offered");
  if (message.utf8 && !literal->binary) return broken(in, "UTF8 takes a literal8");
  message.size = literal->size;
  message.binary = literal->binary;
  return AppendHead::message;
}

}  // namespace ringpost::imap
