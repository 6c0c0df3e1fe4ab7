#include "ringpost/imap/status_response.hpp"

#include <fmt/format.h>

namespace ringpost::imap {

std::string_view to_string(Condition condition) {
  switch (condition) {
    case Condition::ok:
      return "OK";
    case Condition::no:
      return "NO";
    case Condition::bad:
      break;
  }
  return "BAD";
}

namespace codes {

std::string append_uid(std::uint32_t validity, const NumberSet& uids) {
  return fmt::format("APPENDUID {} {}", validity, to_string(uids));
}
std::string copy_uid(std::uint32_t validity, const NumberSet& from, const NumberSet& to) {
  return fmt::format("COPYUID {} {} {}", validity, to_string(from), to_string(to));
}
std::string highest_mod_sequence(std::uint64_t value) {
  return fmt::format("HIGHESTMODSEQ {}", value);
}
std::string modified(const NumberSet& set) {
  return fmt::format("MODIFIED {}", to_string(set));
}
std::string uid_next(std::uint32_t uid) {
  return fmt::format("UIDNEXT {}", uid);
}
std::string uid_validity(std::uint32_t value) {
  return fmt::format("UIDVALIDITY {}", value);
}
std::string unseen(std::uint32_t number) {
  return fmt::format("UNSEEN {}", number);
}
std::string mailbox_id(std::string_view id) {
  return fmt::format("MAILBOXID ({})", id);
}
std::string permanent_flags(std::string_view flags) {
  return fmt::format("PERMANENTFLAGS ({})", flags);
}
std::string metadata_long_entries(std::uint64_t size) {
  return fmt::format("METADATA LONGENTRIES {}", size);
}
std::string metadata_max_size(std::uint64_t size) {
  return fmt::format("METADATA MAXSIZE {}", size);
}
// A tag has no quotes and no backslashes, but may have the bracket that ends the code.
std::string in_progress(std::string_view tag, std::uint64_t done, std::uint64_t goal) {
  const bool sayable = !tag.empty() && tag.find(']') == std::string_view::npos;
  return fmt::format("INPROGRESS ({} {} {})", sayable ? fmt::format("\"{}\"", tag) : "NIL", done, goal);
}
// ICU knows hundreds: these are what clients ask.
std::string bad_charset() {
  return "BADCHARSET (UTF-8 US-ASCII)";
}

}  // namespace codes

}  // namespace ringpost::imap
