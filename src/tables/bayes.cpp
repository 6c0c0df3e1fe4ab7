#include "ringpost/tables/bayes.hpp"

#include <algorithm>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/tables/limits.hpp"

#include "bayes_state.hpp"

namespace ringpost::tables {

namespace {

constexpr std::string_view kSchema =
    "CREATE TABLE IF NOT EXISTS bayes_state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS bayes_owners (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " spam INTEGER NOT NULL DEFAULT 0, ham INTEGER NOT NULL DEFAULT 0);"
    // Ids are never used twice: another process knows by them what it has read.
    "CREATE TABLE IF NOT EXISTS bayes_journal (id INTEGER PRIMARY KEY AUTOINCREMENT, change INTEGER NOT NULL,"
    " owner INTEGER NOT NULL, time INTEGER NOT NULL, tokens BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS bayes_base (chunk INTEGER PRIMARY KEY, tokens BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS bayes_seen (owner INTEGER NOT NULL, message BLOB NOT NULL,"
    " kind INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (owner, message)) WITHOUT ROWID";

std::string_view text_of(const std::array<std::byte, 20>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

BayesChange opposite(Learned kind) {
  return kind == Learned::ham ? BayesChange::forget_ham : BayesChange::forget_spam;
}

// A file that root made belongs to whom its folder belongs to: the server, which is not root. SQLite gives its
// companions the same owner.
Result<void> give_away(const std::string& path) {
  if (geteuid() != 0) return {};
  struct stat folder{};
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (stat(parent.empty() ? "." : parent.c_str(), &folder) != 0) return fail_system(errno, parent);
  if (chown(path.c_str(), folder.st_uid, folder.st_gid) != 0) return fail_system(errno, path);
  return {};
}

}  // namespace

Bayes::Bayes(std::unique_ptr<State> state) : state_(std::move(state)) {}
Bayes::~Bayes() = default;

Result<std::unique_ptr<Bayes>> Bayes::open(const std::string& path, const Limits& limits) {
  auto state = std::make_unique<State>();
  state->limits = limits;
  const bool fresh = path != ":memory:" && access(path.c_str(), F_OK) != 0;
  state->database = RP_TRY(Database::open(path, kSchema));
  if (fresh) RP_CHECK(give_away(path));
  return std::unique_ptr<Bayes>(new Bayes(std::move(state)));
}

Result<BayesOutcome> Bayes::learn(std::span<const BayesLesson> lessons, std::int64_t now) {
  const std::scoped_lock lock(state_->mutex);
  BayesOutcome outcome;
  auto transaction = RP_TRY(Transaction::begin(*state_->database));
  for (const BayesLesson& lesson : lessons) RP_CHECK(state_->take_lesson(lesson, now, outcome));
  RP_CHECK(transaction.commit());
  if (state_->loaded()) RP_CHECK(state_->read_journal());
  return outcome;
}

Result<BayesOutcome> Bayes::forget(std::span<const BayesLesson> lessons) {
  const std::scoped_lock lock(state_->mutex);
  BayesOutcome outcome;
  auto transaction = RP_TRY(Transaction::begin(*state_->database));
  for (const BayesLesson& lesson : lessons) RP_CHECK(state_->take_back(lesson, outcome));
  RP_CHECK(transaction.commit());
  if (state_->loaded()) RP_CHECK(state_->read_journal());
  return outcome;
}

Result<void> Bayes::touch(std::span<const BayesUse> uses) {
  const std::scoped_lock lock(state_->mutex);
  auto transaction = RP_TRY(Transaction::begin(*state_->database));
  for (const BayesUse& use : uses) {
    const std::uint32_t owner = RP_TRY(state_->owner_id(use.owner));
    RP_CHECK(state_->append(BayesChange::touch, owner, use.time, pack_tokens(use.tokens)));
  }
  RP_CHECK(transaction.commit());
  if (state_->loaded()) RP_CHECK(state_->read_journal());
  return {};
}

Result<void> Bayes::State::take_lesson(const BayesLesson& lesson, std::int64_t now, BayesOutcome& outcome) {
  const std::uint32_t owner = RP_TRY(owner_id(lesson.owner));
  auto seen = RP_TRY(database->prepare("SELECT kind FROM bayes_seen WHERE owner = ?1 AND message = ?2"));
  seen.bind(1, owner).bind_bytes(2, text_of(lesson.message));
  const std::string tokens_text = pack_tokens(lesson.tokens);
  if (RP_TRY(seen.step())) {
    const auto before = static_cast<Learned>(seen.number(0));
    if (before == lesson.as || lesson.only_if_new) {
      ++outcome.unchanged;
      return {};
    }
    RP_CHECK(append(opposite(before), owner, lesson.time, tokens_text));
    RP_CHECK(change_totals(owner, before == Learned::spam ? -1 : 0, before == Learned::ham ? -1 : 0));
    ++outcome.relearned;
  }
  auto remember = RP_TRY(database->prepare("INSERT OR REPLACE INTO bayes_seen VALUES (?1, ?2, ?3, ?4)"));
  remember.bind(1, owner).bind_bytes(2, text_of(lesson.message));
  remember.bind(3, static_cast<std::int64_t>(lesson.as)).bind(4, now);
  RP_CHECK(remember.run());
  RP_CHECK(append(static_cast<BayesChange>(lesson.as), owner, lesson.time, tokens_text));
  RP_CHECK(change_totals(owner, lesson.as == Learned::spam ? 1 : 0, lesson.as == Learned::ham ? 1 : 0));
  ++outcome.learned;
  return {};
}

Result<void> Bayes::State::take_back(const BayesLesson& lesson, BayesOutcome& outcome) {
  const std::uint32_t owner = RP_TRY(owner_id(lesson.owner));
  auto seen =
      RP_TRY(database->prepare("DELETE FROM bayes_seen WHERE owner = ?1 AND message = ?2 RETURNING kind"));
  seen.bind(1, owner).bind_bytes(2, text_of(lesson.message));
  if (!RP_TRY(seen.step())) {
    ++outcome.unchanged;
    return {};
  }
  const auto before = static_cast<Learned>(seen.number(0));
  RP_CHECK(append(opposite(before), owner, lesson.time, pack_tokens(lesson.tokens)));
  RP_CHECK(change_totals(owner, before == Learned::spam ? -1 : 0, before == Learned::ham ? -1 : 0));
  ++outcome.forgotten;
  return {};
}

Result<std::uint32_t> Bayes::State::owner_id(const std::string& name) {
  auto find = RP_TRY(database->prepare("SELECT id FROM bayes_owners WHERE name = ?1"));
  find.bind(1, name);
  if (RP_TRY(find.step())) return static_cast<std::uint32_t>(find.number(0));
  auto count = RP_TRY(database->prepare("SELECT count(*), coalesce(max(id), 0) FROM bayes_owners"));
  RP_CHECK(count.step());
  if (static_cast<std::size_t>(count.number(0)) >= kBayesOwnersMax || count.number(1) >= kTokenOwnersMax)
    return fail(ErrorKind::exhausted, "Bayes has as many users as it can have");
  auto add = RP_TRY(database->prepare("INSERT INTO bayes_owners (name) VALUES (?1) RETURNING id"));
  add.bind(1, name);
  RP_CHECK(add.step());
  return static_cast<std::uint32_t>(add.number(0));
}

Result<std::int64_t> Bayes::State::number(std::string_view name) {
  auto find = RP_TRY(database->prepare("SELECT value FROM bayes_state WHERE name = ?1"));
  find.bind(1, name);
  return RP_TRY(find.step()) ? find.number(0) : 0;
}

Result<void> Bayes::State::set_number(std::string_view name, std::int64_t value) {
  auto set = RP_TRY(database->prepare("INSERT OR REPLACE INTO bayes_state VALUES (?1, ?2)"));
  return set.bind(1, name).bind(2, value).run();
}

Result<void> Bayes::State::append(BayesChange change, std::uint32_t owner, std::int64_t time,
                                  std::string_view tokens_text) {
  auto add = RP_TRY(
      database->prepare("INSERT INTO bayes_journal (change, owner, time, tokens) VALUES (?1, ?2, ?3, ?4)"));
  add.bind(1, static_cast<std::int64_t>(change)).bind(2, owner).bind(3, time).bind_bytes(4, tokens_text);
  RP_CHECK(add.run());
  const std::int64_t size = RP_TRY(number("journal_size"));
  return set_number("journal_size", size + static_cast<std::int64_t>(tokens_text.size()));
}

Result<void> Bayes::State::change_totals(std::uint32_t owner, std::int64_t spam, std::int64_t ham) {
  auto change = RP_TRY(database->prepare(
      "UPDATE bayes_owners SET spam = max(0, spam + ?2), ham = max(0, ham + ?3) WHERE id = ?1"));
  return change.bind(1, owner).bind(2, spam).bind(3, ham).run();
}

Result<BayesFigures> Bayes::figures() {
  const std::scoped_lock lock(state_->mutex);
  BayesFigures figures;
  auto totals = RP_TRY(state_->database->prepare(
      "SELECT count(*), coalesce(sum(spam), 0), coalesce(sum(ham), 0) FROM bayes_owners"));
  RP_CHECK(totals.step());
  figures.owners = static_cast<std::uint64_t>(totals.number(0));
  figures.spam = static_cast<std::uint64_t>(totals.number(1));
  figures.ham = static_cast<std::uint64_t>(totals.number(2));
  figures.journal_size = static_cast<std::uint64_t>(RP_TRY(state_->number("journal_size")));
  figures.tokens = state_->loaded() ? state_->kept_tokens().size()
                                    : static_cast<std::uint64_t>(RP_TRY(state_->number("base_tokens")));
  figures.refused = state_->refused;
  return figures;
}

std::string pack_tokens(std::span<const std::uint64_t> tokens) {
  RP_ASSERT(tokens.size() <= kBayesLessonTokensMax);
  std::string out;
  out.reserve(tokens.size() * 5);
  for (const std::uint64_t token : tokens) pack_number(token, 5, out);
  return out;
}

void pack_number(std::uint64_t number, std::size_t size, std::string& out) {
  for (std::size_t at = 0; at < size; ++at) out += static_cast<char>(number >> (8 * at) & 0xFFU);
}

std::uint64_t unpack_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (std::size_t at = bytes.size(); at > 0; --at)
    number = number << 8U | static_cast<unsigned char>(bytes[at - 1]);
  return number;
}

}  // namespace ringpost::tables
