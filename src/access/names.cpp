#include "names.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ringpost::access {

namespace {

constexpr std::array<std::pair<std::uint8_t, store::Flags>, 5> kFlags{{
    {imap::SystemFlags::kAnswered, store::Flags::answered},
    {imap::SystemFlags::kFlagged, store::Flags::flagged},
    {imap::SystemFlags::kDeleted, store::Flags::deleted},
    {imap::SystemFlags::kSeen, store::Flags::seen},
    {imap::SystemFlags::kDraft, store::Flags::draft},
}};

constexpr std::array<std::pair<std::uint8_t, store::SpecialUse>, 8> kUses{{
    {imap::SpecialUses::kAll, store::SpecialUse::all},
    {imap::SpecialUses::kArchive, store::SpecialUse::archive},
    {imap::SpecialUses::kDrafts, store::SpecialUse::drafts},
    {imap::SpecialUses::kFlagged, store::SpecialUse::flagged},
    {imap::SpecialUses::kJunk, store::SpecialUse::junk},
    {imap::SpecialUses::kSent, store::SpecialUse::sent},
    {imap::SpecialUses::kTrash, store::SpecialUse::trash},
    {imap::SpecialUses::kImportant, store::SpecialUse::important},
}};

}  // namespace

std::string canonical_user(std::string_view login) {
  std::string name(login);
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

store::Flags to_store(imap::SystemFlags flags) {
  store::Flags all = store::Flags::none;
  for (const auto& [bit, flag] : kFlags)
    if (flags.has(bit)) all = all | flag;
  return all;
}

imap::SystemFlags to_imap(store::Flags flags) {
  imap::SystemFlags all;
  for (const auto& [bit, flag] : kFlags)
    if (has(flags, flag)) all.bits = static_cast<std::uint8_t>(all.bits | bit);
  return all;
}

std::vector<std::string_view> keywords_of(const store::Mailbox& mailbox, store::KeywordBits bits) {
  std::vector<std::string_view> names;
  const auto known = mailbox.keywords();
  for (std::size_t bit = 0; bit < known.size(); ++bit)
    if ((bits >> bit & 1U) != 0) names.emplace_back(known[bit]);
  return names;
}

store::UidSet to_store(const imap::NumberSet& uids) {
  store::UidSet set;
  for (const imap::NumberRange& range : uids.ranges())
    set.append(store::UidRange{{range.first}, {range.last}});
  return set;
}

imap::NumberSet to_imap(const store::UidSet& uids) {
  imap::NumberSet set;
  for (const store::UidRange& range : uids.ranges())
    set.add(imap::NumberRange{range.first.value, range.last.value});
  return set;
}

std::uint8_t to_imap(store::SpecialUse use) {
  for (const auto& [bit, known] : kUses)
    if (known == use) return bit;
  return 0;
}

store::SpecialUse to_store(imap::SpecialUses uses) {
  for (const auto& [bit, known] : kUses)
    if ((uses.bits & bit) != 0) return known;
  return store::SpecialUse::none;
}

imap::StatusResponse refusal(const store::Failure& failure, std::string_view no_mailbox_code) {
  using store::Refused;
  const auto code = [&]() -> std::string_view {
    switch (failure.why) {
      case Refused::none:
        return imap::codes::kUnavailable;  // a full disk too: it may have room later
      case Refused::no_mailbox:
        return no_mailbox_code;
      case Refused::gone:
        return imap::codes::kNonExistent;
      case Refused::exists:
        return imap::codes::kAlreadyExists;
      case Refused::bad_name:
      case Refused::inbox:
      case Refused::uids_given:
        return imap::codes::kCannot;
      case Refused::has_children:
        return imap::codes::kHasChildren;
      case Refused::over_quota:
        return imap::codes::kOverQuota;
      case Refused::limit:
        return imap::codes::kLimit;
      case Refused::too_large:
        return imap::codes::kTooBig;
      case Refused::not_allowed:
        return imap::codes::kNoPerm;
    }
    return imap::codes::kServerBug;
  };
  return {imap::Condition::no, code(), failure.error.text};
}

}  // namespace ringpost::access
