// The pass of the databases over a mail: each group's text once, then PCRE2 where the answer is not certain.
#include <algorithm>

#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/scan.hpp"

namespace ringpost::filter {

using patterns::Match;

void Scan::scan_group(std::uint32_t index) {
  const Engine::Group& group = engine_->groups()[index];
  bool more = false;
  switch (group.input) {
    case Engine::Input::header:
      scan_header(group);
      break;
    case Engine::Input::mimeheader:
      scan_parts(group);
      break;
    case Engine::Input::body:
      more = scan_lines(group, message_.body());
      break;
    case Engine::Input::uri:
      more = scan_lines(group, message_.uris());
      break;
    case Engine::Input::full:
      scan_whole(group, message_.full());
      break;
    case Engine::Input::rawbody: {
      const auto chunks = message_.rawbody();
      if (next_line_ < chunks.size()) scan_whole(group, chunks[next_line_++]);
      more = next_line_ < chunks.size();
      break;
    }
  }
  if (more) return;
  if (group.input != Engine::Input::header) finish_group(group);
  next_line_ = 0;
  ++next_;
}

// What the database did not name has not hit. The rest is searched when somebody asks: a scored rule at once, a part when its
// meta still depends on it.
void Scan::finish_group(const Engine::Group& group) {
  for (std::uint32_t n = 0; n < group.rules.size(); ++n) {
    const std::uint32_t rule = group.rules[n];
    if (hits_[rule] != kUnknown) continue;
    const bool named = group.set->in_hyperscan() && group.set->way(n) != patterns::Way::alone;
    if (candidate_[rule] || !named) {
      if (!engine_->rules().rule(rule).hidden()) hits(rule);
      continue;
    }
    hits_[rule] = engine_->rules().rule(rule).negated ? 1 : 0;
  }
}

void Scan::scan_header(const Engine::Group& group) {
  const auto text = message_.header(group.request);
  if (!text) {
    for (const std::uint32_t rule : group.rules)
      if (hits_[rule] == kUnknown)
        hits_[rule] = engine_->hits_unset(rule, scratch_) != engine_->rules().rule(rule).negated ? 1 : 0;
    return;
  }
  scan_whole(group, *text);
  finish_group(group);
}

// Candidates of one subject. A part (rawbody has many subjects) that is certain is settled here, the others by finish_group.
void Scan::scan_whole(const Engine::Group& group, std::string_view subject) {
  if (!group.set->in_hyperscan() || !charge(subject.size())) return;
  group.set->candidates(subject, scratch_, [&](const patterns::Set::Candidate& candidate) {
    const std::uint32_t rule = group.rules[candidate.index];
    const Rule& one = engine_->rules().rule(rule);
    if (hits_[rule] != kUnknown) return;
    if (candidate.certain && !one.flags.multiple && engine_->captures(rule) == nullptr)
      hits_[rule] = one.negated ? 0 : 1;
    else
      candidate_[rule] = true;
  });
}

// Values of parts are short and mostly alike, or absent: no database, but no search either where the header is not there.
void Scan::scan_parts(const Engine::Group& group) {
  std::vector<std::optional<std::string>> values;
  bool any = false;
  for (std::size_t part = 0; part < message_.part_count(); ++part) {
    values.push_back(message_.part_header(part, group.request.name, group.request.raw));
    any = any || (values.back() && !values.back()->empty());
    if (values.back()) scan_whole(group, *values.back());
  }
  for (std::uint32_t n = 0; n < group.rules.size(); ++n) {
    const std::uint32_t rule = group.rules[n];
    // Certain for one part says nothing about a range of parts, or about those without the header.
    if (hits_[rule] != kUnknown && engine_->rules().rule(rule).flag_words.empty()) continue;
    candidate_[rule] = candidate_[rule] || hits_[rule] != kUnknown || engine_->hits_unset(rule, scratch_);
    hits_[rule] = kUnknown;
    if (!any && !candidate_[rule]) hits_[rule] = engine_->rules().rule(rule).negated ? 1 : 0;
  }
}

bool Scan::scan_lines(const Engine::Group& group, std::span<const std::string> lines) {
  if (!group.set->in_hyperscan()) return false;
  const std::size_t first = next_line_;
  joined_.clear();
  line_ends_.clear();
  while (next_line_ < lines.size() &&
         (joined_.empty() || joined_.size() + lines[next_line_].size() <= kStepBytes)) {
    joined_ += lines[next_line_++];
    if (!joined_.ends_with('\n')) joined_ += '\n';
    line_ends_.push_back(joined_.size());
  }
  if (!charge(joined_.size())) return false;
  group.set->candidates(joined_, scratch_, [&](const patterns::Set::Candidate& candidate) {
    const std::uint32_t rule = group.rules[candidate.index];
    const Rule& one = engine_->rules().rule(rule);
    if (hits_[rule] != kUnknown || candidate_[rule]) return;
    if (one.flags.multiple || one.flags.nosubject || engine_->captures(rule) != nullptr) {
      candidate_[rule] = true;
    } else if (candidate.certain) {
      hits_[rule] = 1;
    } else {
      // The match ended in this line, or took its newline.
      const std::size_t end = candidate.end == 0 ? 0 : candidate.end - 1;
      const auto at =
          static_cast<std::size_t>(std::ranges::upper_bound(line_ends_, end) - line_ends_.begin());
      const std::size_t line = first + std::min(at, line_ends_.size() - 1);
      if (search_one(rule, lines[line], 1) > 0)
        hits_[rule] = 1;
      else
        candidate_[rule] = true;
    }
  });
  return next_line_ < lines.size();
}

}  // namespace ringpost::filter
