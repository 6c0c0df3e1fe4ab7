// A mail as text, and its view.
//
// Layer:  tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/eval.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/filter/settings.hpp"

namespace ringpost::filter {

// "key value" lines.
inline Settings settings_of(std::string_view lines) {
  Settings settings;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t blank = line.find(' ');
    settings.add({std::string(line.substr(0, blank)),
                  std::string(line.substr(std::min(blank, line.size() - 1) + 1)),
                  {}});
  }
  return settings;
}

inline constexpr std::string_view kRegistrars =
    "util_rb_tld com org net uk de example\n"
    "util_rb_2tld co.uk\n";

class ViewOf {
 public:
  explicit ViewOf(std::string mail, std::string_view lines = {}, Facts facts = {})
      : mail_(std::move(mail)),
        facts_(std::move(facts)),
        settings_(settings_of(std::string(kRegistrars) + std::string(lines))),
        view_settings_(make_view_settings(settings_)),
        view_(mail_, view_settings_, facts_, scratch_) {}

  const MessageView* operator->() const { return &view_; }
  const MessageView& operator*() const { return view_; }

  // The fields joined, as a rule sees them; "(none)" when there is none.
  std::string header(std::string_view request) const {
    return std::string(view_.header(request).value_or("(none)"));
  }
  std::vector<std::string> values(std::string_view request) const { return view_.header_values(request); }

  // The answer of an eval function.
  EvalAnswer eval(std::string_view function, std::vector<std::string> arguments = {},
                  RuleArea area = RuleArea::body) {
    const EvalRegistry::Entry* entry = standard_evals().find(function);
    if (entry == nullptr) throw std::runtime_error("no such function: " + std::string(function));
    EvalShared shared;
    auto made = entry->make({"TEST", area, arguments, settings_, shared});
    if (!made) throw std::runtime_error(made.error().text);
    return (*made)({view_, facts_, eval_scratch_});
  }
  bool hits(std::string_view function, std::vector<std::string> arguments = {},
            RuleArea area = RuleArea::body) {
    return eval(function, std::move(arguments), area).hits > 0;
  }

 private:
  std::string mail_;
  Facts facts_;
  Settings settings_;
  ViewSettings view_settings_;
  patterns::Scratch scratch_;
  EvalScratch eval_scratch_;
  MessageView view_;
};

}  // namespace ringpost::filter
