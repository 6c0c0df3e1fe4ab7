#include "ringpost/store/mailbox.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "ringpost/base/assert.hpp"

#include "text.hpp"

namespace ringpost::store {

namespace {

constexpr std::array<std::pair<SpecialUse, std::string_view>, 8> kSpecialUses{{
    {SpecialUse::all, "\\All"},
    {SpecialUse::archive, "\\Archive"},
    {SpecialUse::drafts, "\\Drafts"},
    {SpecialUse::flagged, "\\Flagged"},
    {SpecialUse::junk, "\\Junk"},
    {SpecialUse::sent, "\\Sent"},
    {SpecialUse::trash, "\\Trash"},
    {SpecialUse::important, "\\Important"},
}};

}  // namespace

std::string_view to_string(SpecialUse use) {
  for (const auto& [each, name] : kSpecialUses)
    if (each == use) return name;
  return "";
}

std::optional<SpecialUse> parse_special_use(std::string_view text) {
  for (const auto& [use, name] : kSpecialUses)
    if (same_letters(name, text)) return use;
  return std::nullopt;
}

std::size_t Mailbox::lower_bound(Uid uid) const {
  return static_cast<std::size_t>(std::ranges::lower_bound(messages_, uid, {}, &Message::uid) -
                                  messages_.begin());
}

const Message* Mailbox::find(Uid uid) const {
  const std::size_t at = lower_bound(uid);
  return at < messages_.size() && messages_[at].uid == uid ? &messages_[at] : nullptr;
}

std::optional<std::size_t> Mailbox::first_unseen() const {
  if (unseen_ == 0) return std::nullopt;
  const auto from = messages_.begin() + static_cast<std::ptrdiff_t>(lower_bound(seen_below_));
  const auto found =
      std::find_if(from, messages_.end(), [](const Message& m) { return !has(m.flags, Flags::seen); });
  RP_ASSERT(found != messages_.end());
  seen_below_ = found->uid;
  return static_cast<std::size_t>(found - messages_.begin());
}

std::optional<unsigned> Mailbox::keyword(std::string_view name) const {
  for (std::size_t bit = 0; bit < keywords_.size(); ++bit)
    if (same_letters(keywords_[bit], name)) return static_cast<unsigned>(bit);
  return std::nullopt;
}

UidSet Mailbox::vanished(ModSeq since, const UidSet& among) const {
  UidSet gone;
  const auto add_part = [&](Uid first, Uid last) {
    for (const UidRange& range : among.ranges()) {
      const Uid from = std::max(first, range.first);
      const Uid to = std::min(last, range.last);
      if (from <= to) gone.add({from, to});
    }
  };
  if (since >= vanished_since_) {
    const auto from = std::ranges::upper_bound(gone_, since, {}, &Gone::modseq);
    for (auto each = from; each != gone_.end(); ++each) add_part(each->uids.first, each->uids.last);
    return gone;
  }
  Uid next{1};
  for (const Message& message : messages_) {
    if (next < message.uid) add_part(next, {message.uid.value - 1});
    next = {message.uid.value + 1};
  }
  if (next < uid_next_) add_part(next, {uid_next_.value - 1});
  return gone;
}

}  // namespace ringpost::store
