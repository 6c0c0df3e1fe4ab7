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
    const std::uint64_t whom = Scratch::State::Seen::of(member, subject);
    if (last == kNothing || state.seen[last].whom != whom) {
      last = static_cast<std::uint32_t>(state.seen.size());
      state.seen.push_back({whom, end, 1, bits});
      return;
    }
    Scratch::State::Seen& seen = state.seen[last];
    seen.bits |= bits;
    // Two words that are told do not overlap: "addres" and "addresses" end at one place. One that comes late counts, to be safe.
    const bool late = end < seen.end;
    if (seen.places == UINT8_MAX || (!late && end - seen.end < kFactorWidthMinCounted)) return;
    if (!late) seen.end = end;
    ++seen.places;
  }
  void begin() {
    state.seen.clear();
    if (state.last_seen.size() < database.rows_.size())
      state.last_seen.resize(database.rows_.size(), kNothing);
  }
  void finish() {
    auto& seen = state.seen;
    for (const Scratch::State::Seen& one : seen) state.last_seen[one.member()] = kNothing;
    std::ranges::sort(seen, {}, &Scratch::State::Seen::whom);
    for (std::size_t i = 0; i < seen.size();) {
      const Scratch::State::Seen first = seen[i];
      std::uint8_t bits = 0;
      unsigned places = 0;
      for (; i < seen.size() && seen[i].whom == first.whom; ++i) {
        bits |= seen[i].bits;
        places += seen[i].places;
      }
      const Row& row = database.rows_[first.member()];
      if (bits == row.needs && places >= row.times) visit({first.member(), false, first.subject()});
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
  // Some automata that go over the text together.
  struct Company {
    static constexpr std::size_t kMost = 4;
    std::array<std::size_t, kMost> walks{};  // by their index
    std::size_t count = 0;
    void drop(std::size_t at) {
      std::copy(walks.begin() + static_cast<std::ptrdiff_t>(at) + 1, walks.end(),
                walks.begin() + static_cast<std::ptrdiff_t>(at));
      --count;
    }
  };
  template <std::size_t kCount>
  std::size_t walk_subject(const Company& company, Scratch::State::Known& known, std::string_view subject,
                           std::uint32_t number) {
    std::array<Automaton*, kCount> automata;
    for (std::size_t n = 0; n < kCount; ++n) automata[n] = known.automata[company.walks[n]].get();
    return Automaton::walk_together(automata, subject, [&](std::uint32_t member) { see(member, number, 1); });
  }
  // Who gives up is named for all subjects and goes; the others walk this one again, which tells nothing twice.
  void walk_subject(Company& company, Scratch::State::Known& known, std::string_view subject,
                    std::uint32_t number) {
    while (company.count > 0) {
      const std::size_t done = company.count == 4   ? walk_subject<4>(company, known, subject, number)
                               : company.count == 3 ? walk_subject<3>(company, known, subject, number)
                               : company.count == 2 ? walk_subject<2>(company, known, subject, number)
                                                    : walk_subject<1>(company, known, subject, number);
      if (done == company.count) return;
      name(database.walks_[company.walks[done]].members);
      company.drop(done);
    }
  }
  // Two lines at a time, the next one where one ends.
  template <std::size_t kCount>
  bool walk_pairs(const Company& company, const Scratch::State::Known& known) {
    std::array<Automaton*, kCount> automata;
    for (std::size_t n = 0; n < kCount; ++n) automata[n] = known.automata[company.walks[n]].get();
    const auto tell = [&](std::uint32_t member, std::uint32_t number) { see(member, number, 1); };
    std::size_t next = 0, begin = 0;
    std::array<Automaton::Way<kCount>, 2> ways;
    for (;;) {
      for (auto& way : ways)
        while (way.rest.empty() && next < text.ends.size()) {
          way = {text.bytes.substr(begin, text.ends[next] - begin), text.numbers[next], {}};
          begin = text.ends[next++];
        }
      if (ways[0].rest.empty() || ways[1].rest.empty()) break;
      if (!Automaton::walk_on(automata, ways, tell)) return false;
    }
    for (const auto& way : ways)
      if (std::array one{way}; !Automaton::walk_on(automata, one, tell)) return false;
    return true;
  }
  void walk_lines(Company company, Scratch::State::Known& known) {
    if (text.ends.empty()) return walk_subject(company, known, text.bytes, 0);
    // What could not go in pairs goes one by one, from the first on: that tells nothing twice.
    if (company.count == 1 && walk_pairs<1>(company, known)) return;
    if (company.count == 2 && walk_pairs<2>(company, known)) return;
    std::size_t begin = 0;
    for (std::size_t n = 0; n < text.ends.size(); ++n) {
      walk_subject(company, known, text.bytes.substr(begin, text.ends[n] - begin), text.numbers[n]);
      begin = text.ends[n];
    }
  }
  void walk(Scratch::State::Known& known) {
    const std::size_t count = database.walks_.size();
    for (const auto& automaton : known.automata) automaton->begin();
    for (std::size_t first = 0; first < count; first += Company::kMost) {
      Company company;
      for (std::size_t n = first; n < std::min(count, first + Company::kMost); ++n)
        company.walks[company.count++] = n;
      walk_lines(company, known);
    }
    std::size_t fresh = 0;
    for (const auto& automaton : known.automata) fresh += automaton->fresh();
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
