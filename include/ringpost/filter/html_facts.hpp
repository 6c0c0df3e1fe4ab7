// What one HTML part is made of, for the html_* eval functions.
//
// Layer:   pure. A value, made by rendering.
// Owner:   MessageView.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

// An URI in an attribute, where it stood and what text linked to it. The key is the URI, absolute where a base was given.
struct HtmlUri {
  std::vector<std::string> types;         // the elements: "a", "img"; empty for one that only anchors name
  std::vector<std::string> anchor_texts;  // one for each <a>
};

struct HtmlFacts {
  // How deep inside of an element the end of the text is; an entry for each that was seen.
  std::map<std::string, int, std::less<>> inside;
  std::map<std::string, HtmlUri, std::less<>> uris;
  std::vector<std::string> anchors;  // the text of each <a>
  std::vector<std::string> titles;
  std::vector<std::string> scripts;
  std::vector<std::string> comments;
  std::string charsets;  // of <meta> elements, with blanks between

  double image_area = 0;
  double min_size = 3;
  double max_size = 3;
  std::size_t source_size = 0;       // bytes before rendering
  std::size_t html_length = 0;       // characters of the rendered text
  std::size_t non_space_length = 0;  // of them, no blanks
  double ratio = 0;                  // of what is markup

  std::size_t tags = 0;
  std::size_t elements = 0;  // tags that HTML knows
  std::size_t tags_seen = 0;
  std::size_t elements_seen = 0;
  std::size_t closed_extra = 0;
  std::size_t obfuscation = 0;
  std::size_t backhair = 0;  // shapes of words cut in two by a tag

  bool has_tags = false;
  bool closed_html = false;
  bool closed_body = false;
  bool low_contrast = false;
  bool invalid_color = false;
  bool bad_face = false;
  bool mailto_form = false;
  bool embeds = false;
  bool uris_truncated = false;

  // A number by the name that rules use ("image_area", "bad_tag_ratio"); `known` is false when it was not counted.
  struct Number {
    double value = 0;
    bool known = false;
  };
  Number number(std::string_view name) const;
};

}  // namespace ringpost::filter
