// The fields of a message or of a MIME part, raw and decoded.
//
// Layer:   private to `filter`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

// One field, in one piece: as rules read it, then its value as it stood.
class Field {
 public:
  Field(std::string_view name, std::string_view raw);
  std::string_view name() const { return line().substr(0, name_size_); }                   // as it stood
  std::string_view line() const { return std::string_view(text_).substr(0, line_size_); }  // "Name: value\n"
  std::string_view decoded_line() const { return line().substr(name_size_ + kSeparator.size()); }
  std::string_view decoded() const {
    return decoded_line().substr(0, decoded_line().size() - 1);
  }  // without newline
  std::string_view raw() const {
    return std::string_view(text_).substr(line_size_);
  }  // behind the colon, folded, with its newline

 private:
  static constexpr std::string_view kSeparator = ": ";
  std::string text_;
  std::size_t name_size_, line_size_;
};

class HeaderFields {
 public:
  void add(std::string_view name, std::string_view raw);
  void remove_prefix(std::string_view prefix);  // all fields whose name begins so

  const std::vector<Field>& all() const { return fields_; }
  // Of that name, in any case.
  template <class Visit>
  void each_named(std::string_view name, Visit&& visit) const {
    const std::uint32_t hash = hash_of(name);
    for (std::size_t at = 0; at < fields_.size(); ++at)
      if (is_named(at, hash, name)) visit(fields_[at]);
  }
  const Field* last(std::string_view name) const { return last(name, hash_of(name)); }
  const Field* last(std::string_view name, std::uint32_t hash) const;
  const Field* first(std::string_view name, std::uint32_t hash) const;
  static std::uint32_t hash_of(std::string_view name);
  // The decoded value of the last one; empty when there is none.
  std::string_view value(std::string_view name) const;
  // "Name: value\n" of every field; those beyond kAllFieldsSizeMax are left out.
  std::vector<std::string_view> lines() const;
  std::vector<std::string> raw_lines() const;

 private:
  template <class Line>
  std::vector<Line> within_limit(std::vector<Line> lines) const;
  bool is_named(std::size_t at, std::uint32_t hash, std::string_view name) const;
  // One of 64 bits: where it is not set there is no field of that name, and most that rules ask for are not there.
  static std::uint64_t mark_of(std::uint32_t hash) { return std::uint64_t{1} << (hash >> 26U); }

  std::vector<Field> fields_;
  std::vector<std::uint32_t> hashes_;  // of each, of its name in lower case
  std::uint64_t marks_ = 0;
};

// A message in two, in LF lines.
struct MessageText {
  std::string header;  // with the empty line, if there is one
  std::string body;
  HeaderFields fields;
  bool missing_separator = false;
  bool truncated = false;
};
// Takes an mbox "From " line off.
MessageText split_message(std::string_view message);
// The fields of a header block as they stand, each with its continuation lines.
std::vector<std::string_view> raw_fields(std::string_view header);

}  // namespace ringpost::filter
