#include "ringpost/imap/response_writer.hpp"

#include <array>

#include <fmt/compile.h>
#include <fmt/format.h>

#include "line_text.hpp"

namespace ringpost::imap {

namespace {

void append_number(std::uint64_t number, std::string& out) {
  fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), number);
}

void append_numbers(std::span<const std::uint32_t> numbers, std::string& out) {
  for (const std::uint32_t number : numbers) {
    out += ' ';
    append_number(number, out);
  }
}

// Numbers in an order of their own, as ESORT wants them: runs that rise by one become ranges.
void append_in_order(std::span<const std::uint32_t> numbers, std::string& out) {
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i + 1;
    while (end < numbers.size() && numbers[end] - numbers[end - 1] == 1) ++end;
    if (i != 0) out += ',';
    append_number(numbers[i], out);
    if (end - i > 1) {
      out += ':';
      append_number(numbers[end - 1], out);
    }
    i = end;
  }
}

void append_results(const EsearchResult& result, std::string& out) {
  if (result.all != nullptr)
    append_set(*result.all, out);
  else
    append_in_order(result.all_in_order, out);
}

void append_page(const Page& page, std::string& out) {
  const std::string_view sign = page.from_end ? "-" : "";
  fmt::format_to(std::back_inserter(out), FMT_COMPILE(" PARTIAL ({}{}:{}{} "), sign, page.from, sign,
                 page.to);
}

}  // namespace

void append_status(std::string_view tag, const StatusResponse& response, std::string& out) {
  out.append(tag).append(" ").append(to_string(response.condition)).append(" ");
  if (!response.code.empty()) {
    out += '[';
    append_line_text(response.code, out);
    out += "] ";
  }
  append_line_text(response.text.empty() ? "Done" : response.text, out);
  out += "\r\n";
}

void append_line_text(std::string_view text, std::string& out) {
  for (const char c : text) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

void ResponseWriter::status(const StatusResponse& response) {
  append_status("*", response, out_);
}

void ResponseWriter::exists(std::uint32_t count) {
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE("* {} EXISTS\r\n"), count);
}

void ResponseWriter::recent(std::uint32_t count) {
  if (!dialect_.tells_recent()) return;
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE("* {} RECENT\r\n"), count);
}

void ResponseWriter::expunge(std::uint32_t number) {
  fmt::format_to(std::back_inserter(out_), FMT_COMPILE("* {} EXPUNGE\r\n"), number);
}

void ResponseWriter::vanished(const NumberSet& uids, bool earlier) {
  if (uids.empty()) return;
  out_ += earlier ? "* VANISHED (EARLIER) " : "* VANISHED ";
  append_set(uids, out_);
  out_ += "\r\n";
}

void ResponseWriter::flags(std::string_view flags) {
  out_.append("* FLAGS (").append(flags).append(")\r\n");
}

void ResponseWriter::search(std::span<const std::uint32_t> numbers,
                            std::optional<std::uint64_t> mod_sequence) {
  out_ += "* SEARCH";
  append_numbers(numbers, out_);
  if (mod_sequence) fmt::format_to(std::back_inserter(out_), FMT_COMPILE(" (MODSEQ {})"), *mod_sequence);
  out_ += "\r\n";
}

void ResponseWriter::sort(std::span<const std::uint32_t> numbers, std::optional<std::uint64_t> mod_sequence) {
  out_ += "* SORT";
  append_numbers(numbers, out_);
  if (mod_sequence) fmt::format_to(std::back_inserter(out_), FMT_COMPILE(" (MODSEQ {})"), *mod_sequence);
  out_ += "\r\n";
}

void ResponseWriter::esearch(const EsearchResult& result) {
  const auto item = [&](std::string_view name, std::uint64_t value) {
    out_.append(" ").append(name).append(" ");
    append_number(value, out_);
  };
  out_ += "* ESEARCH";
  if (!result.tag.empty()) {
    out_ += " (TAG ";
    append_string(result.tag, false, out_);
    out_ += ')';
  }
  if (result.uid) out_ += " UID";
  if (result.min) item("MIN", *result.min);
  if (result.max) item("MAX", *result.max);
  if (result.count) item("COUNT", *result.count);
  const bool any = (result.all != nullptr && !result.all->empty()) || !result.all_in_order.empty();
  if (result.partial) {
    append_page(*result.partial, out_);
    append_results(result, out_);
    out_ += any ? ")" : "NIL)";
  } else if (any) {
    out_ += " ALL ";
    append_results(result, out_);
  }
  if (result.mod_sequence) item("MODSEQ", *result.mod_sequence);
  out_ += "\r\n";
}

void ResponseWriter::list_as(std::string_view name, const ListEntry& entry) {
  out_.append("* ").append(name).append(" (");
  append_attributes(entry.attributes, out_);
  out_ += ") ";
  if (entry.separator == 0)
    out_ += "NIL";
  else
    append_string({&entry.separator, 1}, false, out_);
  out_ += ' ';
  append_mailbox(entry.name, dialect_, out_);
}

void ResponseWriter::list(const ListEntry& entry) {
  list_as("LIST", entry);
  const bool renamed = !entry.old_name.empty();
  if (entry.child_info_subscribed || renamed) {
    out_ += " (";
    if (entry.child_info_subscribed) out_ += "\"CHILDINFO\" (\"SUBSCRIBED\")";
    if (renamed) {
      out_ += entry.child_info_subscribed ? " \"OLDNAME\" (" : "\"OLDNAME\" (";
      append_mailbox(entry.old_name, dialect_, out_);
      out_ += ')';
    }
    out_ += ')';
  }
  out_ += "\r\n";
}

