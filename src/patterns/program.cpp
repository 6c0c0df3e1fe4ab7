#include "program.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"

namespace ringpost::patterns {

namespace {

constexpr std::uint32_t kNowhere = UINT32_MAX;

// Where every match begins, as far as it is known.
enum class Begin : std::uint8_t { text, line, anywhere };
Begin begin_of(const Tree& tree, NodeIndex index) {
  const Node& node = tree[index];
  switch (node.kind) {
    case NodeKind::anchor:
      return node.anchor == Anchor::text_start   ? Begin::text
             : node.anchor == Anchor::line_start ? Begin::line
                                                 : Begin::anywhere;
    case NodeKind::capture:
      return begin_of(tree, node.children[0]);
    case NodeKind::sequence:
      return node.children.empty() ? Begin::anywhere : begin_of(tree, node.children[0]);
    case NodeKind::choice: {
      Begin begin = Begin::text;
      for (const NodeIndex child : node.children) begin = std::max(begin, begin_of(tree, child));
      return begin;
    }
    default:
      return Begin::anywhere;
  }
}

constexpr double kRareBits = 12;

// Looks for parts that go round over words and blanks alike. Once such a part is entered it stays, through most of what follows;
// with some of these an automaton has as many states as there are subsets of them. One that is entered rarely does no harm.
class Rounds {
 public:
  // A round that needs `bits` of its own ends soon enough.
  Rounds(const Tree& tree, double bits) : tree_(tree), bits_(bits) {}
  bool found() {
    pass(tree_.root, 0);
    return found_;
  }

 private:
  // About how many bits of text are needed to come through a part, with `before` to come to it.
  double pass(NodeIndex index, double before) {
    const Node& node = tree_[index];
    switch (node.kind) {
      case NodeKind::bytes:
        return kBytesBits * static_cast<double>(node.text.size());
      case NodeKind::set:
        return std::log2(256.0 / static_cast<double>(std::max<std::size_t>(node.set.count(), 1)));
      case NodeKind::sequence: {
        double sum = 0;
        for (const NodeIndex child : node.children) sum += pass(child, before + sum);
        return sum;
      }
      case NodeKind::choice:
      case NodeKind::conditional: {
        double least = before + kRareBits;
        for (const NodeIndex child : node.children) least = std::min(least, pass(child, before));
        return least;
      }
      case NodeKind::repeat: {
        const double once = pass(node.children[0], before);
        if (node.max == kUnbounded && before < kRareBits && once < bits_ && is_prose(node.children[0]))
          found_ = true;
        return once * node.min;
      }
      case NodeKind::back_reference:
      case NodeKind::recursion:
        found_ = found_ || before < kRareBits;
        return 0;
      case NodeKind::capture:
        return pass(node.children[0], before);
      default:
        return 0;
    }
  }
  // Any words with blanks between, as far as sets that go round or stand alone make them.
  bool is_prose(NodeIndex index) const {
    bool letters = false, blanks = false;
    collect(index, letters, blanks);
    return letters && blanks;
  }
  void collect(NodeIndex index, bool& letters, bool& blanks) const {
    const Node& node = tree_[index];
    if (node.kind == NodeKind::set) {
      letters = letters || (node.set['e'] && node.set['t'] && node.set['z']);
      blanks = blanks || node.set[' '] || node.set['\n'];
    }
    if (node.kind == NodeKind::bytes) blanks = blanks || node.text.contains(' ');
    for (const NodeIndex child : node.children) collect(child, letters, blanks);
  }

  static constexpr double kBytesBits = 4;
  const Tree& tree_;
  double bits_;
  bool found_ = false;
};

bool is_nullable(const Tree& tree) {
  return traits_of(tree).width_min == 0;
}

}  // namespace

// From back to front: each part is given where a match of it goes on, and says where one begins.
class ProgramWriter {
 public:
  ProgramWriter(Program& program, const Tree& tree) : program_(program), tree_(tree), size_(program.size()) {}

