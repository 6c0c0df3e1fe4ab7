// A tree as text again: for Hyperscan, exactly or as a prefilter that matches wherever the original does, and for PCRE2.
#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "byte_sets.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

namespace {

constexpr const char* kAnything = "(?s:.*)";
// How deep back-references may stand in the groups that they stand for.
constexpr unsigned kReferencesMax = 4;
// Hyperscan takes no larger repeat.
constexpr std::uint32_t kHyperscanRepeatMax = 32'767;
// Shorter parts are not worth a subroutine.
constexpr std::size_t kSubroutineSizeMin = 40;

// The first bytes of a node, those that may follow, and how wide it can be.
struct Reach {
  ByteSet first;
  ByteSet rest;
  bool nullable = false;
  std::size_t min = 0, max = 0;  // max SIZE_MAX: no end

  static Reach nothing() { return {{}, {}, false, SIZE_MAX, 0}; }
  Reach either(const Reach& other) const {
    return {first | other.first, rest | other.rest, nullable || other.nullable, std::min(min, other.min),
            std::max(max, other.max)};
  }
};
// A choice of what looks like one letter, wide as a numeric character reference.
constexpr std::size_t kLetterWidthMax = 10;
// How far a loose expression counts the bytes of one class, and larger parts.
constexpr std::uint32_t kCountedMax = 6;
constexpr std::uint32_t kCountedPartsMax = 3;

class Emitter {
 public:
  Emitter(const Tree& tree, const Emission& how, bool takes_newline)
      : tree_(tree), how_(how), takes_newline_(takes_newline) {}

  std::string run() {
    if (how_.subroutines) count(tree_.root);
    std::string text = node(tree_.root);
    if (definitions_.empty()) return text;
    text = "(?:" + text + ")(?(DEFINE)";
    for (const std::string& definition : definitions_) text += definition;
    return text + ")";
  }

 private:
  // As text that a quantifier may follow.
  std::string atom(NodeIndex index) {
    const Node& node = tree_[index];
    std::string text = this->node(index);
    const bool single = node.kind == NodeKind::set ||
                        (node.kind == NodeKind::bytes && (node.caseless || node.text.size() == 1)) ||
                        node.kind == NodeKind::capture || (!how_.hyperscan && node.kind == NodeKind::look);
    return single ? text : "(?:" + text + ")";
  }

  std::string node(NodeIndex index) {
    const Node& node = tree_[index];
    std::string text = plain(node);
    if (!how_.subroutines || text.size() < kSubroutineSizeMin || node.kind != NodeKind::choice) return text;
    const auto counted = counts_.find(written(index));
    if (counted == counts_.end() || counted->second.count < 2 || counted->second.captures) return text;
    if (counted->second.name.empty()) counted->second.name = define(text);
    return fmt::format("(?&{})", counted->second.name);
  }

  // The name of a subroutine with this text.
  std::string define(std::string_view text) {
    std::string name = fmt::format("d{}", definitions_.size());
    definitions_.push_back(fmt::format("(?<{}>{})", name, text));
    return name;
  }

  std::string plain(const Node& node) {
    switch (node.kind) {
      case NodeKind::empty:
        return {};
      case NodeKind::never:
        return how_.hyperscan ? "" : "(?!)";
      case NodeKind::bytes:
        return bytes(node);
      case NodeKind::set:
        return class_text(node.set);
      case NodeKind::sequence:
        return sequence(node);
      case NodeKind::choice:
        return choice(node);
      case NodeKind::repeat:
        return repeat(node);
      case NodeKind::capture:
        return (how_.hyperscan ? "(?:" : "(") + this->node(node.children[0]) + ")";
      case NodeKind::look:
        return look(node);
      case NodeKind::anchor:
        return how_.hyperscan ? hyperscan_anchor(node.anchor) : pcre2_anchor(node.anchor);
      case NodeKind::back_reference:
        return back_reference(node);
      case NodeKind::recursion:
        return how_.hyperscan ? kAnything : fmt::format("(?{})", node.number);
      case NodeKind::conditional:
        return how_.hyperscan ? choice(node)
                              : fmt::format("(?({}){}|{})", node.number, this->node(node.children[0]),
                                            this->node(node.children[1]));
    }
    return {};
  }

  std::string bytes(const Node& node) {
    std::string text;
    for (const char c : node.text) text += byte_text(static_cast<unsigned char>(c));
    return node.caseless ? "(?i:" + text + ")" : text;
  }

  std::string sequence(const Node& node) {
    std::string text;
    for (const NodeIndex child : node.children) {
      const NodeKind kind = tree_[child].kind;
      text += kind == NodeKind::choice ? atom(child) : this->node(child);
    }
    return text;
  }

