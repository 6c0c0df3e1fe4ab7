#include "database.hpp"

#include <algorithm>
#include <atomic>

#include "ringpost/base/assert.hpp"
#include "ringpost/patterns/limits.hpp"

namespace ringpost::patterns {

Set::Database::~Database() {
  hs_free_database(handle_);
}

std::size_t Set::Database::size() const {
  std::size_t size = 0;
  if (handle_ != nullptr) hs_database_size(handle_, &size);
  return size;
}

bool Set::Database::add_loose(const Tree& tree, std::uint32_t member) {
  if (walks_.empty() || walks_.back().program.members() >= kProgramMembersMax) walks_.emplace_back();
  return walks_.back().program.add(tree, member);
}

void Set::Database::add_gate(const Tree& tree, std::uint32_t member) {
  Program program;
  if (program.add(tree, member, Program::Company::alone) && program.size() >= kGateStepsMin)
    gates_.push_back(std::move(program));
}

void Set::Database::finish() {
  windows_.finish();
  static std::atomic<std::uint64_t> last{0};
  number_ = ++last;
  std::erase_if(walks_, [](const Walk& walk) { return walk.program.members() == 0; });
  for (Walk& walk : walks_) {
    walk.program.finish();
    walk.members = walk.program.matched();
  }
  gate_of_.assign(rows_.size(), kNoGate);
  for (Program& gate : gates_) {
    gate.finish();
    gate_of_[gate.matched().front()] = static_cast<std::uint32_t>(&gate - gates_.data());
  }
  find_alone();
}

Scratch::State::Known& Set::Database::known_to(Scratch::State& state) const {
  if (const auto found = state.known.find(number_); found != state.known.end()) return found->second;
  state.tidy();
  if (handle_ != nullptr) RP_ASSERT(state.fit(handle_));
  Scratch::State::Known& known = state.known[number_];
  for (const Walk& walk : walks_) known.automata.push_back(std::make_unique<Automaton>(walk.program));
  known.gates.resize(gates_.size());
  return known;
}

bool Set::Database::may_match(std::uint32_t member, std::string_view subject, Scratch::State& state) const {
  const std::uint32_t gate = gate_of_[member];
  if (gate == kNoGate) return true;
  std::unique_ptr<Automaton>& automaton = known_to(state).gates[gate];
  if (automaton == nullptr) automaton = std::make_unique<Automaton>(gates_[gate]);
  automaton->begin();
  bool found = false;
  const bool all = automaton->walk(subject, [&](std::uint32_t) { found = true; });
  return found || !all;
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
    see(entry.member, subject_at(end), entry.gives, static_cast<std::uint32_t>(end));
  }
  void see(std::uint32_t member, std::uint32_t subject, std::uint8_t bits, std::uint32_t end = 0) {
    std::uint32_t& last = state.last_seen[member];
    if (last == kNothing || state.seen[last].subject != subject) {
      last = static_cast<std::uint32_t>(state.seen.size());
      state.seen.push_back({member, subject, end, 1, bits});
      return;
    }
    Scratch::State::Seen& seen = state.seen[last];
    seen.bits |= bits;
    if (seen.end == end || seen.places == UINT8_MAX) return;
    seen.end = end;
    ++seen.places;
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
      unsigned places = 0;
      for (; i < seen.size() && seen[i].member == first.member && seen[i].subject == first.subject; ++i) {
        bits |= seen[i].bits;
        places += seen[i].places;
      }
      const Row& row = database.rows_[first.member];
      if (bits == row.needs && places >= row.times) visit({first.member, false, first.subject});
    }
  }
  void name(std::span<const std::uint32_t> members) const {
    for (const std::uint32_t member : members) {
      if (text.all) {
        visit({member, false, kEverySubject});
        continue;
      }
      for (const std::uint32_t number : text.numbers) visit({member, false, number});
    }
  }
  void search() {
    const auto on_match = [](unsigned id, unsigned long long, unsigned long long to, unsigned, void* passed) {
      static_cast<Pass*>(passed)->take(id, static_cast<std::size_t>(to));
      return 0;
    };
    RP_ASSERT(text.bytes.size() <= UINT32_MAX);
    const hs_error_t error =
        hs_scan(database.handle_, text.bytes.data(), static_cast<unsigned>(text.bytes.size()), 0,
                state.hyperscan, on_match, this);
    RP_ASSERT(error == HS_SUCCESS);
  }
  void look() {
    line = 0;
    database.windows_.scan(text.bytes, [this](const Entry& entry, std::size_t end) {
      see(entry.member, subject_at(end), entry.gives);
    });
  }
  // False: what it saw is not all.
  bool walk_lines(Automaton& automaton) {
    if (text.ends.empty())
      return automaton.walk(text.bytes, [&](std::uint32_t member) { see(member, 0, 1); });
    std::size_t begin = 0;
    for (std::size_t n = 0; n < text.ends.size(); ++n) {
      const std::uint32_t number = text.numbers[n];
      const std::string_view subject = text.bytes.substr(begin, text.ends[n] - begin);
      if (!automaton.walk(subject, [&](std::uint32_t member) { see(member, number, 1); })) return false;
      begin = text.ends[n];
    }
    return true;
  }
  void walk(Scratch::State::Known& known) {
    std::size_t fresh = 0;
    for (std::size_t n = 0; n < database.walks_.size(); ++n) {
      Automaton& automaton = *known.automata[n];
      automaton.begin();
      if (!walk_lines(automaton)) name(database.walks_[n].members);
      fresh += automaton.fresh();
    }
    if (fresh > 0) state.tidy();
  }
};

void Set::Database::scan(const Text& text, Scratch::State& state, const Visit& visit) const {
  Pass pass{*this, text, state, visit};
  Scratch::State::Known& known = known_to(state);
  pass.name(alone_);
  pass.begin();
  if (handle_ != nullptr) pass.search();
  if (windows_.size() > 0) pass.look();
  pass.walk(known);
  pass.finish();
}

}  // namespace ringpost::patterns
