#include "reader_rights.hpp"

#include <algorithm>

#include "answer.hpp"
#include "message_parts.hpp"

namespace ringpost::access {

using store::Flags;
using store::Right;
using store::Rights;
using How = store::FlagChange::How;

store::Rights rights_of(const store::UserMail& owner, store::MailboxId mailbox, std::string_view reader) {
  if (owner.name() == reader) return Rights::all();
  return store::rights_of(owner.access_list(mailbox), reader);
}

std::unexpected<store::Failure> no_mailbox() {
  return std::unexpected(
      store::Failure{store::Refused::no_mailbox, {ErrorKind::permanent, 0, Answer::no_mailbox().text}});
}

std::unexpected<store::Failure> not_allowed(std::string text) {
  return std::unexpected(
      store::Failure{store::Refused::not_allowed, {ErrorKind::permanent, 0, std::move(text)}});
}

store::Outcome<> may(const store::UserMail& owner, store::MailboxId mailbox, Rights needed,
                     std::string_view reader) {
  const Rights rights = owner.find(mailbox) == nullptr ? Rights{} : rights_of(owner, mailbox, reader);
  if (rights.has_all(needed)) return {};
  if (rights.has(Right::lookup)) return not_allowed();
  return no_mailbox();
}

store::May still_may(const store::UserMail& owner, store::MailboxId mailbox, Rights needed,
                     std::string_view reader) {
  if (owner.name() == reader) return {};
  return [&owner, mailbox, needed, reader] { return may(owner, mailbox, needed, reader); };
}

bool only_reads(Rights rights) {
  return !rights.has_any(Right::seen | Right::write | Right::trash | Right::insert | Right::expunge);
}

Flags changeable_flags(Rights rights) {
  Flags flags = Flags::none;
  if (rights.has(Right::seen)) flags = flags | Flags::seen;
  if (rights.has(Right::trash)) flags = flags | Flags::deleted;
  if (rights.has(Right::write)) flags = flags | Flags::answered | Flags::flagged | Flags::draft;
  return flags;
}

Rights rights_for(const store::FlagChange& change) {
  if (change.how == How::replace) return Right::seen | Right::write | Right::trash;
  Rights needed;
  if (has(change.flags, Flags::seen)) needed = needed | Right::seen;
  if (has(change.flags, Flags::deleted)) needed = needed | Right::trash;
  const bool others = (change.flags & ~(Flags::seen | Flags::deleted)) != Flags::none;
  if (others || !change.keywords.empty()) needed = needed | Right::write;
  return needed;
}

Flags allowed(Flags flags, Rights rights) {
  return flags & changeable_flags(rights);
}

std::vector<std::string> allowed(std::vector<std::string> keywords, Rights rights) {
  if (!rights.has(Right::write)) keywords.clear();
  return keywords;
}

namespace {

// Of the flags that may be changed: first the others go, then those that are wanted come. In this order a crash between the two
// has taken too much away, and the client sets it again.
std::vector<store::FlagChange> replace_some(const store::FlagChange& wanted, Rights rights,
                                            std::span<const std::string> known) {
  store::FlagChange away{.how = How::remove,
                         .flags = changeable_flags(rights) & ~wanted.flags,
                         .keywords = {},
                         .unchanged_since = wanted.unchanged_since};
  if (rights.has(Right::write))
    for (const std::string& name : known)
      if (std::ranges::none_of(wanted.keywords, [&](const std::string& one) { return same_word(one, name); }))
        away.keywords.push_back(name);
  store::FlagChange come{.how = How::add,
                         .flags = allowed(wanted.flags, rights),
                         .keywords = allowed(wanted.keywords, rights),
                         .unchanged_since = std::nullopt};
  return {std::move(away), std::move(come)};
}

}  // namespace

std::optional<std::vector<store::FlagChange>> allowed(const store::FlagChange& wanted, Rights rights,
                                                      std::span<const std::string> known) {
  if (rights.has_all(Right::seen | Right::write | Right::trash)) return std::vector{wanted};
  if (changeable_flags(rights) == Flags::none) return std::nullopt;
  if (wanted.how == How::replace) return replace_some(wanted, rights, known);
  store::FlagChange some = wanted;
  some.flags = allowed(wanted.flags, rights);
  some.keywords = allowed(wanted.keywords, rights);
  const bool nothing = some.flags == Flags::none && some.keywords.empty();
  if (nothing && (wanted.flags != Flags::none || !wanted.keywords.empty())) return std::nullopt;
  return std::vector{std::move(some)};
}

}  // namespace ringpost::access
