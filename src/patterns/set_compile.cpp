// From expressions to one Hyperscan database: what each is given as, and what happens when the library refuses it.
#include <algorithm>

#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"
#include "database.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

namespace {

// What is sought of one expression: itself, or words in groups of which one each must occur; by Hyperscan as texts, or as runs
// of sets.
struct Attempt {
  Way way = Way::alone;
  std::vector<std::vector<std::string>> groups;
  std::uint32_t times = 1;
  std::vector<LettersFactor> letters;
};

class Library {
 public:
  Library() { usable_ = hs_valid_platform() == HS_SUCCESS && hs_populate_platform(&platform_) == HS_SUCCESS; }
  bool usable() const { return usable_; }

  // nullptr: it does not take them.
  hs_database_t* make(const std::vector<const char*>& texts, const std::vector<unsigned>& flags) const {
    std::vector<unsigned> ids;
    for (unsigned id = 0; id < texts.size(); ++id) ids.push_back(id);
    hs_database_t* database = nullptr;
    hs_compile_error_t* error = nullptr;
    hs_compile_multi(texts.data(), flags.data(), ids.data(), static_cast<unsigned>(texts.size()),
                     HS_MODE_BLOCK, &platform_, &database, &error);
    hs_free_compile_error(error);
    return database;
  }
  // Of this expression alone; SIZE_MAX: it does not go into one.
  std::size_t size_of(const std::string& text) const {
    if (text.size() > kHyperscanTextMax) return SIZE_MAX;
    const auto tree = parse({text, {}});
    if (!tree || traits_of(*tree).positions > kHyperscanPositionsMax) return SIZE_MAX;
    hs_database_t* database = make({text.c_str()}, {HS_FLAG_ALLOWEMPTY | HS_FLAG_SINGLEMATCH});
    std::size_t size = SIZE_MAX;
    if (database != nullptr) hs_database_size(database, &size);
    hs_free_database(database);
    return size;
  }

 private:
  bool usable_ = false;
  hs_platform_info_t platform_{};
};

// A choice that is longer becomes "one of the first bytes, then some that may follow".
constexpr std::size_t kCoarseMin = 40;

// One expression's way: exact where that is cheap, else by its words or by the automaton. Lines are long and there is much prose
// in them, so words are rare there; what fields hold is short and mostly alike, so the automaton comes first.
class Choice {
 public:
  Choice(const Tree& tree, Subjects subjects, const Library& library)
      : tree_(tree),
        lines_(subjects == Subjects::lines),
        long_(subjects != Subjects::whole),
        library_(library),
        traits_(traits_of(tree)) {}

  // Certain: where Hyperscan sees it, it is, whatever is before and behind.
  bool certain() const { return !lines_ || (!traits_.takes_newline && !traits_.anchored); }

  // As small as it can be without saying yes to prose.
  std::optional<Tree> gate() const {
    return parse({emit(tree_, {.hyperscan = true, .relaxed = true, .letters = true, .rounds = true}), {}});
  }

  Attempt make(const Windows& windows, const std::function<bool(const Tree&)>& take_loose) const {
    const auto has_room = [&](const std::vector<LettersFactor>& letters) {
      std::size_t count = 0;
      for (const LettersFactor& factor : letters) count += factor.runs.size();
      return windows.has_room(count);
    };
    if (tree_[tree_.root].kind == NodeKind::never) return {Way::exact, {{}}, 1, {}};
    // Hyperscan counts with every byte; PCRE2 is no slower, and asked for less often.
    if (traits_.width_min >= kWideMin && factors_of(tree_).empty()) return {};
    if (auto attempt = exact(kCheapDatabaseMax)) return *std::move(attempt);
    if (!long_ && loose(take_loose)) return {Way::prefilter, {}, 1, {}};
    if (auto attempt = literal()) return *std::move(attempt);
    if (auto letters = letters_factors_of(tree_); !letters.empty() && has_room(letters))
      return {Way::literal, {}, 1, std::move(letters)};
    if (long_ && loose(take_loose)) return {Way::prefilter, {}, 1, {}};
    if (long_)
      if (auto attempt = exact(kDatabaseMax)) return *std::move(attempt);
    return {};
  }

