#include "read_ahead.hpp"

#include <algorithm>

#include "ringpost/store/limits.hpp"

#include "account.hpp"

namespace ringpost::store {

// One record to be read, and for whom.
struct ReadAhead::Wanted {
  journal::Location where;
  std::uint64_t id = 0;
  bool is_facts = false;
};

std::optional<ReadAhead::Found> ReadAhead::find(BlobId id) {
  for (auto window = windows_.begin(); window != windows_.end(); ++window) {
    const auto entry = std::ranges::lower_bound(window->entries, id.value, {}, &Entry::id);
    if (entry == window->entries.end() || entry->id != id.value) continue;
    window->used = core_.now();
    if (window != windows_.begin()) windows_.splice(windows_.begin(), windows_, window);
    return Found{window->memory, entry->mail, entry->facts};
  }
  return std::nullopt;
}

// Their records, by place: all in one segment, from the first message's on, and within the span.
std::vector<ReadAhead::Wanted> ReadAhead::near(std::span<const Message> next) const {
  std::vector<Wanted> wanted;
  const Blob* const first = blobs_.find(next.front().blob);
  if (first == nullptr || first->chunked || !first->mail) return wanted;
  std::uint64_t begin = first->mail.offset;
  if (first->facts && first->facts.segment == first->mail.segment)
    begin = std::min<std::uint64_t>(begin, first->facts.offset);
  const auto fits = [&](journal::Location where) {
    return where && where.segment == first->mail.segment && where.offset >= begin &&
           std::uint64_t{where.offset} + where.size <= begin + kReadAheadSpan;
  };
  for (const Message& message : next.first(std::min(next.size(), kReadAheadMessages))) {
    const Blob* const blob = blobs_.find(message.blob);
    if (blob != nullptr && blob->mail.segment == first->mail.segment &&
        blob->mail.offset > begin + kReadAheadSpan)
      break;  // those behind it lie further on, as a rule
    if (blob == nullptr || blob->chunked || !fits(blob->mail) || (blob->facts && !fits(blob->facts)))
      continue;
    wanted.push_back({blob->mail, message.blob.value, false});
    if (blob->facts) wanted.push_back({blob->facts, message.blob.value, true});
  }
  std::ranges::sort(wanted, {}, [](const Wanted& one) { return one.where.offset; });
  const auto again = std::ranges::unique(wanted, {}, [](const Wanted& one) { return one.where.offset; });
  wanted.erase(again.begin(), again.end());  // one body may stand in a mailbox twice
  return wanted;
}

Task<void> ReadAhead::fill(journal::Log& log, std::span<const Message> next) {
  const std::vector<Wanted> wanted = near(next);
  if (std::ranges::count(wanted, false, &Wanted::is_facts) < 2) co_return;
  std::vector<journal::Location> places;
  Window window;
  for (const Wanted& one : wanted) {
    places.push_back(one.where);
    if (!one.is_facts) window.entries.push_back({.id = one.id});
  }
  std::ranges::sort(window.entries, {}, &Entry::id);
  auto read = co_await log.read_near(std::move(places));
  if (!read) co_return;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    Entry& entry = *std::ranges::lower_bound(window.entries, wanted[i].id, {}, &Entry::id);
    (wanted[i].is_facts ? entry.facts : entry.mail) = read->payloads[i];
    // Only what came whole: facts that are missing would look like none.
    if (wanted[i].is_facts) entry.facts_missing = read->payloads[i].data() == nullptr;
  }
  std::erase_if(window.entries, [](const Entry& entry) { return entry.mail.empty() || entry.facts_missing; });
  figures_.read_ahead.add(window.entries.size());
  figures_.read_ahead_bytes.add(static_cast<std::int64_t>(read->size));
  window.memory = std::move(read->memory);
  window.size = read->size;
  window.used = core_.now();
  windows_.push_front(std::move(window));
  if (windows_.size() > kReadAheadWindows) drop_last();
}

void ReadAhead::forget_old() {
  while (!windows_.empty() && windows_.back().used + kReadAheadKept < core_.now()) drop_last();
}

// A content that was made of it keeps the bytes for as long as it lives.
void ReadAhead::drop_last() {
  figures_.read_ahead_bytes.add(-static_cast<std::int64_t>(windows_.back().size));
  windows_.pop_back();
}

// ---- the order of reading

std::span<const Message> ReadingOrder::upcoming(const Account& account, BlobId blob) {
  if (const Mailbox* const box = account.find(mailbox_); box != nullptr && follow(box->messages(), blob))
    return advanced_ > 0 ? box->messages().subspan(index_) : std::span<const Message>();
  // It has gone elsewhere. Mail that came one by one has rising ids; where it has not, it is read one by one.
  for (const auto& [id, box] : account.mailboxes()) {
    const auto messages = box->messages();
    const auto found =
        std::ranges::lower_bound(messages, blob.value, {}, [](const Message& one) { return one.blob.value; });
    if (found == messages.end() || found->blob != blob) continue;
    mailbox_ = {id};
    index_ = static_cast<std::size_t>(found - messages.begin());
    advanced_ = 0;
    break;
  }
  return {};
}

// True when it is the message where he was, or one soon after it.
bool ReadingOrder::follow(std::span<const Message> messages, BlobId blob) {
  const std::size_t end = std::min(messages.size(), index_ + 1 + kReadAheadSkipped + 1);
  for (std::size_t i = index_; i < end; ++i) {
    if (messages[i].blob != blob) continue;
    if (i > index_) ++advanced_;
    index_ = i;
    return true;
  }
  return false;
}

}  // namespace ringpost::store
