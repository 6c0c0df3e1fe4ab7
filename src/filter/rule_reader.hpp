// Reads rule files line by line into a RuleSet. Lives for one call of load_rules().
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/rules.hpp"

#include "replace_tags.hpp"

namespace ringpost::filter {

class RuleReader {
 public:
  explicit RuleReader(const LoadOptions& options);
  void read(const RuleFile& file, unsigned depth = 0);
  std::shared_ptr<const RuleSet> finish();

 private:
  struct Condition {
    bool skipped_outside = false;
    std::uint32_t line = 0;
  };
  struct Score {
    std::array<double, 4> sets{};
    Place place;  // of the last line
  };
  using Handler = Result<void> (RuleReader::*)(std::string_view value);

  // --- rule_reader.cpp: lines and conditions
  void line(std::string_view text, unsigned depth);
  bool structure(std::string_view key, std::string_view value, unsigned depth);
  bool holds(std::string_view condition);
  bool can(std::string_view feature) const;
  static std::string subject_of(std::string_view key, std::string_view value);
  void include(std::string_view path, unsigned depth);
  void setting(std::string_view key, std::string_view value);
  void problem(Severity severity, Place place, std::string text);
  void problem(Severity severity, std::string text) { problem(severity, place_, std::move(text)); }
  static const std::map<std::string_view, Handler>& handlers();
  static Handler handler_of(std::string_view key);
  std::string mend_of(std::string_view key) const;

  // --- rule_lines.cpp: one line that defines or describes a rule
  Result<void> header_rule(std::string_view value);
  Result<void> body_rule(std::string_view value) { return text_rule(value, RuleKind::body, RuleArea::body); }
  Result<void> rawbody_rule(std::string_view value) {
    return text_rule(value, RuleKind::rawbody, RuleArea::rawbody);
  }
  Result<void> full_rule(std::string_view value) { return text_rule(value, RuleKind::full, RuleArea::full); }
  Result<void> uri_rule(std::string_view value) { return text_rule(value, RuleKind::uri, RuleArea::uri); }
  Result<void> text_rule(std::string_view value, RuleKind kind, RuleArea area);
  Result<void> mimeheader_rule(std::string_view value);
  Result<void> meta_rule(std::string_view value);
  Result<void> askdns_rule(std::string_view value);
  Result<void> reuse_rule(std::string_view value);
  Result<void> score_line(std::string_view value);
  Result<void> describe_line(std::string_view value);
  Result<void> priority_line(std::string_view value);
  Result<void> tflags_line(std::string_view value);
  Result<void> test_line(std::string_view value);
  Result<void> replace_tag_line(std::string_view value) { return keep_replacement(replace_.tags, value); }
  Result<void> replace_pre_line(std::string_view value) { return keep_replacement(replace_.before, value); }
  Result<void> replace_inter_line(std::string_view value) {
    return keep_replacement(replace_.between, value);
  }
  Result<void> replace_post_line(std::string_view value) { return keep_replacement(replace_.after, value); }
  static Result<void> keep_replacement(ReplaceTags::Texts& texts, std::string_view value);
  Result<void> replace_rules_line(std::string_view value);
  Result<void> replace_start_line(std::string_view value);
  Result<void> replace_end_line(std::string_view value);
  Result<void> loadplugin_line(std::string_view value);
  // Null: there are kRulesMax already.
  Result<Rule*> define(std::string_view name, RuleKind kind, RuleArea area);
  Result<void> put(Rule made, RuleKind kind, RuleArea area);
  static Result<void> eval_of(Rule& rule, std::string_view call);
  static Result<void> match_of(Rule& rule, std::string_view text);

  // --- mark_lines.cpp: one line about what a mail gets
  Result<void> add_header_line(std::string_view value);
  Result<void> remove_header_line(std::string_view value);
  Result<void> clear_headers_line(std::string_view value);
  void tell_unknown_tags(std::string_view text);
  Result<void> rewrite_header_line(std::string_view value);
  Result<void> report_safe_line(std::string_view value);

  // --- rule_finish.cpp: what can be said when all lines are read
  void replace_tags();
  void default_scores();
  void name_scores_without_rules();
  void compile_metas();
  void exclude_circles();
  void inherit_net();
  std::uint32_t sum_of_matching(std::string_view glob, std::uint32_t except,
                                std::vector<MetaNode>& nodes) const;

  const LoadOptions& options_;
  std::shared_ptr<RuleSet> set_;
  Place place_;
  bool skipping_ = false;
  bool rest_skipped_ = false;  // of the file that is read, whatever comes
  std::vector<Condition> conditions_;
  std::set<std::string, std::less<>> told_;  // keys whose lack of effect was named
  std::set<std::string, std::less<>> compatible_;
  std::set<std::string, std::less<>> plugins_off_;
  ReplaceTags replace_;
  std::map<std::string, Place, std::less<>> replace_rules_;
  // Kept apart: they may stand before the rule that they describe, or without one.
  std::map<std::string, Score, std::less<>> scores_;
  std::map<std::string, std::string, std::less<>> descriptions_, flags_;
  std::map<std::string, int, std::less<>> priorities_;
  std::vector<std::string> open_files_;  // those that include each other, down to the one that is read
  std::size_t dropped_problems_ = 0, rules_left_out_ = 0;
  Place first_left_out_;
};

// "word rest": the first word, and what is behind the blanks after it.
struct SplitLine {
  std::string_view word, rest;
};
SplitLine split_word(std::string_view text);
std::string_view trimmed(std::string_view text);
bool is_field_name(std::string_view name);

}  // namespace ringpost::filter
