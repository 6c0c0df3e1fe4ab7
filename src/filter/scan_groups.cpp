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
      if (next_line_ < chunks.size()) {
        scan_whole(group, chunks[next_line_], static_cast<std::uint32_t>(next_line_));
        ++next_line_;
      }
      more = next_line_ < chunks.size();
      break;
    }
  }
  if (more) return;
  // By rule, so that each finds its own.
  std::ranges::sort(suspects_.begin() + static_cast<std::ptrdiff_t>(index == 0 ? 0 : group_ends_[index - 1]),
                    suspects_.end());
  group_ends_.push_back(suspects_.size());
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
    if (candidate_[rule] != Candidate::no || !group.set->in_hyperscan()) {
      if ((engine_->traits(rule) & Engine::kHidden) == 0) hits(rule);
      continue;
    }
    hits_[rule] = (engine_->traits(rule) & Engine::kNegated) != 0 ? 1 : 0;
  }
}

void Scan::scan_header(const Engine::Group& group) {
  const auto text = message_.header(group.request);
  if (!text) {
    for (const std::uint32_t rule : group.rules)
      if (hits_[rule] == kUnknown)
        hits_[rule] =
            engine_->hits_unset(rule, scratch_) != ((engine_->traits(rule) & Engine::kNegated) != 0) ? 1 : 0;
    return;
  }
  scan_whole(group, *text);
  finish_group(group);
}

// A match that is certain settles the rule, unless how often and where it matches is asked too.
void Scan::note(std::uint32_t rule, const patterns::Set::Candidate& candidate, std::uint32_t subject) {
  if (hits_[rule] != kUnknown) return;
  const std::uint8_t traits = engine_->traits(rule);
  const bool plain = (traits & (Engine::kMultiple | Engine::kNoSubject | Engine::kCaptures)) == 0;
  if (candidate.certain && plain)
    hits_[rule] = (traits & Engine::kNegated) != 0 ? 0 : 1;
  else if (candidate.certain || (traits & Engine::kNoSubject) != 0 || subject == patterns::Set::kEverySubject)
    candidate_[rule] = Candidate::anywhere;
  else if (candidate_[rule] != Candidate::anywhere) {
    candidate_[rule] = Candidate::listed;
    suspects_.push_back({rule, subject});
  }
}

void Scan::scan_whole(const Engine::Group& group, std::string_view subject, std::uint32_t number) {
  if (!group.set->in_hyperscan() || !charge(subject.size())) return;
  group.set->candidates(subject, scratch_, [&](const patterns::Set::Candidate& candidate) {
    note(group.rules[candidate.index], candidate, number);
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
    if (hits_[rule] != kUnknown || engine_->hits_unset(rule, scratch_))
      candidate_[rule] = Candidate::anywhere;
    hits_[rule] = kUnknown;
    if (!any && candidate_[rule] == Candidate::no)
      hits_[rule] = (engine_->traits(rule) & Engine::kNegated) != 0 ? 1 : 0;
  }
}

bool Scan::scan_lines(const Engine::Group& group, std::span<const std::string> lines) {
  if (!group.set->in_hyperscan()) return false;
  const std::size_t first = next_line_;
  std::size_t bytes = 0;
  while (next_line_ < lines.size() && (bytes == 0 || bytes + lines[next_line_].size() <= kStepBytes))
    bytes += lines[next_line_++].size();
  if (next_line_ == first || !charge(bytes)) return false;
  group.set->candidates(
      lines.subspan(first, next_line_ - first), scratch_, [&](const patterns::Set::Candidate& candidate) {
        const bool every = candidate.subject == patterns::Set::kEverySubject;
        note(group.rules[candidate.index], candidate,
             every ? candidate.subject : static_cast<std::uint32_t>(first + candidate.subject));
      });
  return next_line_ < lines.size();
}

}  // namespace ringpost::filter
