// GETMETADATA and SETMETADATA (RFC 5464).
#include <algorithm>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

bool is_entry_char(char c) {
  return !is_control(c) && !is_eight_bit(c) && c != '*' && c != '%';
}

// "/private/a/b": at least two levels, and four in the room of a vendor. As a place to look below, the first level is enough.
bool is_entry(std::string_view name, bool place) {
  if (name.size() > kMetadataNameBytesMax || name.find("//") != std::string_view::npos || name.ends_with('/'))
    return false;
  if (!std::ranges::all_of(name, is_entry_char)) return false;
  for (const std::string_view scope : {"/private", "/shared"}) {
    if (!name.starts_with(scope)) continue;
    const std::string_view rest = name.substr(scope.size());
    if (rest.empty()) return place;
    if (!rest.starts_with('/')) return false;
    const bool of_vendor = rest == "/vendor" || rest.starts_with("/vendor/");
    return place || !of_vendor || std::ranges::count(name, '/') >= 4;
  }
  return false;
}

// Case does not matter: small letters in the house.
bool entry(Cursor& in, bool place, std::string& name) {
  if (!in.astring(name)) return false;
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return is_entry(name, place) || in.fail("that is no name of an entry");
}

// "": of the server.
bool metadata_mailbox(Cursor& in, const Parsing& parsing, std::string& mailbox) {
  if (!in.skip_empty_string()) return in.mailbox(parsing.dialect.utf8_names(), mailbox);
  mailbox.clear();
  return true;
}

bool depth(Cursor& in, GetMetadata& get) {
  if (in.skip_word("0"))
    get.depth = GetMetadata::Depth::entry;
  else if (in.skip_word("1"))
    get.depth = GetMetadata::Depth::children;
  else if (in.skip_word("infinity"))
    get.depth = GetMetadata::Depth::all;
  else
    return in.fail("DEPTH is 0, 1 or infinity");
  return true;
}

bool option(Cursor& in, GetMetadata& get) {
  if (in.skip_word("MAXSIZE")) return in.space() && in.number(get.value_size_max.emplace());
  if (in.skip_word("DEPTH")) return in.space() && depth(in, get);
  return in.fail("GETMETADATA has no such option");
}

// A list that begins with a word, and not with an entry.
bool has_options(const Cursor& in) {
  const std::string_view rest = in.rest();
  return rest.size() > 1 && rest[0] == '(' && is_letter(rest[1]);
}

bool one_entry(Cursor& in, GetMetadata& get) {
  if (get.entries.size() == kMetadataEntriesMax) return in.fail("too many entries");
  return entry(in, true, get.entries.emplace_back());
}

bool entry_value(Cursor& in, SetMetadata& set) {
  if (set.entries.size() == kMetadataEntriesMax) return in.fail("too many entries");
  MetadataEntry& one = set.entries.emplace_back();
  return entry(in, false, one.name) && in.space() && in.nstring(one.value);
}

}  // namespace

// The options stand before the mailbox in the grammar, and behind it in the examples.
bool parse_get_metadata(Cursor& in, Parsing& out) {
  GetMetadata get;
  const auto options = [&] { return in.list([&] { return option(in, get); }) && in.space(); };
  if (!in.space() || (has_options(in) && !options())) return false;
  if (!metadata_mailbox(in, out, get.mailbox) || !in.space() || (has_options(in) && !options())) return false;
  const bool read = in.peek() == '(' ? in.list([&] { return one_entry(in, get); }) : one_entry(in, get);
  if (!read) return false;
  out.command = std::move(get);
  return in.end();
}

bool parse_set_metadata(Cursor& in, Parsing& out) {
  SetMetadata set;
  if (!in.space() || !metadata_mailbox(in, out, set.mailbox) || !in.space() ||
      !in.list([&] { return entry_value(in, set); }))
    return false;
  out.command = std::move(set);
  return in.end();
}

}  // namespace ringpost::imap
