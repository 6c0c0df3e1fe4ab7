#include "annotations.hpp"

#include "store_state.hpp"

namespace ringpost::store {

const AnnotationMap& Annotations::of(MailboxId mailbox) const {
  static const AnnotationMap kNone;
  const auto found = entries_.find(mailbox.value);
  return found == entries_.end() ? kNone : found->second;
}

void Annotations::set(MailboxId mailbox, std::string_view name, std::string_view value) {
  remove(mailbox, name);
  entries_[mailbox.value].emplace(name, value);
  bytes_ += name.size() + value.size();
}

void Annotations::remove(MailboxId mailbox, std::string_view name) {
  const auto box = entries_.find(mailbox.value);
  if (box == entries_.end()) return;
  const auto found = box->second.find(name);
  if (found == box->second.end()) return;
  bytes_ -= found->first.size() + found->second.size();
  box->second.erase(found);
  if (box->second.empty()) entries_.erase(box);
}

void Annotations::drop(MailboxId mailbox) {
  for (const auto& [name, value] : of(mailbox)) bytes_ -= name.size() + value.size();
  entries_.erase(mailbox.value);
}

void Annotations::clear() {
  entries_.clear();
  bytes_ = 0;
}

void Annotations::write(Writer& to) const {
  to.put(static_cast<std::uint64_t>(entries_.size()));
  for (const auto& [mailbox, entries] : entries_) {
    to.put(InMailbox{.mailbox = mailbox, .value = static_cast<std::uint32_t>(entries.size())});
    for (const auto& [name, value] : entries) {
      to.put_text(name);
      to.put_text(value);
    }
  }
}

bool Annotations::read(Reader& from) {
  const auto mailboxes = from.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < mailboxes && from.good(); ++i) {
    const auto in = from.get<InMailbox>();
    for (std::uint32_t k = 0; k < in.value && from.good(); ++k) {
      const std::string_view name = from.get_text();
      const std::string_view value = from.get_text();
      if (from.good()) set({in.mailbox}, name, value);
    }
  }
  return from.good();
}

// ---- of a user

const AnnotationMap& User::annotations(MailboxId of) const {
  return account->annotations().of(of);
}

namespace {

// What the mailbox would have, and all of them together.
struct Sum {
  std::size_t entries = 0;
  std::uint64_t bytes = 0;
};

void count(Sum& sum, const AnnotationMap& there, const Annotation& one) {
  const auto old = there.find(one.name);
  if (old != there.end()) {
    --sum.entries;
    sum.bytes -= old->first.size() + old->second.size();
  }
  if (!one.value) return;
  ++sum.entries;
  sum.bytes += one.name.size() + one.value->size();
}

bool is_last_of_its_name(std::span<const Annotation> entries, std::size_t at) {
  for (std::size_t i = at + 1; i < entries.size(); ++i)
    if (entries[i].name == entries[at].name) return false;
  return true;
}

}  // namespace

Task<Outcome<>> User::annotate(MailboxId on, std::span<const Annotation> entries, May may) {
  const auto self = shared_from_this();
  for (const Annotation& each : entries)
    if (each.name.empty() || each.name.size() > kAnnotationNameMax ||
        (each.value && each.value->size() > kAnnotationSizeMax))
      co_return refused(Refused::too_large, "a value is too large");
  const auto turn = co_await take_turn();
  const auto build = [&](Batch& batch) -> Outcome<> {
    const Mailbox* box = account->find(on);
    if (on && (box == nullptr || Account::is_going(*box)))
      return refused(Refused::no_mailbox, "no such mailbox");
    const AnnotationMap& there = account->annotations().of(on);
    Sum sum{there.size(), account->annotations().bytes()};
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Annotation& each = entries[i];
      if (!is_last_of_its_name(entries, i)) continue;
      count(sum, there, each);
      if (!each.value && !there.contains(each.name)) continue;
      batch.add(Operation::annotated, each.value ? 1 : 0,
                InMailbox{on.value, static_cast<std::uint32_t>(each.name.size())},
                std::string_view(each.name), std::string_view(each.value ? *each.value : ""));
    }
    const bool more = sum.entries > there.size() || sum.bytes > account->annotations().bytes();
    if (more && sum.entries > kAnnotationsMax)
      return refused(Refused::limit, "too many entries on one mailbox");
    if (more && sum.bytes > kAnnotationBytesMax)
      return refused(Refused::over_quota, "the entries of all mailboxes are too large together");
    return {};
  };
  co_return co_await store.write({.user = self, .build = build, .blobs = nullptr, .may = &may});
}

// With a mailbox that gets the mail of another and its notes too.
void User::copy_annotations(Batch& batch, MailboxId from, MailboxId to) const {
  for (const auto& [name, value] : account->annotations().of(from))
    batch.add(Operation::annotated, 1, InMailbox{to.value, static_cast<std::uint32_t>(name.size())},
              std::string_view(name), std::string_view(value));
}

bool Account::annotate(std::uint8_t how, Reader& body) {
  const auto said = body.get<InMailbox>();
  const auto bytes = body.get_bytes(said.value);
  const std::string_view name(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const MailboxId mailbox{said.mailbox};
  if (name.empty() || how > 1 || (mailbox && find(mailbox) == nullptr)) return false;
  if (how == 0)
    annotations_.remove(mailbox, name);
  else
    annotations_.set(mailbox, name, body.rest_text());
  const Mailbox* box = find(mailbox);
  watchers_.tell({.what = Happened::What::annotated,
                  .mailbox = mailbox,
                  .name = box == nullptr ? std::string_view{} : box->name(),
                  .entry = name});
  return true;
}

}  // namespace ringpost::store
