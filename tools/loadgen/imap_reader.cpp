#include "imap_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "ringpost/scan/find.hpp"

namespace ringpost::loadgen {

namespace {

// "{4294967296}" with room.
constexpr std::size_t kTailBytes = 24;

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t space = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(std::min(space + 1, text.size()));
  return word;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool same_word(std::string_view word, std::string_view upper) {
  return word.size() == upper.size() && std::ranges::equal(word, upper, [](char a, char b) {
           return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
         });
}

// The size that the end of a line announces.
std::optional<std::uint64_t> announced(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const std::size_t brace = line.rfind('{');
  if (brace == std::string_view::npos) return std::nullopt;
  std::string_view digits = line.substr(brace + 1, line.size() - brace - 2);
  if (digits.ends_with('+')) digits.remove_suffix(1);
  return number_of(digits);
}

// Their text may end like a literal and is none; so may that of "+" and of tagged answers.
bool is_status(std::string_view text) {
  if (!text.starts_with("* ")) return true;
  text.remove_prefix(2);
  const std::string_view word = take_word(text);
  return same_word(word, "OK") || same_word(word, "NO") || same_word(word, "BAD") || same_word(word, "BYE") ||
         same_word(word, "PREAUTH");
}

}  // namespace

std::optional<ImapAnswer> ImapReader::next(std::span<const std::byte>& input) {
  if (!begun_) {
    text_.clear();
    tail_.clear();
  }
  while (!broken_ && !input.empty()) {
    if (literal_left_ > 0 && !skip_literal(input)) return std::nullopt;
    const std::string_view bytes = scan::as_text(input);
    if (bytes.empty()) return std::nullopt;
    const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
    const std::size_t size =
        found == nullptr ? bytes.size()
                         : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + 1;
    const std::string_view segment = bytes.substr(0, size);
    input = input.subspan(size);
    line_bytes_ += size;
    if (line_bytes_ > kImapLineMax) broken_ = true;
    if (found == nullptr) {
      keep(segment);
      return std::nullopt;
    }
    if (auto answer = end_line(segment)) return answer;
  }
  if (broken_) input = {};
  return std::nullopt;
}

// False: more of it is to come.
bool ImapReader::skip_literal(std::span<const std::byte>& input) {
  const std::uint64_t skipped = std::min<std::uint64_t>(literal_left_, input.size());
  input = input.subspan(skipped);
  literal_left_ -= skipped;
  return literal_left_ == 0;
}

void ImapReader::keep(std::string_view segment) {
  begun_ = true;
  spaces_ += static_cast<std::uint64_t>(std::ranges::count(segment, ' '));
  text_.append(segment.substr(0, kImapTextMax - std::min(kImapTextMax, text_.size())));
  tail_.append(segment.substr(segment.size() - std::min(segment.size(), kTailBytes)));
  if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
}

// The line is over; so is the answer, unless a literal follows.
std::optional<ImapAnswer> ImapReader::end_line(std::string_view segment) {
  const bool whole = !begun_;
  if (!whole) keep(segment);
  const std::string_view text = whole ? segment : std::string_view(text_);
  const auto literal = announced(without_line_end(whole ? segment : std::string_view(tail_)));
  line_bytes_ = 0;
  if (literal && !is_status(text)) {
    if (whole) keep(segment);
    text_ = std::string(without_line_end(text_));
    tail_.clear();
    literal_left_ = *literal;
    literal_bytes_ += *literal;
    broken_ = broken_ || *literal > kImapLiteralMax;
    return std::nullopt;
  }
  ImapAnswer answer{.text = without_line_end(text), .literal_bytes = literal_bytes_};
  if (answer.text.starts_with("* SEARCH"))
    answer.numbers = (whole ? static_cast<std::uint64_t>(std::ranges::count(segment, ' ')) : spaces_) - 1;
  begun_ = false;
  spaces_ = literal_bytes_ = 0;
  return answer;
}

namespace {

// "[CODE words] text"
void parse_status(std::string_view rest, ImapLine& line) {
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end != std::string_view::npos) {
      line.code = rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
      if (rest.starts_with(' ')) rest.remove_prefix(1);
    }
  }
  line.text = rest;
}

std::optional<ImapLine::Status> status_of(std::string_view word) {
  if (same_word(word, "OK")) return ImapLine::Status::ok;
  if (same_word(word, "NO")) return ImapLine::Status::no;
  if (same_word(word, "BAD")) return ImapLine::Status::bad;
  return std::nullopt;
}

void parse_numbered(std::uint64_t number, std::string_view rest, ImapLine& line) {
  const std::string_view word = take_word(rest);
  line.number = number;
  line.text = rest;
  if (same_word(word, "FETCH")) line.kind = ImapLine::Kind::fetch;
  if (same_word(word, "EXISTS")) line.kind = ImapLine::Kind::exists;
  if (same_word(word, "EXPUNGE")) line.kind = ImapLine::Kind::expunge;
}

void parse_untagged(std::string_view rest, ImapLine& line) {
  const std::string_view word = take_word(rest);
  if (const auto number = number_of(word)) return parse_numbered(*number, rest, line);
  line.text = rest;
  if (const auto status = status_of(word)) {
    line.kind = *status == ImapLine::Status::ok   ? ImapLine::Kind::ok
                : *status == ImapLine::Status::no ? ImapLine::Kind::no
                                                  : ImapLine::Kind::bad;
    parse_status(rest, line);
  } else if (same_word(word, "BYE")) {
    line.kind = ImapLine::Kind::bye;
    parse_status(rest, line);
  } else if (same_word(word, "PREAUTH")) {
    line.kind = ImapLine::Kind::preauth;
    parse_status(rest, line);
  } else if (same_word(word, "CAPABILITY")) {
    line.kind = ImapLine::Kind::capability;
  } else if (same_word(word, "SEARCH") || same_word(word, "ESEARCH")) {
    line.kind = ImapLine::Kind::search;
  }
}

}  // namespace

ImapLine parse_imap(std::string_view answer) {
  ImapLine line;
  if (answer.starts_with("* ")) {
    parse_untagged(answer.substr(2), line);
    return line;
  }
  if (answer.starts_with('+')) {
    line.kind = ImapLine::Kind::continuation;
    return line;
  }
  line.tag = take_word(answer);
  const auto status = status_of(take_word(answer));
  if (!status) return line;
  line.kind = ImapLine::Kind::tagged;
  line.status = *status;
  parse_status(answer, line);
  return line;
}

std::string refusal_code(const ImapLine& line) {
  std::string text = line.status == ImapLine::Status::no ? "NO" : "BAD";
  std::string_view code = line.code;
  if (const std::string_view word = take_word(code); !word.empty())
    text.append(" [").append(word).append("]");
  return text;
}

void ImapAbilities::learn(std::string_view words) {
  *this = {.known = true};
  while (!words.empty()) {
    const std::string_view word = take_word(words);
    literal_plus = literal_plus || same_word(word, "LITERAL+");
    literal_minus = literal_minus || same_word(word, "LITERAL-");
    login_disabled = login_disabled || same_word(word, "LOGINDISABLED");
  }
}

std::string imap_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace ringpost::loadgen