  std::uint32_t write(NodeIndex index, std::uint32_t next) {
    if (next == kNowhere || failed()) return kNowhere;
    const Node& node = tree_[index];
    switch (node.kind) {
      case NodeKind::never:
        return kNowhere;
      case NodeKind::bytes:
        for (std::size_t i = node.text.size(); i-- > 0;) {
          const ByteSet set = bytes_of(std::string_view(node.text).substr(i, 1));
          next = add({Program::Kind::byte, program_.set_number(node.caseless ? folded(set) : set), next});
        }
        return next;
      case NodeKind::set:
        return add({Program::Kind::byte, program_.set_number(node.set), next});
      case NodeKind::sequence:
        for (std::size_t i = node.children.size(); i-- > 0;) next = write(node.children[i], next);
        return next;
      case NodeKind::choice:
      case NodeKind::conditional:
        return choice(node, next);
      case NodeKind::capture:
        return write(node.children[0], next);
      case NodeKind::look:
        return node.look == Look::atomic ? write(node.children[0], next) : next;
      case NodeKind::repeat:
        return repeat(node, next);
      case NodeKind::back_reference:
      case NodeKind::recursion:
        return anything(next);
      case NodeKind::empty:
      case NodeKind::anchor:
        return next;
    }
    return next;
  }
  bool failed() const { return program_.size() - size_ > kProgramPartMax || program_.size() > kProgramMax; }
  std::uint32_t add(Program::Step step) {
    program_.steps_.push_back(step);
    return static_cast<std::uint32_t>(program_.steps_.size() - 1);
  }

 private:
  std::uint32_t either(std::uint32_t one, std::uint32_t other) {
    if (one == kNowhere) return other;
    return other == kNowhere ? one : add({Program::Kind::split, other, one});
  }
  std::uint32_t choice(const Node& node, std::uint32_t next) {
    std::uint32_t begin = kNowhere;
    for (const NodeIndex child : node.children) begin = either(write(child, next), begin);
    return begin;
  }
  std::uint32_t around(NodeIndex inside, std::uint32_t next) {
    const std::uint32_t loop = add({Program::Kind::split, next, next});
    const std::uint32_t begin = write(inside, loop);
    if (begin != kNowhere) program_.steps_[loop].next = begin;
    return loop;
  }
  std::uint32_t repeat(const Node& node, std::uint32_t next) {
    const NodeIndex inside = node.children[0];
    std::uint32_t begin = next;
    if (node.max == kUnbounded) {
      begin = around(inside, next);
    } else {
      for (std::uint32_t n = node.min; n < node.max && !failed(); ++n)
        begin = either(write(inside, begin), next);
    }
    for (std::uint32_t n = 0; n < node.min && !failed(); ++n) begin = write(inside, begin);
    return begin;
  }
  std::uint32_t anything(std::uint32_t next) {
    const std::uint32_t loop = add({Program::Kind::split, next, next});
    program_.steps_[loop].next = add({Program::Kind::byte, program_.set_number(~ByteSet{}), loop});
    return loop;
  }

