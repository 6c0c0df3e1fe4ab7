#include "ringpost/migrate/move.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "ringpost/migrate/limits.hpp"

namespace ringpost::migrate {

namespace {

// How often each message is there. One that is found is used up: of two equal ones in the source two must be here.
using Known = std::unordered_map<std::string, std::size_t>;

bool use_up(Known& known, const std::string& key) {
  const auto found = known.find(key);
  if (found == known.end() || found->second == 0) return false;
  --found->second;
  return true;
}

class Import {
 public:
  Import(Source& source, ImapServer& server, ImportOrder order, const Progress& progress, const Note& note,
         Moved& moved)
      : source_(source),
        server_(server),
        order_(std::move(order)),
        progress_(progress),
        note_(note),
        moved_(moved) {}

  Result<void> run() {
    const std::optional<MailboxState> state = RP_TRY(server_.look(order_.to));
    const bool may_know = state && state->messages != 0;
    const std::vector<MessageFacts> messages = RP_TRY(source_.open(order_.from, may_know));
    moved_.found = messages.size();
    if (may_know) RP_CHECK(learn_known());
    if (!order_.dry_run) RP_CHECK(make_ready(state));
    const auto new_ones = left_out(messages);
    for (std::size_t at = 0; at < new_ones.size(); at += kBatchMessages)
      RP_CHECK(bring(std::span(new_ones).subspan(at, std::min(kBatchMessages, new_ones.size() - at))));
    RP_CHECK(flush());
    if (keeps_uids_) RP_CHECK(raise_next_uid());
    moved_.uids_kept = keeps_uids_ && uidless_ == 0;
    return {};
  }

 private:
  Result<void> learn_known() {
    MailboxFacts here{.name = order_.to};
    for (MessageFacts& message : RP_TRY(server_.open(here, true))) ++known_[message.key];
    return {};
  }

  // The mailbox is there, and numbered as the source numbers it if it may be.
  Result<void> make_ready(const std::optional<MailboxState>& state) {
    if (!state) {
      MailboxFacts made = order_.from;
      made.name = order_.to;
      RP_CHECK(server_.create(made));
    }
    if (order_.from.subscribed) RP_CHECK(server_.subscribe(order_.to));
    if (order_.from.uid_validity == 0) return {};
    keeps_uids_ = RP_TRY(server_.number(order_.to, order_.from.uid_validity, 1));
    if (const auto now = RP_TRY(server_.look(order_.to))) next_uid_ = now->uid_next;
    return {};
  }

  // Those whose keys show that they are here go at once; the others when they have been read.
  std::vector<MessageFacts> left_out(std::span<const MessageFacts> messages) {
    std::vector<MessageFacts> first, rest;
    for (const MessageFacts& message : messages) {
      if (!message.key.empty() && use_up(known_, message.key))
        step(moved_.known);
      else
        (keeps(message) ? first : rest).push_back(message);
    }
    // Those that keep their UIDs come first: the others get what is behind them.
    std::ranges::move(rest, std::back_inserter(first));
    return first;
  }

  Result<void> bring(std::span<const MessageFacts> messages) {
    const std::uint64_t before = done();
    const std::size_t waiting = batch_.size();
    RP_CHECK(source_.read(
        messages,
        [&](const MessageFacts& message, std::string bytes) { return take(message, std::move(bytes)); },
        [&](std::string text) { note_(order_.from.name + ": " + text); }));
    const std::uint64_t had = done() - before + batch_.size() - waiting;
    for (std::uint64_t lost = messages.size() - had; lost != 0; --lost) step(moved_.failed);
    return {};
  }

  Result<void> take(const MessageFacts& message, std::string bytes) {
    if (bytes.empty()) {
      note_(fmt::format("{}: UID {}: it is empty", order_.from.name, message.uid));
      return {};
    }
    MessageFacts facts = message;
    if (facts.date == 0) facts.date = date_in(bytes);
    // Whatever the source says of its size.
    if (!known_.empty() && use_up(known_, key_of(bytes, facts.date))) {
      step(moved_.known);
      return {};
    }
    const bool kept = keeps(message);
    const bool first_without = !kept && uidless_++ == 0;
    if (!batch_.empty() &&
        (first_without || batch_bytes_ + bytes.size() > kBatchBytes || batch_.size() == kBatchMessages))
      RP_CHECK(flush());
    // A message without a UID must not get one that the source has given or may give.
    if (first_without && keeps_uids_) RP_CHECK(raise_next_uid());
    batch_bytes_ += bytes.size();
    batch_.push_back({std::move(facts), std::move(bytes)});
    batch_.back().facts.uid = kept ? message.uid : 0;
    if (kept) next_uid_ = message.uid + 1;
    return {};
  }

  // UIDs rise: one that is below what was given here cannot be kept.
  bool keeps(const MessageFacts& message) const { return keeps_uids_ && message.uid >= next_uid_; }

  Result<void> flush() {
    if (batch_.empty()) return {};
    if (!order_.dry_run) RP_CHECK(server_.append(order_.to, batch_));
    moved_.bytes += batch_bytes_;
    for (std::size_t i = 0; i < batch_.size(); ++i) step(moved_.moved);
    batch_.clear();
    batch_bytes_ = 0;
    return {};
  }

  Result<void> raise_next_uid() {
    if (order_.dry_run || order_.from.uid_next <= next_uid_) return {};
    (void)RP_TRY(server_.number(order_.to, order_.from.uid_validity, order_.from.uid_next));
    next_uid_ = order_.from.uid_next;
    return {};
  }

  std::uint64_t done() const { return moved_.moved + moved_.known + moved_.failed; }
  void step(std::uint64_t& which) {
    ++which;
    progress_(done(), moved_.found);
  }

  Source& source_;
  ImapServer& server_;
  ImportOrder order_;
  const Progress& progress_;
  const Note& note_;
  Moved& moved_;
  Known known_;
  std::vector<ImapServer::Mail> batch_;
  std::uint64_t batch_bytes_ = 0;
  bool keeps_uids_ = false;
  std::uint32_t next_uid_ = 1;
  std::uint64_t uidless_ = 0;
};

}  // namespace

Result<void> import_mailbox(Source& source, ImapServer& server, ImportOrder order, const Progress& progress,
                            const Note& note, Moved& so_far) {
  return Import(source, server, std::move(order), progress, note, so_far).run();
}

Result<void> export_mailbox(Source& source, Target& target, MailboxFacts mailbox, const Progress& progress,
                            const Note& note, Moved& so_far) {
  const std::vector<MessageFacts> messages = RP_TRY(source.open(mailbox, false));
  so_far.found = messages.size();
  so_far.uids_kept = true;
  RP_CHECK(target.begin(mailbox));
  const auto take = [&](const MessageFacts& message, const std::string& bytes) -> Result<void> {
    RP_CHECK(target.put(message, bytes));
    ++so_far.moved;
    so_far.bytes += bytes.size();
    progress(so_far.moved + so_far.failed, so_far.found);
    return {};
  };
  const auto lose = [&](const std::string& text) {
    ++so_far.failed;
    note(mailbox.name + ": " + text);
  };
  RP_CHECK(source.read(messages, take, lose));
  return target.end();
}

}  // namespace ringpost::migrate
