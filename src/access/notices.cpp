#include "notices.hpp"

#include <algorithm>

#include "ringpost/access/limits.hpp"

namespace ringpost::access {

namespace {

using imap::NotifyEvents;
using Where = imap::NotifyGroup::Where;
using What = store::Happened::What;

std::string_view parent_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

bool is_at_or_below(std::string_view name, std::string_view top) {
  return name.starts_with(top) && (name.size() == top.size() || name[top.size()] == '/');
}

// What cannot be easily said of an inbox by whom mail is delivered counts as personal (RFC 5465 section 6.3): rules may file anywhere.
bool covers(const imap::NotifyGroup& group, std::string_view name, bool subscribed) {
  switch (group.where) {
    case Where::selected:
    case Where::selected_delayed:
      return false;
    case Where::inboxes:
    case Where::personal:
      return true;
    case Where::subscribed:
      return subscribed;
    case Where::subtree:
      return std::ranges::any_of(group.mailboxes,
                                 [&](const std::string& top) { return is_at_or_below(name, top); });
    case Where::mailboxes:
      return std::ranges::find(group.mailboxes, name) != group.mailboxes.end();
  }
  return false;
}

}  // namespace

// ---- what is wanted

Notices::OfSelected Notices::of_selected() const {
  for (const imap::NotifyGroup& group : wanted_.groups)
    if (group.of_selected())
      return {.messages = group.events.has(NotifyEvents::kMessageNew),
              .flags = group.events.has(NotifyEvents::kFlagChange),
              .at_once = group.where == Where::selected};
  return {};
}

NotifyEvents Notices::events_of(std::string_view name, bool subscribed) const {
  NotifyEvents events;
  for (const imap::NotifyGroup& group : wanted_.groups)
    if (covers(group, name, subscribed)) events.bits |= group.events.bits;
  return events;
}

// ---- what has happened

// Of something new to note. False: that is too much.
bool Notices::take_place() {
  if (overflow_) return false;
  if (++size_ <= kNoticesMax) return true;
  overflow_ = true;
  news_ = {};
  size_ = 0;
  return false;
}

void Notices::note_name(std::string_view name, std::string_view old_name) {
  Name one{std::string(name), std::string(old_name)};
  if (std::ranges::find(news_.names, one) != news_.names.end()) return;
  if (take_place()) news_.names.push_back(std::move(one));
}

void Notices::note_made_or_gone(std::string_view name) {
  for (const std::string_view one : {name, parent_of(name)})
    if (!one.empty() && events_of(one).has(NotifyEvents::kMailboxName)) note_name(one);
}

void Notices::happened(const store::Happened& event) {
  if (overflow_) return;
  const auto messages = [&]() -> Messages* {
    const auto there = news_.messages.find(event.mailbox);
    if (there != news_.messages.end()) return &there->second;
    return take_place() ? &news_.messages[event.mailbox] : nullptr;
  };
  switch (event.what) {
    case What::messages_added:
      if (events_of(event.name).has(NotifyEvents::kMessageNew))
        if (Messages* noted = messages()) noted->added += event.messages;
      break;
    case What::messages_gone:
      if (events_of(event.name).has(NotifyEvents::kMessageExpunge))
        if (Messages* noted = messages()) noted->gone += event.messages;
      break;
    case What::flags_changed:
      if (events_of(event.name).has(NotifyEvents::kFlagChange))
        if (Messages* noted = messages()) noted->flags = true;
      break;
    case What::mailbox_made:
      note_made_or_gone(event.name);
      break;
    case What::mailbox_gone:
      size_ -= news_.messages.erase(event.mailbox);
      if (const auto entries = news_.entries.find(event.mailbox); entries != news_.entries.end()) {
        size_ -= entries->second.size();
        news_.entries.erase(entries);
      }
      note_made_or_gone(event.name);
      break;
    case What::mailbox_renamed:
      if (events_of(event.name).has(NotifyEvents::kMailboxName) ||
          events_of(event.old_name).has(NotifyEvents::kMailboxName))
        note_name(event.name, event.old_name);
      break;
    case What::subscribed:
      // Who watches what is subscribed hears of the end of it too.
      if (events_of(event.name, true).has(NotifyEvents::kSubscriptionChange)) note_name(event.name);
      break;
    case What::annotated: {
      const bool wanted = event.mailbox
                              ? events_of(event.name).has(NotifyEvents::kMailboxMetadataChange)
                              : std::ranges::any_of(wanted_.groups, [](const imap::NotifyGroup& group) {
                                  return group.events.has(NotifyEvents::kServerMetadataChange);
                                });
      if (!wanted) break;
      const auto there = news_.entries.find(event.mailbox);
      const std::string entry(event.entry);
      if (there != news_.entries.end() && there->second.contains(entry)) break;
      if (take_place()) news_.entries[event.mailbox].insert(entry);
      break;
    }
  }
  if (pending()) listener_.changed();
}

Notices::News Notices::take(store::MailboxId selected) {
  News taken = std::exchange(news_, {});
  size_ = 0;
  taken.overflow = overflow_;
  taken.messages.erase(selected);
  return taken;
}

// ---- what the client has done itself

void Notices::forget_added(store::MailboxId mailbox, std::size_t messages) {
  const auto there = news_.messages.find(mailbox);
  if (there == news_.messages.end()) return;
  Messages& noted = there->second;
  noted.added -= std::min(noted.added, messages);
  if (noted.added != 0 || noted.gone != 0 || noted.flags) return;
  news_.messages.erase(there);
  --size_;
}

void Notices::forget_name(std::string_view name) {
  for (; !name.empty(); name = parent_of(name))
    size_ -= std::erase_if(news_.names, [&](const Name& one) { return one.name == name; });
}

void Notices::forget_entry(store::MailboxId mailbox, const std::string& entry) {
  const auto there = news_.entries.find(mailbox);
  if (there == news_.entries.end()) return;
  size_ -= there->second.erase(entry);
  if (there->second.empty()) news_.entries.erase(there);
}

}  // namespace ringpost::access
