// NOTIFY (RFC 5465 section 8).
#include <algorithm>
#include <array>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "command_table.hpp"

namespace ringpost::imap {

namespace {

using Where = NotifyGroup::Where;

struct EventName {
  std::string_view name;
  std::uint8_t bit;
};
constexpr std::array<EventName, 7> kEvents{{{"MessageNew", NotifyEvents::kMessageNew},
                                            {"MessageExpunge", NotifyEvents::kMessageExpunge},
                                            {"FlagChange", NotifyEvents::kFlagChange},
                                            {"MailboxName", NotifyEvents::kMailboxName},
                                            {"SubscriptionChange", NotifyEvents::kSubscriptionChange},
                                            {"MailboxMetadataChange", NotifyEvents::kMailboxMetadataChange},
                                            {"ServerMetadataChange", NotifyEvents::kServerMetadataChange}}};

// All of kEvents.
constexpr StatusResponse kBadEvent{Condition::no,
                                   "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName "
                                   "SubscriptionChange MailboxMetadataChange ServerMetadataChange)",
                                   "there is no such event"};

class NotifyReader {
 public:
  NotifyReader(Cursor& in, Parsing& out) : in_(in), out_(out) {}

  bool read() {
    if (!in_.space()) return false;
    if (!in_.skip_word("NONE")) {
      notify_.on = true;
      if (!in_.skip_word("SET")) return in_.fail("NOTIFY is SET or NONE");
      if (!in_.space()) return false;
      notify_.status = in_.skip_word("STATUS");
      if (notify_.status && !in_.space()) return false;
      do {
        if (!group()) return false;
      } while (in_.skip(' '));
    }
    out_.command = std::move(notify_);
    return in_.end();
  }

 private:
  bool group() {
    if (notify_.groups.size() == kNotifyGroupsMax) return too_much();
    NotifyGroup& group = notify_.groups.emplace_back();
    return in_.expect('(') && where(group) && in_.space() && events(group) && in_.expect(')') &&
           sensible(group);
  }

  bool where(NotifyGroup& group) {
    struct Name {
      std::string_view name;
      Where where;
      bool with_mailboxes = false;
    };
    constexpr std::array<Name, 7> kNames{{{"SELECTED-DELAYED", Where::selected_delayed},
                                          {"SELECTED", Where::selected},
                                          {"INBOXES", Where::inboxes},
                                          {"PERSONAL", Where::personal},
                                          {"SUBSCRIBED", Where::subscribed},
                                          {"SUBTREE", Where::subtree, true},
                                          {"MAILBOXES", Where::mailboxes, true}}};
    for (const Name& one : kNames) {
      if (!in_.skip_word(one.name)) continue;
      group.where = one.where;
      return !one.with_mailboxes || (in_.space() && mailboxes(group));
    }
    return in_.fail("NOTIFY has no such mailboxes");
  }

  bool mailboxes(NotifyGroup& group) {
    return in_.peek() == '(' ? in_.list([&] { return mailbox(group); }) : mailbox(group);
  }

  bool mailbox(NotifyGroup& group) {
    if (++mailboxes_ > kNotifyMailboxesMax) return too_much();
    return in_.mailbox(out_.dialect.utf8_names(), group.mailboxes.emplace_back());
  }

  bool events(NotifyGroup& group) {
    if (in_.skip_word("NONE")) return true;
    return in_.list([&] { return event(group); });
  }

  bool event(NotifyGroup& group) {
    std::string_view name;
    if (!in_.atom(name)) return false;
    const auto found = std::ranges::find_if(
        kEvents, [&](const EventName& one) { return mail::equal_ignoring_case(one.name, name); });
    if (found == kEvents.end()) return in_.fail(kBadEvent);
    group.events.bits |= found->bit;
    if (found->bit != NotifyEvents::kMessageNew || !in_.rest().starts_with(" (")) return true;
    if (!group.of_selected()) return in_.fail("only of the selected mailbox messages can be fetched");
    in_.skip(' ');
    return read_fetch_items(in_, out_, notify_.fetch);
  }

  // RFC 5465 section 5 and 6.1: what must be asked together, and where.
  bool sensible(const NotifyGroup& group) {
    const NotifyEvents events = group.events;
    if (events.has(NotifyEvents::kMessageNew) != events.has(NotifyEvents::kMessageExpunge))
      return in_.fail("MessageNew and MessageExpunge go together");
    if (events.has(NotifyEvents::kFlagChange) && !events.has(NotifyEvents::kMessageNew))
      return in_.fail("FlagChange needs MessageNew and MessageExpunge");
    if (!group.of_selected()) return true;
    if ((events.bits & ~NotifyEvents::kOfMessages) != 0)
      return in_.fail("the selected mailbox has events of messages only");
    if (std::exchange(selected_, true)) return in_.fail("the selected mailbox is named twice");
    return true;
  }

  bool too_much() {
    return in_.fail({Condition::no, codes::kNotificationOverflow, "that is too much to watch"});
  }

  Cursor& in_;
  Parsing& out_;
  Notify notify_;
  std::size_t mailboxes_ = 0;
  bool selected_ = false;
};

}  // namespace

bool parse_notify(Cursor& in, Parsing& out) {
  return NotifyReader(in, out).read();
}

}  // namespace ringpost::imap