  Program& program_;
  const Tree& tree_;
  std::size_t size_;
};

bool Program::add(const Tree& tree, std::uint32_t member, Company company) {
  const double bits = company == Company::alone ? kRareBits : std::numeric_limits<double>::infinity();
  const Begin where = begin_of(tree, tree.root);
  if (is_nullable(tree) || (where != Begin::text && Rounds(tree, bits).found())) return false;
  const std::size_t before = steps_.size();
  ProgramWriter writer(*this, tree);
  const std::uint32_t begin = writer.write(tree.root, writer.add({Kind::match, member, 0}));
  if (begin == kNowhere || writer.failed()) {
    steps_.resize(before);
    return false;
  }
  ++members_;
  if (where != Begin::anywhere) anchored_.push_back(begin);
  if (where == Begin::anywhere) starts_.push_back(begin);
  // A line begins behind a newline too.
  if (where == Begin::line) starts_.push_back(writer.add({Kind::byte, set_number(bytes_of("\n")), begin}));
  return true;
}

std::uint32_t Program::set_number(const ByteSet& set) {
  const auto number = static_cast<std::size_t>(std::ranges::find(sets_, set) - sets_.begin());
  if (number == sets_.size()) sets_.push_back(set);
  return static_cast<std::uint32_t>(number);
}

std::vector<std::uint32_t> Program::matched() const {
  std::vector<std::uint32_t> members;
  for (const Step& step : steps_)
    if (step.kind == Kind::match) members.push_back(step.set);
  return members;
}

// Bytes are told apart by one set after the other.
void Program::finish() {
  constexpr std::uint32_t kNone = UINT32_MAX;
  groups_.fill(0);
  group_count_ = 1;
  for (const ByteSet& set : sets_) {
    // Of each group, what becomes of those outside of the set and those in it.
    std::array<std::array<std::uint32_t, 2>, 256> parts{};
    for (auto& part : parts) part = {kNone, kNone};
    std::uint32_t count = 0;
    for (unsigned byte = 0; byte < 256; ++byte) {
      std::uint32_t& part = parts[groups_[byte]][set[byte] ? 1 : 0];
      if (part == kNone) part = count++;
      groups_[byte] = static_cast<std::uint8_t>(part);
    }
    group_count_ = count;
  }
  set_groups_.assign(sets_.size(), {});
  for (std::size_t set = 0; set < sets_.size(); ++set)
    for (unsigned byte = 0; byte < 256; ++byte)
      if (sets_[set][byte]) set_groups_[set].set(groups_[byte]);
}

// counts of steps, sets, starts, anchored (u32 each) | steps | sets, 32 bytes each | starts | anchored
void Program::write(std::string& out) const {
  const auto put = [&](const void* from, std::size_t size) {
    out.append(static_cast<const char*>(from), size);
  };
  const std::array<std::uint32_t, 4> counts{
      static_cast<std::uint32_t>(steps_.size()), static_cast<std::uint32_t>(sets_.size()),
      static_cast<std::uint32_t>(starts_.size()), static_cast<std::uint32_t>(anchored_.size())};
  put(counts.data(), sizeof counts);
  put(steps_.data(), steps_.size() * sizeof(Step));
  for (const ByteSet& set : sets_) {
    const PackedSet bytes = packed(set);
    put(bytes.data(), bytes.size());
  }
  put(starts_.data(), starts_.size() * sizeof(std::uint32_t));
  put(anchored_.data(), anchored_.size() * sizeof(std::uint32_t));
}

std::optional<Program> Program::read(std::string_view& bytes, std::size_t members) {
  const auto take = [&](void* to, std::size_t size) {
    if (size > bytes.size()) return false;
    if (size > 0) std::memcpy(to, bytes.data(), size);
    bytes.remove_prefix(size);
    return true;
  };
  std::array<std::uint32_t, 4> counts{};
  if (!take(counts.data(), sizeof counts)) return std::nullopt;
  if (std::ranges::any_of(counts, [&](std::uint32_t count) { return count > bytes.size(); }))
    return std::nullopt;
  Program program;
  program.steps_.resize(counts[0]);
  program.sets_.resize(counts[1]);
  program.starts_.resize(counts[2]);
  program.anchored_.resize(counts[3]);
  if (!take(program.steps_.data(), counts[0] * sizeof(Step))) return std::nullopt;
  for (ByteSet& set : program.sets_) {
    PackedSet packed{};
    if (!take(packed.data(), packed.size())) return std::nullopt;
    set = unpacked(packed);
  }
  if (!take(program.starts_.data(), counts[2] * sizeof(std::uint32_t)) ||
      !take(program.anchored_.data(), counts[3] * sizeof(std::uint32_t)))
    return std::nullopt;
  // A number that points nowhere is not what was written.
  for (const Step& step : program.steps_) {
    const std::size_t second = step.kind == Kind::byte    ? counts[1]
                               : step.kind == Kind::split ? counts[0]
                                                          : members;
    if (step.kind > Kind::match || step.set >= second || step.next >= counts[0]) return std::nullopt;
  }
  for (const auto* list : {&program.starts_, &program.anchored_})
    if (std::ranges::any_of(*list, [&](std::uint32_t at) { return at >= counts[0]; })) return std::nullopt;
  program.members_ = program.matched().size();
  return program;
}

}  // namespace ringpost::patterns
