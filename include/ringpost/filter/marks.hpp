// What a verdict writes into a mail: the X-Spam fields and the rewritten Subject, From or To that the rule files ask for; or,
// with report_safe 1 and 2, a report that has the mail inside.
//
// Layer:  pure. Lines end in CRLF. The mail itself is not copied: what comes of it is `fields`, the mail without its cuts, `tail`.
// Forged: X-Spam fields that the mail brought are cut out, whatever the verdict says (X-Spam-Prev ones stay). In a report the
//         mail stays as it was.
// Tags:   _NAME_ and _NAME(argument)_ in templates, as SpamAssassin has them; one that is unknown stays as it is written.
// Limits: filter/limits.hpp; a text past kMarkTextMax is cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/units.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/filter/scan.hpp"

namespace ringpost::filter {

struct MarkFacts {
  std::string_view hostname;
  WallTime now;
  std::string_view client_name;     // "" when nobody knows it
  std::string_view client_address;  // "" for mail of this host
  std::uint64_t random = 0;         // names the boundary of a report, so that no sender can guess it
};

struct Marks {
  struct Cut {
    std::size_t offset = 0;
    std::size_t size = 0;
  };
  std::string fields;     // stands before the mail's own header; of a report all before the mail
  std::vector<Cut> cuts;  // whole fields of the mail, in rising order
  std::string tail;       // of a report: stands after the mail
  // Of a report: where in `fields` the empty line stands that ends the outer header.
  std::optional<std::size_t> separator;

  bool wraps() const { return separator.has_value(); }
};

// `mail`: its header is looked at, as far as it is there. Spam is put into a report if the rules say so (report_safe).
Marks make_marks(const RuleSet& rules, const Verdict& verdict, std::string_view mail, const MarkFacts& facts);

// Only the cuts: the mail without X-Spam fields of its own.
Marks cut_forged(std::string_view mail);

std::string expand_tags(std::string_view text, const RuleSet& rules, const Verdict& verdict,
                        const MarkFacts& facts);
// The names of tags in a template that nothing here knows.
std::vector<std::string> unknown_tags(std::string_view text);

// "GTUBE,HTML_MESSAGE", or "none".
std::string hit_names(const RuleSet& rules, const Verdict& verdict, std::string_view separator = ",");
// With one decimal; a mail that is no spam never shows the score from which one is.
std::string score_text(const Verdict& verdict);

}  // namespace ringpost::filter
