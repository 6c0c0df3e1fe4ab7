#include "code.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

namespace {

constexpr int kTooLarge =
    120;  // PCRE2_ERROR_PATTERN_TOO_LARGE of pcre2_compile, which the header does not name
constexpr std::uint32_t kPairs = 32;  // groups whose place can be told

std::uint32_t options_of(const Flags& flags) {
  std::uint32_t options = PCRE2_DUPNAMES | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;
  if (flags.caseless) options |= PCRE2_CASELESS;
  if (flags.multiline) options |= PCRE2_MULTILINE;
  if (flags.dot_all) options |= PCRE2_DOTALL;
  if (flags.extended) options |= PCRE2_EXTENDED;
  if (flags.extended_more) options |= PCRE2_EXTENDED_MORE;
  if (flags.no_captures) options |= PCRE2_NO_AUTO_CAPTURE;
  return options;
}

struct Compiled {
  pcre2_code* code = nullptr;
  int error = 0;
  std::size_t offset = 0;
};

Compiled compile_text(std::string_view text, std::uint32_t options) {
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  RP_ASSERT(context != nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
  Compiled made;
  PCRE2_SIZE offset = 0;
  made.code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), options, &made.error,
                            &offset, context);
  made.offset = offset;
  pcre2_compile_context_free(context);
  return made;
}

// The bytes that a part is one of, if it is always one byte.
std::optional<ByteSet> one_byte(const Tree& tree, NodeIndex index) {
  const Node& node = tree[index];
  switch (node.kind) {
    case NodeKind::never:
      return ByteSet{};
    case NodeKind::set:
      return node.set;
    case NodeKind::bytes:
      if (node.text.size() != 1) return std::nullopt;
      return node.caseless ? folded(bytes_of(node.text)) : bytes_of(node.text);
    case NodeKind::choice: {
      ByteSet all;
      for (const NodeIndex child : node.children) {
        const auto one = one_byte(tree, child);
        if (!one) return std::nullopt;
        all |= *one;
      }
      return all;
    }
    default:
      return std::nullopt;
  }
}

std::string message_of(const Compiled& made) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(made.error, text.data(), text.size());
  const bool look_behind = made.error == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH;
  return fmt::format("{} at offset {}{}", reinterpret_cast<const char*>(text.data()), made.offset,
                     look_behind ? "; write it without the look behind, or one for each length" : "");
}

}  // namespace

Scratch::State::State()
    : context(pcre2_match_context_create(nullptr)),
      matches(pcre2_match_data_create(kPairs, nullptr)),
      jit_stack(pcre2_jit_stack_create(32 * 1024, kJitStackSize, nullptr)) {
  RP_ASSERT(context != nullptr && matches != nullptr && jit_stack != nullptr);
  pcre2_set_match_limit(context, kMatchLimit);
  pcre2_set_heap_limit(context, kHeapLimitKib);
  pcre2_jit_stack_assign(context, nullptr, jit_stack);
}

Scratch::State::~State() {
  pcre2_match_data_free(matches);
  pcre2_match_context_free(context);
  pcre2_jit_stack_free(jit_stack);
  hs_free_scratch(hyperscan);
}

bool Scratch::State::fit(const hs_database_t* database) {
  return hs_alloc_scratch(database, &hyperscan) == HS_SUCCESS;
}

// Those of sets that are gone are among them: nobody tells.
void Scratch::State::tidy() {
  std::size_t memory = 0;
  for (const auto& [number, each] : known)
    for (const auto* list : {&each.automata, &each.gates})
      for (const auto& automaton : *list) memory += automaton != nullptr ? automaton->memory() : 0;
  if (memory > kAutomataMemoryMax || known.size() > kKnownDatabasesMax) known.clear();
}

Scratch::Scratch() : state_(std::make_unique<State>()) {}
Scratch::~Scratch() = default;
Scratch::Scratch(Scratch&& other) noexcept = default;
Scratch& Scratch::operator=(Scratch&& other) noexcept = default;

