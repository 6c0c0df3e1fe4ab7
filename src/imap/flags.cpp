#include "ringpost/imap/flags.hpp"

#include <algorithm>
#include <array>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"

namespace ringpost::imap {

namespace {

struct Named {
  std::string_view name;
  std::uint8_t bit;
};
constexpr std::array<Named, 6> kSystemFlags{{{"\\Answered", SystemFlags::kAnswered},
                                             {"\\Flagged", SystemFlags::kFlagged},
                                             {"\\Deleted", SystemFlags::kDeleted},
                                             {"\\Seen", SystemFlags::kSeen},
                                             {"\\Draft", SystemFlags::kDraft},
                                             {"\\Recent", SystemFlags::kRecent}}};
constexpr std::array<Named, 8> kSpecialUses{{{"\\All", SpecialUses::kAll},
                                             {"\\Archive", SpecialUses::kArchive},
                                             {"\\Drafts", SpecialUses::kDrafts},
                                             {"\\Flagged", SpecialUses::kFlagged},
                                             {"\\Junk", SpecialUses::kJunk},
                                             {"\\Sent", SpecialUses::kSent},
                                             {"\\Trash", SpecialUses::kTrash},
                                             {"\\Important", SpecialUses::kImportant}}};

std::optional<std::uint8_t> find(std::span<const Named> table, std::string_view name) {
  for (const Named& one : table)
    if (mail::equal_ignoring_case(one.name, name)) return one.bit;
  return std::nullopt;
}

void append_word(std::string_view word, bool& first, std::string& out) {
  if (!first) out += ' ';
  first = false;
  out += word;
}

void append_bits(std::span<const Named> table, std::uint8_t bits, bool& first, std::string& out) {
  for (const Named& one : table)
    if ((bits & one.bit) != 0) append_word(one.name, first, out);
}

}  // namespace

std::optional<std::uint8_t> find_system_flag(std::string_view name) {
  return find(kSystemFlags, name);
}

std::optional<std::uint8_t> find_special_use(std::string_view name) {
  return find(kSpecialUses, name);
}

bool is_keyword(std::string_view name) {
  return !name.empty() && name.size() <= kKeywordBytesMax && std::ranges::all_of(name, is_atom_char);
}

void append_flags(SystemFlags system, std::span<const std::string_view> keywords, std::string& out) {
  bool first = true;
  append_bits(kSystemFlags, system.bits, first, out);
  for (const std::string_view keyword : keywords) append_word(keyword, first, out);
}

void append_attributes(const MailboxAttributes& attributes, std::string& out) {
  struct Said {
    bool holds;
    std::string_view name;
  };
  const std::array<Said, 9> said{{{attributes.non_existent, "\\NonExistent"},
                                  {attributes.no_select, "\\Noselect"},
                                  {attributes.no_inferiors, "\\NoInferiors"},
                                  {attributes.has_children, "\\HasChildren"},
                                  {attributes.has_no_children, "\\HasNoChildren"},
                                  {attributes.marked, "\\Marked"},
                                  {attributes.unmarked, "\\Unmarked"},
                                  {attributes.subscribed, "\\Subscribed"},
                                  {attributes.remote, "\\Remote"}}};
  bool first = true;
  for (const Said& one : said)
    if (one.holds) append_word(one.name, first, out);
  append_bits(kSpecialUses, attributes.special_uses.bits, first, out);
}

}  // namespace ringpost::imap
