// What `body` and `rawbody` rules match against, out of the leaves of the MIME tree.
//
// Layer:   private to `filter`.
// Limits:  kBodyPartSizeMax, kRawBodyPartSizeMax, kTextLineSizeMax.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/filter/html_facts.hpp"
#include "ringpost/filter/parts.hpp"

namespace ringpost::filter {

// A text with its width: see DecodedText::wide.
struct WideText {
  std::string text;
  bool wide = false;
};

// A text part, rendered.
struct RenderedPart {
  WideText all;
  WideText visible;
  WideText invisible;
  std::optional<HtmlFacts> html;  // of an HTML part, even of an empty one
  bool wide_source = false;
};
// nullopt: it is no text that a reader sees in the message.
std::optional<RenderedPart> render_part(const MimePart& part);

// `text` in the charset that rules match: UTF-8, or Latin-1 where it is not wide.
std::string in_rule_bytes(const std::string& text, bool wide);

// Paragraphs, each in one line with its newline. `texts` has an entry for each leaf, nullptr for one that is no text.
std::vector<std::string> body_lines(std::string_view subject, const std::vector<const WideText*>& texts);
// Of one part's text, decoded.
void append_raw_chunks(std::string_view text, std::vector<std::string>& chunks);

}  // namespace ringpost::filter