void ResponseWriter::lsub(const ListEntry& entry) {
  list_as("LSUB", entry);
  out_ += "\r\n";
}

void ResponseWriter::status_of(std::string_view mailbox, const StatusValues& values) {
  struct Number {
    std::uint16_t bit;
    std::string_view name;
    std::uint64_t value;
  };
  const std::array<Number, 9> numbers{
      {{StatusItems::kMessages, "MESSAGES", values.messages},
       {StatusItems::kUidNext, "UIDNEXT", values.uid_next},
       {StatusItems::kUidValidity, "UIDVALIDITY", values.uid_validity},
       {StatusItems::kUnseen, "UNSEEN", values.unseen},
       {StatusItems::kRecent, "RECENT", values.recent},
       {StatusItems::kDeleted, "DELETED", values.deleted},
       {StatusItems::kSize, "SIZE", values.size},
       {StatusItems::kHighestModSeq, "HIGHESTMODSEQ", values.highest_mod_sequence},
       {StatusItems::kDeletedStorage, "DELETED-STORAGE", values.deleted_storage}}};
  out_ += "* STATUS ";
  append_mailbox(mailbox, dialect_, out_);
  out_ += " (";
  const std::size_t begin = out_.size();
  for (const Number& one : numbers)
    if (values.items.has(one.bit))
      fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{} {} "), one.name, one.value);
  if (values.items.has(StatusItems::kAppendLimit)) {
    out_ += "APPENDLIMIT ";
    out_ += values.append_limit ? fmt::format("{} ", *values.append_limit) : "NIL ";
  }
  if (values.items.has(StatusItems::kMailboxId))
    out_.append("MAILBOXID (").append(values.mailbox_id).append(") ");
  if (out_.size() > begin) out_.pop_back();
  out_ += ")\r\n";
}

void ResponseWriter::namespaces(std::string_view personal, char separator, std::string_view other) {
  const auto one = [&](std::string_view prefix) {
    out_ += " ((";
    append_mailbox(prefix, dialect_, out_);
    out_ += ' ';
    append_string({&separator, 1}, false, out_);
    out_ += "))";
  };
  out_ += "* NAMESPACE";
  one(personal);
  if (other.empty())
    out_ += " NIL";
  else
    one(other);
  out_ += " NIL\r\n";
}

void ResponseWriter::quota(std::string_view root, std::span<const QuotaUsage> usages) {
  out_ += "* QUOTA ";
  append_astring(root, dialect_.utf8_strings(), out_);
  out_ += " (";
  bool first = true;
  for (const QuotaUsage& one : usages) {
    if (!first) out_ += ' ';
    first = false;
    fmt::format_to(std::back_inserter(out_), FMT_COMPILE("{} {} {}"), one.resource, one.usage, one.limit);
  }
  out_ += ")\r\n";
}

void ResponseWriter::quota_root(std::string_view mailbox, std::span<const std::string_view> roots) {
  out_ += "* QUOTAROOT ";
  append_mailbox(mailbox, dialect_, out_);
  for (const std::string_view root : roots) {
    out_ += ' ';
    append_astring(root, dialect_.utf8_strings(), out_);
  }
  out_ += "\r\n";
}

void ResponseWriter::acl(std::string_view mailbox, std::span<const AclEntry> entries) {
  out_ += "* ACL ";
  append_mailbox(mailbox, dialect_, out_);
  for (const AclEntry& entry : entries) {
    out_ += ' ';
    append_astring(entry.identifier, dialect_.utf8_strings(), out_);
    out_ += ' ';
    append_astring(entry.rights, dialect_.utf8_strings(), out_);
  }
  out_ += "\r\n";
}

void ResponseWriter::list_rights(std::string_view mailbox, std::string_view identifier,
                                 std::string_view required, std::span<const std::string_view> optional) {
  out_ += "* LISTRIGHTS ";
  append_mailbox(mailbox, dialect_, out_);
  out_ += ' ';
  append_astring(identifier, dialect_.utf8_strings(), out_);
  out_ += ' ';
  append_astring(required, dialect_.utf8_strings(), out_);
  for (const std::string_view group : optional) out_.append(" ").append(group);
  out_ += "\r\n";
}

void ResponseWriter::my_rights(std::string_view mailbox, std::string_view rights) {
  out_ += "* MYRIGHTS ";
  append_mailbox(mailbox, dialect_, out_);
  out_ += ' ';
  append_astring(rights, dialect_.utf8_strings(), out_);
  out_ += "\r\n";
}

// A value may be binary: then it is a literal8.
void ResponseWriter::metadata(std::string_view mailbox, std::span<const MetadataEntry> entries) {
  out_ += "* METADATA ";
  append_mailbox(mailbox, dialect_, out_);
  char before = '(';
  for (const MetadataEntry& entry : entries) {
    out_ += before == '(' ? " (" : " ";
    before = ' ';
    append_astring(entry.name, dialect_.utf8_strings(), out_);
    out_ += ' ';
    append_nstring(entry.value, dialect_.utf8_strings(), out_);
  }
  out_ += ")\r\n";
}

void ResponseWriter::metadata_changed(std::string_view mailbox, std::span<const std::string> names) {
  out_ += "* METADATA ";
  append_mailbox(mailbox, dialect_, out_);
  for (const std::string& name : names) {
    out_ += ' ';
    append_astring(name, dialect_.utf8_strings(), out_);
  }
  out_ += "\r\n";
}

void ResponseWriter::untagged(std::string_view text) {
  out_.append("* ").append(text).append("\r\n");
}

}  // namespace ringpost::imap
