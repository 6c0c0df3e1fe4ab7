#include "ringpost/imap/mailbox_name.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"

namespace ringpost::imap {

namespace {

bool is_wildcard(char c) {
  return c == '*' || c == '%';
}

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

constexpr std::array<std::int8_t, 128> kValues = [] {
  std::array<std::int8_t, 128> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<std::size_t>(kDigits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

constexpr bool is_plain(char c) {
  return c >= 0x20 && c <= 0x7E;
}

// What stands between '&' and '-': UTF-16 in base64, without padding.
bool append_shifted(std::string_view digits, std::string& out) {
  std::uint32_t bits = 0;
  unsigned count = 0;
  char32_t high = 0;
  for (const char digit : digits) {
    if (is_eight_bit(digit) || kValues[static_cast<std::size_t>(digit)] < 0) return false;
    bits = bits << 6U | static_cast<std::uint32_t>(kValues[static_cast<std::size_t>(digit)]);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    const char32_t unit = bits >> count & 0xFFFFU;
    bits &= (1U << count) - 1;
    const bool low = unit >= 0xDC00 && unit < 0xE000;
    if (low != (high != 0)) return false;
    if (low) {
      mail::append_utf8(0x10000 + ((high - 0xD800) << 10U) + (unit - 0xDC00), out);
      high = 0;
    } else if (unit >= 0xD800 && unit < 0xDC00) {
      high = unit;
    } else if (unit < 0x80 && is_plain(static_cast<char>(unit))) {
      return false;  // it has a plain form, and only that
    } else {
      mail::append_utf8(unit, out);
    }
  }
  return high == 0 && count < 6 && bits == 0;
}

class Shifted {
 public:
  explicit Shifted(std::string& out) : out_(out) {}

  void add(char32_t character) {
    if (character >= 0x10000) {
      unit(0xD800 + ((character - 0x10000) >> 10U));
      unit(0xDC00 + ((character - 0x10000) & 0x3FFU));
    } else {
      unit(character);
    }
  }
  void end() {
    if (!open_) return;
    if (count_ != 0) out_ += kDigits[bits_ << (6 - count_) & 0x3FU];
    out_ += '-';
    bits_ = count_ = 0;
    open_ = false;
  }

 private:
  void unit(char32_t value) {
    if (!open_) out_ += '&';
    open_ = true;
    bits_ = (bits_ << 16U | value) & 0x3FFFFFU;
    count_ += 16;
    for (; count_ >= 6; count_ -= 6) out_ += kDigits[bits_ >> (count_ - 6) & 0x3FU];
    bits_ &= (1U << count_) - 1;
  }

  std::string& out_;
  std::uint32_t bits_ = 0;
  unsigned count_ = 0;
  bool open_ = false;
};

}  // namespace

std::optional<std::string> decode_modified_utf7(std::string_view name) {
  std::string out;
  bool after_shift = false;  // "&AAA-&BBB-" should have been one
  for (std::size_t at = 0; at < name.size();) {
    if (!is_plain(name[at])) return std::nullopt;
    if (name[at] != '&') {
      out += name[at++];
      after_shift = false;
      continue;
    }
    const std::size_t end = name.find('-', at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view digits = name.substr(at + 1, end - at - 1);
    if (digits.empty())
      out += '&';
    else if (after_shift || !append_shifted(digits, out))
      return std::nullopt;
    after_shift = !digits.empty();
    at = end + 1;
  }
  return out;
}

void append_modified_utf7(std::string_view name, std::string& out) {
  Shifted shifted(out);
  for (std::size_t at = 0; at < name.size();) {
    const mail::Utf8Character one = mail::utf8_at(name, at);
    at += one.size;
    if (one.value < 0x80 && is_plain(static_cast<char>(one.value))) {
      shifted.end();
      out += static_cast<char>(one.value);
      if (one.value == '&') out += '-';
    } else {
      shifted.add(one.value);
    }
  }
  shifted.end();
}

std::string modified_utf7(std::string_view name) {
  std::string out;
  append_modified_utf7(name, out);
  return out;
}

std::optional<std::string> read_mailbox_name(std::string_view wire, bool utf8, char separator) {
  // Without ENABLE raw UTF-8 is not allowed, but it can mean nothing else.
  const bool raw = utf8 || mail::has_eight_bit(wire);
  std::optional<std::string> name = raw ? std::string(wire) : decode_modified_utf7(wire);
  if (!name || name->empty() || name->size() > kMailboxNameBytesMax || !mail::is_utf8(*name))
    return std::nullopt;
  if (std::ranges::any_of(*name, is_control)) return std::nullopt;
  const std::string_view first = std::string_view(*name).substr(0, name->find(separator));
  if (mail::equal_ignoring_case(first, kInbox)) name->replace(0, kInbox.size(), kInbox);
  return name;
}

// A place before each letter and wildcard, and one at the end; 64 places of the name so far are looked at at once. Wildcards that
// follow each other are one, so a place behind a wildcard is a letter's or the end.
NamePattern::NamePattern(std::string_view pattern, char separator) : separator_(separator) {
  std::string places;
  for (const char c : pattern) {
    const bool follows = !places.empty() && is_wildcard(places.back());
    if (follows && is_wildcard(c))
      places.back() = places.back() == '*' ? '*' : c;
    else
      places += c;
  }
  end_ = places.size();
  words_ = end_ / 64 + 1;
  any_.resize(words_);
  in_level_.resize(words_);
  row_of_.fill(kNoRow);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i % 64;
    if (places[i] == '*') any_[i / 64] |= bit;
    if (is_wildcard(places[i])) {
      in_level_[i / 64] |= bit;
      continue;
    }
    std::uint16_t& row = row_of_[static_cast<unsigned char>(places[i])];
    if (row == kNoRow) {
      row = static_cast<std::uint16_t>(letters_.size() / words_);
      letters_.resize(letters_.size() + words_);
    }
    letters_[row * words_ + i / 64] |= bit;
  }
  now_.resize(words_);
}

// Where a name may be that is there already: behind a wildcard too, for it may stand for nothing.
void NamePattern::pass_wildcards() {
  std::uint64_t carried = 0;
  for (std::size_t w = 0; w < words_; ++w) {
    const std::uint64_t at_wildcard = now_[w] & in_level_[w];
    now_[w] |= at_wildcard << 1 | carried;
    carried = at_wildcard >> 63;
  }
}

bool NamePattern::step(char c, char same) {
  const std::uint16_t rows[] = {row_of_[static_cast<unsigned char>(c)],
                                row_of_[static_cast<unsigned char>(same)]};
  const std::vector<std::uint64_t>& stays = c == separator_ ? any_ : in_level_;
  std::uint64_t carried = 0;
  std::uint64_t alive = 0;
  for (std::size_t w = 0; w < words_; ++w) {
    std::uint64_t letter = 0;
    for (const std::uint16_t row : rows)
      if (row != kNoRow) letter |= letters_[row * words_ + w];
    const std::uint64_t moved = now_[w] & letter;
    now_[w] = (now_[w] & stays[w]) | moved << 1 | carried;
    carried = moved >> 63;
    alive |= now_[w];
  }
  if (alive != 0) pass_wildcards();
  return alive != 0;
}

bool NamePattern::matches(std::string_view name) {
  const std::string_view first = name.substr(0, name.find(separator_));
  const std::size_t folded = mail::equal_ignoring_case(first, kInbox) ? kInbox.size() : 0;
  std::ranges::fill(now_, 0);
  now_[0] = 1;
  pass_wildcards();
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = i < folded ? to_upper(name[i]) : name[i];
    if (!step(c, i < folded ? static_cast<char>(c | 0x20) : c)) return false;
  }
  return (now_[end_ / 64] >> end_ % 64 & 1U) != 0;
}

}  // namespace ringpost::imap