Result<std::unique_ptr<const Code>> Code::compile(const Pattern& pattern) {
  if (pattern.expression.size() > kExpressionSizeMax)
    return fail(ErrorKind::permanent, "the expression is too long");
  const std::optional<Tree> tree = parse(pattern);
  Compiled made = compile_text(tree ? tree->pcre2 : pattern.expression, options_of(pattern.flags));
  // Too large: what it says often is said once.
  if (made.code == nullptr && made.error == kTooLarge && tree)
    made = compile_text(emit(*tree, {.subroutines = true}), options_of({}));
  if (made.code == nullptr) return fail(ErrorKind::permanent, message_of(made));
  std::unique_ptr<Code> code(new Code(made.code));
  if (tree)
    if (const Tree ascii = in_ascii(*tree); const auto set = one_byte(ascii, ascii.root))
      code->one_byte_ = std::make_unique<const ByteSet>(*set);
  return code;
}

Code::~Code() {
  pcre2_code_free(fast_.load(std::memory_order_relaxed));
  pcre2_code_free(code_);
}

void Code::consider_jit() const {
  // Exactly one caller sees this number.
  if (searches_.fetch_add(1, std::memory_order_relaxed) != kSearchesBeforeJit) return;
  pcre2_code* copy = pcre2_code_copy(code_);
  if (copy == nullptr) return;
  if (pcre2_jit_compile(copy, PCRE2_JIT_COMPLETE) == 0)
    fast_.store(copy, std::memory_order_release);
  else
    pcre2_code_free(copy);
}

Match Code::search(std::string_view subject, std::size_t from, Scratch& scratch,
                   std::span<Span> spans) const {
  Scratch::State& state = scratch.state();
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
  const pcre2_code* fast = fast_.load(std::memory_order_acquire);
  if (fast == nullptr) consider_jit();
  const int count = fast != nullptr
                        ? pcre2_jit_match(fast, text, subject.size(), from, 0, state.matches, state.context)
                        : pcre2_match(code_, text, subject.size(), from, 0, state.matches, state.context);
  if (count == PCRE2_ERROR_NOMATCH) return Match::no;
  if (count < 0) {
    ++state.gave_up;
    return Match::gave_up;
  }
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(state.matches);
  const auto told = static_cast<std::size_t>(count == 0 ? static_cast<int>(kPairs) : count);
  for (std::size_t i = 0; i < spans.size(); ++i)
    spans[i] = i < told ? Span{ends[2 * i], ends[2 * i + 1]} : Span{SIZE_MAX, SIZE_MAX};
  return Match::yes;
}

std::uint32_t Code::count(std::string_view subject, std::uint32_t max, Scratch& scratch) const {
  std::uint32_t hits = 0;
  if (one_byte_ != nullptr && is_ascii(subject)) {
    for (std::size_t at = 0; at < subject.size() && hits < max; ++at)
      hits += (*one_byte_)[static_cast<unsigned char>(subject[at])] ? 1 : 0;
    return hits;
  }
  std::size_t from = 0;
  std::array<Span, 1> span{};
  while (hits < max && from <= subject.size() && search(subject, from, scratch, span) == Match::yes) {
    // An empty match steps on by one byte.
    const bool empty = span[0].start >= span[0].end;
    ++hits;
    from = empty ? span[0].end + 1 : span[0].end;
  }
  return hits;
}

unsigned Code::group(std::string_view name) const {
  const std::string terminated(name);
  const int number =
      pcre2_substring_number_from_name(code_, reinterpret_cast<PCRE2_SPTR>(terminated.c_str()));
  return number > 0 ? static_cast<unsigned>(number) : 0;
}

Expression::Expression(std::unique_ptr<const Code> code) : code_(std::move(code)) {}
Expression::~Expression() = default;
Expression::Expression(Expression&& other) noexcept = default;
Expression& Expression::operator=(Expression&& other) noexcept = default;

Result<Expression> Expression::compile(const Pattern& pattern) {
  return Expression(RP_TRY(Code::compile(pattern)));
}
Match Expression::search(std::string_view subject, Scratch& scratch) const {
  return code_->search(subject, 0, scratch, {});
}
Match Expression::search(std::string_view subject, std::size_t from, Scratch& scratch,
                         std::span<Span> spans) const {
  return code_->search(subject, from, scratch, spans);
}
std::uint32_t Expression::count(std::string_view subject, std::uint32_t max, Scratch& scratch) const {
  return code_->count(subject, max, scratch);
}
unsigned Expression::group(std::string_view name) const {
  return code_->group(name);
}

}  // namespace ringpost::patterns
