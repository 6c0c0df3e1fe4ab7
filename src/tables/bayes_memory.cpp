// What Bayes has in memory: read at the start, kept in step with the journal, made anew by compaction.
#include <algorithm>

#include "ringpost/tables/limits.hpp"

#include "bayes_state.hpp"

namespace ringpost::tables {

namespace {

constexpr std::size_t kTokenBytes = 5;
constexpr std::size_t kEntryBytes = 16;  // of the base: key, spam, ham, half day

// Room for what comes until old tokens are let go.
std::size_t room_for(std::size_t tokens_max) {
  return tokens_max + tokens_max / 4;
}

std::uint32_t changed(std::uint32_t count, int by) {
  if (by < 0) return count == 0 ? 0 : count - 1;
  return std::min(count + static_cast<std::uint32_t>(by), kTokenCountMax);
}

}  // namespace

const BayesView::Owner* BayesView::owner(std::string_view name) const {
  const auto found = std::ranges::lower_bound(
      owners_, name, {}, [](const auto& entry) { return std::string_view(entry.first); });
  return found != owners_.end() && found->first == name ? found->second.get() : nullptr;
}

Result<void> Bayes::load() {
  const std::scoped_lock lock(state_->mutex);
  auto transaction = RP_TRY(Transaction::begin(*state_->database));
  RP_CHECK(state_->load_base());
  RP_CHECK(state_->read_journal());
  return transaction.commit();
}

Result<bool> Bayes::refresh() {
  const std::scoped_lock lock(state_->mutex);
  return state_->read_journal();
}

std::shared_ptr<const BayesView> Bayes::view() const {
  const std::scoped_lock lock(state_->view_mutex);
  return state_->shown;
}

std::uint64_t Bayes::generation() const {
  return state_->generation.load(std::memory_order_acquire);
}

void Bayes::State::show(std::shared_ptr<TokenTable> fresh) {
  auto view = std::make_shared<BayesView>();
  tokens = std::move(fresh);
  view->tokens_ = tokens;
  view->owners_.assign(owners.begin(), owners.end());
  const std::scoped_lock lock(view_mutex);
  shown = std::move(view);
  generation.fetch_add(1, std::memory_order_release);
}

Result<void> Bayes::State::load_base() {
  auto fresh = std::make_shared<TokenTable>(room_for(limits.tokens_max));
  auto chunks = RP_TRY(database->prepare("SELECT tokens FROM bayes_base ORDER BY chunk"));
  while (RP_TRY(chunks.step())) {
    for (std::string_view rest = chunks.bytes(0); rest.size() >= kEntryBytes;
         rest.remove_prefix(kEntryBytes)) {
      const std::uint64_t count = unpack_number(rest.substr(8, 8));
      const TokenCount entry{static_cast<std::uint32_t>(count) & kTokenCountMax,
                             static_cast<std::uint32_t>(count >> 24U) & kTokenCountMax,
                             static_cast<std::uint16_t>(count >> 48U)};
      const TokenKey key = unpack_number(rest.substr(0, 8));
      if (owner_of(key) != 0 && !fresh->put(key, entry)) ++refused;
    }
  }
  applied = RP_TRY(number("base_through"));
  RP_CHECK(read_owners());
  show(std::move(fresh));
  return {};
}

// Another process may have compacted: then rows that were not read yet are in the base.
Result<bool> Bayes::State::read_journal() {
  const std::uint64_t before = generation.load(std::memory_order_relaxed);
  if (!loaded() || applied < RP_TRY(number("base_through"))) RP_CHECK(load_base());
  auto rows = RP_TRY(database->prepare(
      "SELECT id, change, owner, time, tokens FROM bayes_journal WHERE id > ?1 ORDER BY id"));
  rows.bind(1, applied);
  bool any = generation.load(std::memory_order_relaxed) != before;
  while (RP_TRY(rows.step())) {
    apply(static_cast<BayesChange>(rows.number(1)), static_cast<std::uint32_t>(rows.number(2)),
          rows.number(3), rows.bytes(4));
    applied = rows.number(0);
    any = true;
  }
  if (!any) return false;
  const std::size_t known = owners.size();
  RP_CHECK(read_owners());
  if (owners.size() != known) show(tokens);
  return true;
}

Result<void> Bayes::State::read_owners() {
  auto rows = RP_TRY(database->prepare("SELECT name, id, spam, ham FROM bayes_owners"));
  while (RP_TRY(rows.step())) {
    std::shared_ptr<BayesView::Owner>& owner = owners[rows.text(0)];
    if (!owner) owner = std::make_shared<BayesView::Owner>();
    owner->id = static_cast<std::uint32_t>(rows.number(1));
    owner->spam.store(static_cast<std::uint64_t>(rows.number(2)), std::memory_order_relaxed);
    owner->ham.store(static_cast<std::uint64_t>(rows.number(3)), std::memory_order_relaxed);
  }
  return {};
}

void Bayes::State::apply(BayesChange change, std::uint32_t owner, std::int64_t time,
                         std::string_view tokens_text) {
  const int spam = change == BayesChange::learn_spam ? 1 : change == BayesChange::forget_spam ? -1 : 0;
  const int ham = change == BayesChange::learn_ham ? 1 : change == BayesChange::forget_ham ? -1 : 0;
  const bool forgets = spam < 0 || ham < 0;
  for (; tokens_text.size() >= kTokenBytes; tokens_text.remove_prefix(kTokenBytes)) {
    const TokenKey key = token_key(owner, unpack_number(tokens_text.substr(0, kTokenBytes)));
    TokenCount count = tokens->get(key);
    const bool known = count.spam + count.ham > 0;
    if (!known && (forgets || change == BayesChange::touch)) continue;
    count.spam = changed(count.spam, spam);
    count.ham = changed(count.ham, ham);
    if (!forgets) count.half_day = std::max(count.half_day, half_day_of(time));
    if (!tokens->put(key, count)) ++refused;
  }
}

// --- compaction ---

std::vector<Bayes::State::Entry> Bayes::State::kept_tokens() const {
  std::vector<Entry> entries;
  entries.reserve(tokens->size());
  tokens->for_each([&](TokenKey key, const TokenCount& count) {
    if (count.spam + count.ham > 0) entries.emplace_back(key, count);
  });
  if (entries.size() <= limits.tokens_max) return entries;
  const std::size_t surplus = entries.size() - limits.tokens_max / 4 * 3;
  const auto less_useful = [](const Entry& a, const Entry& b) {
    if (a.second.half_day != b.second.half_day) return a.second.half_day < b.second.half_day;
    const std::uint32_t seen_a = a.second.spam + a.second.ham, seen_b = b.second.spam + b.second.ham;
    return seen_a != seen_b ? seen_a < seen_b : a.first < b.first;
  };
  const auto middle = entries.begin() + static_cast<std::ptrdiff_t>(surplus);
  std::ranges::nth_element(entries, middle, less_useful);
  entries.erase(entries.begin(), middle);
  return entries;
}

Result<void> Bayes::State::write_base(std::span<const Entry> entries) {
  RP_CHECK(database->execute("DELETE FROM bayes_base"));
  auto add = RP_TRY(database->prepare("INSERT INTO bayes_base VALUES (?1, ?2)"));
  std::int64_t chunk = 0;
  for (std::size_t start = 0; start < entries.size(); start += kBayesChunkTokens) {
    std::string bytes;
    for (const auto& [key, count] :
         entries.subspan(start, std::min(kBayesChunkTokens, entries.size() - start))) {
      pack_number(key, 8, bytes);
      pack_number(count.spam, 3, bytes);
      pack_number(count.ham, 3, bytes);
      pack_number(count.half_day, 2, bytes);
    }
    RP_CHECK(add.bind(1, chunk++).bind_bytes(2, bytes).run());
    add.reset();
  }
  RP_CHECK(database->execute("DELETE FROM bayes_journal"));
  RP_CHECK(set_number("base_through", applied));
  RP_CHECK(set_number("base_tokens", static_cast<std::int64_t>(entries.size())));
  return set_number("journal_size", 0);
}

// Down to three quarters of the bound, so that this is rare.
Result<void> Bayes::State::forget_old_messages() {
  auto count = RP_TRY(database->prepare("SELECT count(*) FROM bayes_seen"));
  RP_CHECK(count.step());
  if (static_cast<std::size_t>(count.number(0)) <= limits.messages_max) return {};
  auto drop =
      RP_TRY(database->prepare("DELETE FROM bayes_seen WHERE (owner, message) IN"
                               " (SELECT owner, message FROM bayes_seen ORDER BY time LIMIT ?1)"));
  drop.bind(1, count.number(0) - static_cast<std::int64_t>(limits.messages_max / 4 * 3));
  return drop.run();
}

Result<bool> Bayes::compact(bool anyway) {
  const std::scoped_lock lock(state_->mutex);
  const auto journal = static_cast<std::size_t>(RP_TRY(state_->number("journal_size")));
  const auto base = static_cast<std::size_t>(RP_TRY(state_->number("base_tokens"))) * kEntryBytes;
  const bool full = state_->loaded() && state_->tokens->size() > state_->limits.tokens_max;
  if (!anyway && !full && journal <= std::max(state_->limits.journal_size_max, base)) return false;
  auto transaction = RP_TRY(Transaction::begin(*state_->database));
  RP_CHECK(state_->read_journal());
  const std::vector<State::Entry> entries = state_->kept_tokens();
  RP_CHECK(state_->write_base(entries));
  RP_CHECK(state_->forget_old_messages());
  RP_CHECK(transaction.commit());
  // Places of tokens that are gone are only freed by a table of its own.
  if (entries.size() < state_->tokens->size()) {
    auto fresh = std::make_shared<TokenTable>(room_for(state_->limits.tokens_max));
    for (const auto& [key, count] : entries) fresh->put(key, count);
    state_->show(std::move(fresh));
  }
  return true;
}

}  // namespace ringpost::tables
