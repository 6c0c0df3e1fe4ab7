#include "selection.hpp"

#include <algorithm>

namespace ringpost::access {

Selection::Selection(store::UserMail& user, const store::Mailbox& mailbox, bool only_reads,
                     store::Listener& listener)
    : read_only(only_reads), view_(user, mailbox.id(), &listener), recent_from_(mailbox.recent_from()) {
  if (!only_reads) recent_from_ = view_.take_recent();
}

std::uint32_t Selection::recent() const {
  const store::Mailbox& box = *mailbox();
  return static_cast<std::uint32_t>(box.lower_bound(view_.end()) - box.lower_bound(recent_from_));
}

std::uint32_t Selection::highest_uid() const {
  const std::size_t count = view_.exists();
  return count == 0 ? 0 : view_.uid_at(count).value;
}

std::optional<store::UidSet> Selection::resolve(const imap::SequenceSet& set, bool uids) const {
  if (set.saved()) return saved;
  if (uids) return to_store(set.resolve(highest_uid()));
  const auto count = static_cast<std::uint32_t>(view_.exists());
  const imap::NumberSet numbers = set.resolve(count);
  if (!numbers.empty() && numbers.last() > count) return std::nullopt;
  store::UidSet found;
  for (const imap::NumberRange& range : numbers.ranges()) {
    const store::UidSet between = view_.uids_between(range.first, range.last);
    for (const store::UidRange& part : between.ranges()) found.append(part);
  }
  return found;
}

const store::Message* Selection::next(const store::UidSet& set, store::Uid from) const {
  const store::Mailbox& box = *mailbox();
  const auto messages = box.messages();
  const auto ranges = set.ranges();
  auto range = std::ranges::lower_bound(ranges, from, {}, &store::UidRange::last);
  std::size_t i = box.lower_bound(from);
  while (range != ranges.end() && i < messages.size() && messages[i].uid < view_.end()) {
    if (messages[i].uid < range->first)
      i = box.lower_bound(range->first);
    else if (messages[i].uid > range->last)
      ++range;
    else
      return &messages[i];
  }
  return nullptr;
}

store::UidSet Selection::page(const store::UidSet& set, const imap::Page& page) const {
  std::vector<store::Uid> there;
  for_each(set, [&](const store::Message& message) { there.push_back(message.uid); });
  const imap::Page::Span span = page.of(there.size());
  store::UidSet found;
  for (std::size_t i = span.begin; i < span.end; ++i) found.append(there[i]);
  return found;
}

imap::SystemFlags Selection::flags_of(const store::Message& message, const imap::Dialect& dialect) const {
  imap::SystemFlags flags = to_imap(message.flags);
  if (dialect.tells_recent() && message.uid >= recent_from_)
    flags.bits = static_cast<std::uint8_t>(flags.bits | imap::SystemFlags::kRecent);
  return flags;
}

std::string Selection::flag_names() const {
  std::vector<std::string_view> keywords;
  for (const std::string& name : mailbox()->keywords()) keywords.emplace_back(name);
  std::string names;
  imap::append_flags({imap::SystemFlags::kSettable}, keywords, names);
  return names;
}

std::optional<imap::MessageName> Selection::name_of(store::Uid uid) const {
  const std::size_t number = view_.sequence_of(uid);
  if (number == 0) return std::nullopt;
  return imap::MessageName{.number = static_cast<std::uint32_t>(number), .uid = uid.value};
}

void Selection::tell_flags(imap::ResponseWriter respond, const imap::Dialect& dialect,
                           const store::Message& message, bool with_uid) const {
  const auto name = name_of(message.uid);
  if (!name) return;
  auto fetch = respond.fetch(*name);
  if ((with_uid || dialect.qresync) && !dialect.uid_only) fetch.uid(message.uid.value);
  fetch.flags(flags_of(message, dialect), keywords_of(*mailbox(), message.keywords));
  if (dialect.condstore) fetch.mod_sequence(message.modseq.value);
  fetch.end();
}

void Selection::tell(imap::ResponseWriter respond, const imap::Dialect& dialect, bool expunges,
                     const store::UidSet& known) {
  if (!view_.pending()) return;
  const store::View::News news = view_.take(expunges);
  if (news.mailbox_gone) return;
  if (dialect.tells_vanished())
    respond.vanished(to_imap(news.vanished), false);
  else
    for (const std::size_t number : news.expunged) respond.expunge(static_cast<std::uint32_t>(number));
  if (news.exists) {
    respond.exists(static_cast<std::uint32_t>(*news.exists));
    if (!read_only) recent_from_ = std::min(recent_from_, view_.take_recent());
    respond.recent(recent());
  }
  if (news.keywords) respond.flags(flag_names());
  for (const store::Uid uid : news.changed)
    if (const store::Message* message = known.contains(uid) ? nullptr : mailbox()->find(uid))
      tell_flags(respond, dialect, *message, dialect.rev2);
}

}  // namespace ringpost::access