  std::string choice(const Node& node) {
    std::string text;
    bool first = true;
    for (const NodeIndex child : node.children) {
      if (tree_[child].kind == NodeKind::never && how_.hyperscan) continue;
      if (!std::exchange(first, false)) text += '|';
      text += this->node(child);
    }
    if (node.kind == NodeKind::conditional) text = "(?:" + text + ")";
    return how_.hyperscan && text.size() > how_.coarse ? coarse(node, std::move(text)) : text;
  }

  std::string coarse(const Node& node, std::string text) {
    if (how_.letters) return letter(node, std::move(text));
    Reach reach = Reach::nothing();
    for (const NodeIndex child : node.children) reach = reach.either(reach_of(child));
    if (reach.max == SIZE_MAX || reach.first.none()) return text;
    const std::string rest =
        reach.max > 1 ? fmt::format("(?s:.){{{},{}}}", reach.min > 0 ? reach.min - 1 : 0, reach.max - 1) : "";
    const std::string some = class_text(reach.first) + rest;
    return reach.nullable || reach.min == 0 ? "(?:" + some + ")?" : some;
  }

  // The many ways to write one letter: single bytes, then by their first byte those with more; what begins beyond ASCII is one.
  std::string letter(const Node& node, std::string text) {
    Reach single = Reach::nothing();
    std::map<unsigned, Reach> longer;
    for (const NodeIndex child : node.children) {
      if (tree_[child].kind == NodeKind::never) continue;
      const Reach one = reach_of(child);
      if (one.nullable || one.min == 0 || one.max > kLetterWidthMax || one.first.none()) return text;
      if (one.max == 1) {
        single = single.either(one);
        continue;
      }
      for (unsigned byte = 0; byte < 256; ++byte) {
        if (!one.first[byte]) continue;
        Reach& of_lead = longer.try_emplace(std::min(byte, 128U), Reach::nothing()).first->second;
        of_lead = of_lead.either({ByteSet{}.set(byte), one.rest, false, one.min, one.max});
      }
    }
    std::string parts = single.max > 0 ? class_text(single.first) : "";
    for (const auto& [lead, reach] : longer)
      parts += fmt::format("{}{}{}{{{},{}}}", parts.empty() ? "" : "|", class_text(reach.first),
                           class_text(reach.rest), reach.min - 1, reach.max - 1);
    return parts.size() < text.size() ? parts : text;
  }

  Reach reach_of(NodeIndex index) {
    const Node& node = tree_[index];
    switch (node.kind) {
      case NodeKind::bytes: {
        const std::string_view text = node.text;
        const ByteSet first = bytes_of(text.substr(0, 1)), rest = bytes_of(text.substr(1));
        return {node.caseless ? folded(first) : first, node.caseless ? folded(rest) : rest, false,
                text.size(), text.size()};
      }
      case NodeKind::set:
        return {node.set, {}, false, 1, 1};
      case NodeKind::capture:
        return reach_of(node.children[0]);
      case NodeKind::sequence: {
        Reach sum{{}, {}, true, 0, 0};
        for (const NodeIndex child : node.children) {
          const Reach one = reach_of(child);
          sum.rest |= one.rest;
          if (sum.max > 0) sum.rest |= one.first;
          if (sum.nullable) sum.first |= one.first;
          sum.nullable = sum.nullable && one.nullable;
          sum.min += one.min;
          sum.max = one.max == SIZE_MAX || sum.max == SIZE_MAX ? SIZE_MAX : sum.max + one.max;
        }
        return sum;
      }
      case NodeKind::choice:
      case NodeKind::conditional: {
        Reach sum = Reach::nothing();
        for (const NodeIndex child : node.children) sum = sum.either(reach_of(child));
        return sum;
      }
      case NodeKind::repeat: {
        const Reach once = reach_of(node.children[0]);
        const bool endless = node.max == kUnbounded || once.max == SIZE_MAX;
        return {once.first, node.max > 1 ? once.first | once.rest : once.rest, once.nullable || node.min == 0,
                once.min * node.min, endless ? SIZE_MAX : once.max * node.max};
      }
      case NodeKind::look:
        if (node.look == Look::atomic) return reach_of(node.children[0]);
        return {{}, {}, true, 0, 0};
      case NodeKind::empty:
      case NodeKind::anchor:
        return {{}, {}, true, 0, 0};
      case NodeKind::never:
        return {{}, {}, false, 0, 0};
      default:
        return {~ByteSet{}, ~ByteSet{}, true, 0, SIZE_MAX};
    }
  }

  // PCRE2 writes a part out as often as it may be repeated; a call of it is small.
  std::string repeated(const Node& node) {
    std::string inside = atom(node.children[0]);
    const bool often = std::max(node.min, node.max == kUnbounded ? 0 : node.max) > 1;
    if (!how_.subroutines || !often || inside.size() < kSubroutineSizeMin || has_captures(node.children[0]))
      return inside;
    return fmt::format("(?:(?&{}))", define(inside));
  }

