#include "database.hpp"

#include <algorithm>
#include <cstring>

#include "ringpost/base/assert.hpp"

namespace ringpost::patterns {

Set::Database::~Database() {
  hs_free_database(handle_);
}

std::size_t Set::Database::size() const {
  std::size_t size = 0;
  if (handle_ != nullptr) hs_database_size(handle_, &size);
  return size;
}

void Set::Database::find_alone() {
  for (std::uint32_t member = 0; member < rows_.size(); ++member)
    if (rows_[member].way == Way::alone) alone_.push_back(member);
}

// --- one pass ---

struct Set::Database::Pass {
  static constexpr std::uint32_t kNothing = UINT32_MAX;
  const Database& database;
  const Text& text;
  Scratch::State& state;
  const Visit& visit;
  std::size_t line = 0;  // of the last report; they come nearly in order

  // Where a match ended: in the line, or behind its newline.
  std::uint32_t subject_at(std::size_t end) {
    if (text.ends.empty()) return 0;
    const std::size_t last = end == 0 ? 0 : end - 1;
    if (last >= text.ends[line] || (line > 0 && last < text.ends[line - 1]))
      line = static_cast<std::size_t>(std::ranges::upper_bound(text.ends, last) - text.ends.begin());
    line = std::min(line, text.ends.size() - 1);
    return text.numbers[line];
  }
  void take(unsigned id, std::size_t end) {
    const Entry entry = database.entries_[id];
    if (database.rows_[entry.member].certain) return visit({entry.member, true, 0});
    const std::uint32_t subject = subject_at(end);
    std::uint32_t& last = state.last_seen[entry.member];
    if (last != kNothing && state.seen[last].subject == subject) {
      state.seen[last].bits |= entry.gives;
      return;
    }
    last = static_cast<std::uint32_t>(state.seen.size());
    state.seen.push_back({entry.member, subject, entry.gives});
  }
  void begin() {
    state.seen.clear();
    if (state.last_seen.size() < database.rows_.size())
      state.last_seen.resize(database.rows_.size(), kNothing);
  }
  void finish() {
    auto& seen = state.seen;
    for (const Scratch::State::Seen& one : seen) state.last_seen[one.member] = kNothing;
    std::ranges::sort(seen, {},
                      [](const Scratch::State::Seen& one) { return std::pair(one.member, one.subject); });
    for (std::size_t i = 0; i < seen.size();) {
      const Scratch::State::Seen first = seen[i];
      std::uint8_t bits = 0;
      for (; i < seen.size() && seen[i].member == first.member && seen[i].subject == first.subject; ++i)
        bits |= seen[i].bits;
      if (bits == database.rows_[first.member].needs) visit({first.member, false, first.subject});
    }
  }
  void name_alone() {
    for (const std::uint32_t member : database.alone_) {
      if (text.all) {
        visit({member, false, kEverySubject});
        continue;
      }
      for (const std::uint32_t number : text.numbers) visit({member, false, number});
    }
  }
};

void Set::Database::scan(const Text& text, Scratch::State& state, const Visit& visit) const {
  Pass pass{*this, text, state, visit};
  pass.name_alone();
  if (handle_ == nullptr) return;
  RP_ASSERT(text.bytes.size() <= UINT32_MAX);
  RP_ASSERT(state.fit(handle_));
  pass.begin();
  const auto on_match = [](unsigned id, unsigned long long, unsigned long long to, unsigned, void* passed) {
    static_cast<Pass*>(passed)->take(id, static_cast<std::size_t>(to));
    return 0;
  };
  const hs_error_t error = hs_scan(handle_, text.bytes.data(), static_cast<unsigned>(text.bytes.size()), 0,
                                   state.hyperscan, on_match, &pass);
  RP_ASSERT(error == HS_SUCCESS);
  pass.finish();
}

}  // namespace ringpost::patterns
