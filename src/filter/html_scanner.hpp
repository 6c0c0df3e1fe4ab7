// HTML cut into tags and text, with the leniency of the parser that rules were written against.
//
// Layer:   private to `filter`. Linear in the size of the text; never fails.
// Limits:  kHtmlAttributesMax.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

struct HtmlAttribute {
  std::string name;   // lower case
  std::string value;  // decoded; its own name for one without value
};
// A name given twice keeps its first value.
class HtmlAttributes {
 public:
  void add(std::string name, std::string value);
  const std::string* find(std::string_view name) const;
  const std::vector<HtmlAttribute>& all() const { return list_; }
  void clear() { list_.clear(); }

 private:
  std::vector<HtmlAttribute> list_;
};

class HtmlEvents {
 public:
  virtual void start_tag(const std::string& name, const HtmlAttributes& attributes) = 0;
  virtual void end_tag(const std::string& name) = 0;
  virtual void text(const std::string& decoded) = 0;
  virtual void comment(std::string_view source) = 0;
  virtual void declaration(std::string_view source) = 0;

 protected:
  ~HtmlEvents() = default;
};

class HtmlScanner {
 public:
  HtmlScanner(std::string_view html, HtmlEvents& events) : html_(html), events_(events) {}
  void run();

 private:
  enum class Section : unsigned char { none, included, characters, decoded_characters, ignored };
  enum class Markup : unsigned char { none, unfinished, read };

  bool scan_literal();
  bool scan_section();
  bool scan_text();
  Markup scan_markup();
  Markup scan_start();
  Markup scan_attributes(std::size_t& at);
  Markup scan_end();
  Markup scan_declaration();
  Markup scan_words(std::size_t at);
  Markup scan_comment(std::size_t from, bool any_end);
  Markup scan_section_start(std::size_t at);
  Markup comment_until(std::size_t end);
  bool close_section(std::size_t at);
  void finish();
  void emit_text(std::size_t begin, std::size_t end);
  void emit_tail(std::size_t end);
  std::size_t skip_blanks(std::size_t at) const;
  char at(std::size_t place) const { return place < html_.size() ? html_[place] : '\0'; }
  Section section() const { return sections_.empty() ? Section::none : sections_.back(); }

  std::string_view html_;
  HtmlEvents& events_;
  std::size_t mark_ = 0;          // all before it was told
  std::size_t next_ = 0;          // looked at up to here
  std::string literal_;           // inside of an element whose content is no markup
  bool literal_encoded_ = false;  // its content has no references
  bool loose_comments_ = false;   // at the end: a comment ends at any '>'
  std::vector<Section> sections_;
  HtmlAttributes attributes_;
  std::string buffer_;
};

}  // namespace ringpost::filter
