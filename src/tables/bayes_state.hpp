// The inside of Bayes: its file, and what of it is in memory.
//
// Layer:   private to `tables`.
#pragma once

#include <map>
#include <mutex>

#include "ringpost/tables/bayes.hpp"
#include "ringpost/tables/sqlite.hpp"

namespace ringpost::tables {

// What a row of the journal does; 1 and 2 are those of Learned.
enum class BayesChange : std::uint8_t {
  learn_ham = 1,
  learn_spam = 2,
  forget_ham = 3,
  forget_spam = 4,
  touch = 5
};

std::string pack_tokens(std::span<const std::uint64_t> tokens);  // 5 bytes each, low byte first
std::uint64_t unpack_number(std::string_view bytes);             // low byte first
void pack_number(std::uint64_t number, std::size_t size, std::string& out);

struct Bayes::State {
  // --- the file; each expects a transaction where it changes something ---
  Result<std::uint32_t> owner_id(const std::string& name);  // made if there is none
  Result<std::int64_t> number(std::string_view name);       // of bayes_state; 0 when it was never set
  Result<void> set_number(std::string_view name, std::int64_t value);
  Result<void> append(BayesChange change, std::uint32_t owner, std::int64_t time, std::string_view tokens);
  Result<void> change_totals(std::uint32_t owner, std::int64_t spam, std::int64_t ham);
  Result<void> take_lesson(const BayesLesson& lesson, std::int64_t now, BayesOutcome& outcome);
  Result<void> take_back(const BayesLesson& lesson, BayesOutcome& outcome);

  // --- memory ---
  Result<void> load_base();
  Result<bool> read_journal();
  Result<void> read_owners();
  void apply(BayesChange change, std::uint32_t owner, std::int64_t time, std::string_view tokens);
  void show(std::shared_ptr<TokenTable> fresh);  // a view of this table and of the owners
  bool loaded() const { return tokens != nullptr; }

  // --- compaction ---
  using Entry = std::pair<TokenKey, TokenCount>;
  std::vector<Entry> kept_tokens() const;
  Result<void> write_base(std::span<const Entry> entries);
  Result<void> forget_old_messages();

  Limits limits;
  std::mutex mutex;  // commands and offload threads; never a core
  std::unique_ptr<Database> database;

  std::shared_ptr<TokenTable> tokens;
  std::map<std::string, std::shared_ptr<BayesView::Owner>> owners;
  std::int64_t applied = 0;  // the last row of the journal that memory has
  std::uint64_t refused = 0;

  mutable std::mutex view_mutex;  // held for the copy of a pointer
  std::shared_ptr<const BayesView> shown;
  std::atomic<std::uint64_t> generation{0};
};

}  // namespace ringpost::tables