  std::string repeat(const Node& node) {
    std::string inside = repeated(node);
    if (how_.hyperscan && (inside == "(?:)" || inside == "(?:(?:))")) return {};
    std::uint32_t max = node.max;
    std::uint32_t min = node.min;
    if (how_.hyperscan && max != kUnbounded && max > kHyperscanRepeatMax) max = kUnbounded;
    if (how_.hyperscan) min = std::min(min, kHyperscanRepeatMax);
    if (how_.letters) {
      // A machine that counts is large; one that goes round is not.
      const std::uint32_t counted =
          tree_[node.children[0]].kind == NodeKind::set ? kCountedMax : kCountedPartsMax;
      min = std::min(min, counted);
      if (max > counted) max = kUnbounded;
      if (how_.rounds && max > 1 && counted == kCountedPartsMax) max = kUnbounded;
    }
    if (min == 0 && max == kUnbounded)
      inside += '*';
    else if (min == 1 && max == kUnbounded)
      inside += '+';
    else if (min == 0 && max == 1)
      inside += '?';
    else if (max == kUnbounded)
      inside += fmt::format("{{{},}}", min);
    else
      inside += fmt::format("{{{},{}}}", min, max);
    if (!how_.hyperscan && node.greed != Greed::greedy) inside += node.greed == Greed::lazy ? '?' : '+';
    return inside;
  }

  std::string look(const Node& node) {
    if (how_.hyperscan) return node.look == Look::atomic ? "(?:" + this->node(node.children[0]) + ")" : "";
    const char* opening = node.look == Look::ahead        ? "(?="
                          : node.look == Look::not_ahead  ? "(?!"
                          : node.look == Look::behind     ? "(?<="
                          : node.look == Look::not_behind ? "(?<!"
                                                          : "(?>";
    return opening + this->node(node.children[0]) + ")";
  }

  static std::string pcre2_anchor(Anchor anchor) {
    switch (anchor) {
      case Anchor::text_start:
        return "\\A";
      case Anchor::line_start:
        return "(?m:^)";
      case Anchor::text_end:
        return "\\z";
      case Anchor::text_end_or_newline:
        return "\\Z";
      case Anchor::line_end:
        return "(?m:$)";
      case Anchor::word:
        return "\\b";
      case Anchor::not_word:
        return "\\B";
      case Anchor::other:
        return "\\G";
    }
    return {};
  }
  // Among lines, the start of the text is the start of a line; its end is harder: the newline may have been taken already.
  std::string hyperscan_anchor(Anchor anchor) const {
    if (anchor == Anchor::word) return "\\b";
    if (anchor == Anchor::not_word) return "\\B";
    if (!how_.anchors || anchor == Anchor::other) return {};
    switch (anchor) {
      case Anchor::text_start:
        return how_.lines ? "(?m:^)" : "^";
      case Anchor::line_start:
        return "(?m:^)";
      case Anchor::text_end:
        return how_.lines ? "" : "\\z";
      case Anchor::text_end_or_newline:
        return !how_.lines ? "$" : takes_newline_ ? "" : "(?m:$)";
      case Anchor::line_end:
        return how_.lines && takes_newline_ ? "" : "(?m:$)";
      default:
        return {};
    }
  }

  std::string back_reference(const Node& node) {
    if (!how_.hyperscan) {
      const std::string text = fmt::format("\\g{{{}}}", node.number);
      return node.caseless ? "(?i:" + text + ")" : text;
    }
    if (references_ == kReferencesMax || node.caseless) return kAnything;
    ++references_;
    std::string text = "(?:" + this->node(tree_[tree_.captures[node.number - 1]].children[0]) + ")";
    --references_;
    return text.size() > 2000 ? kAnything : text;
  }

  // The same part, wherever it stands, has the same text here.
  std::string written(NodeIndex index) {
    Emission plain;
    Emitter other(tree_, plain, takes_newline_);
    return other.node(index);
  }
  void count(NodeIndex index) {
    const Node& node = tree_[index];
    if (node.kind == NodeKind::choice) {
      Counted& counted = counts_[written(index)];
      ++counted.count;
      counted.captures = counted.captures || has_captures(index);
    }
    for (const NodeIndex child : node.children) count(child);
  }
  bool has_captures(NodeIndex index) const {
    const Node& node = tree_[index];
    if (node.kind == NodeKind::capture || node.kind == NodeKind::back_reference ||
        node.kind == NodeKind::conditional)
      return true;
    return std::ranges::any_of(node.children, [&](NodeIndex child) { return has_captures(child); });
  }

  struct Counted {
    unsigned count = 0;
    bool captures = false;
    std::string name;
  };
  const Tree& tree_;
  const Emission& how_;
  bool takes_newline_;
  unsigned references_ = 0;
  std::map<std::string, Counted> counts_;
  std::vector<std::string> definitions_;
};

}  // namespace

std::string emit(const Tree& tree, const Emission& emission) {
  const bool takes_newline = emission.lines && traits_of(tree).takes_newline;
  return Emitter(tree, emission, takes_newline).run();
}

}  // namespace ringpost::patterns