 private:
  std::optional<Attempt> exact(std::size_t size_max) const {
    // A match of nothing at the start of a line is seen at the end of the one before.
    if (!traits_.exact_in_hyperscan || (!certain() && traits_.width_min == 0)) return std::nullopt;
    const std::string text = emit(tree_, {.hyperscan = true, .lines = lines_});
    if (library_.size_of(text) > size_max) return std::nullopt;
    return Attempt{Way::exact, {{text}}, 1, {}};
  }

  std::optional<Attempt> literal() const {
    Attempt attempt{Way::literal, {}, 1, {}};
    for (const Factor& factor : factors_of(tree_)) {
      attempt.times = factor.times >= kFactorTimesMin ? factor.times : 1;
      std::vector<std::string>& texts = attempt.groups.emplace_back();
      for (const std::string& literal : factor.literals) {
        std::string& text = texts.emplace_back("(?i:");
        for (const char c : literal) text += byte_text(static_cast<unsigned char>(c));
        text += ')';
      }
    }
    return attempt.groups.empty() ? std::nullopt : std::optional(std::move(attempt));
  }

  bool loose(const std::function<bool(const Tree&)>& take) const {
    const Emission how{.hyperscan = true, .relaxed = true, .coarse = kCoarseMin, .letters = true};
    const auto tree = parse({emit(tree_, how), {}});
    return tree && take(*tree);
  }

  const Tree& tree_;
  bool lines_;
  bool long_;
  const Library& library_;
  Traits traits_;
};

}  // namespace

std::unique_ptr<const Set::Database> Set::Database::compile(std::span<const Pattern> patterns,
                                                            const std::vector<bool>& usable,
                                                            Subjects subjects, bool ascii) {
  const Library library;
  if (!library.usable()) return nullptr;
  std::unique_ptr<Database> made(new Database);
  made->rows_.resize(patterns.size());
  std::vector<std::string> texts;
  for (std::uint32_t member = 0; member < patterns.size(); ++member) {
    Row& row = made->rows_[member];
    auto tree = parse(patterns[member]);
    if (!usable[member]) row.way = Way::broken;
    if (!usable[member] || !tree) continue;
    if (ascii) tree = in_ascii(*std::move(tree));
    const Choice choice(*tree, subjects, library);
    const Attempt attempt =
        choice.make(made->windows_, [&](const Tree& loose) { return made->add_loose(loose, member); });
    row.way = attempt.way;
    if (!ascii && attempt.way == Way::literal)
      if (const auto loose = choice.gate()) made->add_gate(*loose, member);
    row.certain = attempt.way == Way::exact && choice.certain();
    if (attempt.way == Way::prefilter) row.needs = 1;
    row.times = static_cast<std::uint8_t>(attempt.times);
    unsigned bit = 1;
    for (const LettersFactor& factor : attempt.letters) {
      for (const Letters& run : factor.runs)
        made->windows_.add(run, {member, static_cast<std::uint8_t>(bit)});
      row.needs = static_cast<std::uint8_t>(row.needs | bit);
      bit <<= 1U;
    }
    for (const std::vector<std::string>& group : attempt.groups) {
      for (const std::string& text : group) {
        texts.push_back(text);
        made->entries_.push_back({member, static_cast<std::uint8_t>(bit)});
      }
      row.needs = static_cast<std::uint8_t>(row.needs | bit);
      bit <<= 1U;
    }
  }
  std::vector<const char*> pointers;
  std::vector<unsigned> flags;
  for (std::size_t id = 0; id < texts.size(); ++id) {
    pointers.push_back(texts[id].c_str());
    const Row& row = made->rows_[made->entries_[id].member];
    const bool once = (subjects != Subjects::lines && row.times == 1) || row.certain;
    flags.push_back(HS_FLAG_ALLOWEMPTY | (once ? HS_FLAG_SINGLEMATCH : 0U));
  }
  made->finish();
  if (texts.empty()) return made;
  made->handle_ = library.make(pointers, flags);
  // Each went through alone; what fails for all together is memory, and PCRE2 serves.
  if (made->handle_ == nullptr) return nullptr;
  return made;
}

}  // namespace ringpost::patterns
