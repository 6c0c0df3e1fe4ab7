#include "imap_reply.hpp"

#include <algorithm>
#include <charconv>

#include "ringpost/migrate/limits.hpp"

#include "words.hpp"

namespace ringpost::migrate {

namespace {

class Reading {
 public:
  explicit Reading(std::string_view raw) : left_(raw) {}

  Result<std::vector<ImapValue>> values(std::size_t depth) {
    std::vector<ImapValue> all;
    for (skip(' '); !at_end() && left_.front() != ')'; skip(' ')) {
      all.push_back(RP_TRY(value(depth)));
      // Only lists stand side by side; text that something else touches is a literal whose size lied.
      if (!at_end() && std::string_view(" ()").find(left_.front()) == std::string_view::npos) return broken();
    }
    return all;
  }
  std::string word() {
    skip(' ');
    return take_word();
  }
  std::string_view rest() const { return left_; }
  bool at_end() const { return left_.empty() || left_.starts_with("\r\n"); }
  bool skip(char c) {
    bool any = false;
    while (!left_.empty() && left_.front() == c) left_.remove_prefix(1), any = true;
    return any;
  }

 private:
  Result<ImapValue> value(std::size_t depth) {
    if (left_.front() == '(') return list(depth);
    if (left_.front() == '"') return quoted();
    if (left_.front() == '{' || left_.starts_with("~{")) return literal();
    ImapValue value{.kind = ImapValue::Kind::word, .text = take_word(), .items = {}};
    if (value.text.empty()) return broken();
    if (same_word(value.text, "NIL")) value.kind = ImapValue::Kind::nil;
    return value;
  }
  Result<ImapValue> list(std::size_t depth) {
    if (depth == 0) return broken();
    left_.remove_prefix(1);
    ImapValue value{.kind = ImapValue::Kind::list, .text = {}, .items = RP_TRY(values(depth - 1))};
    if (left_.empty() || left_.front() != ')') return broken();
    left_.remove_prefix(1);
    return value;
  }
  Result<ImapValue> quoted() {
    ImapValue value{.kind = ImapValue::Kind::text, .text = {}, .items = {}};
    for (left_.remove_prefix(1); !left_.empty() && left_.front() != '"'; left_.remove_prefix(1)) {
      if (left_.front() == '\\' && left_.size() > 1) left_.remove_prefix(1);
      value.text += left_.front();
    }
    if (left_.empty()) return broken();
    left_.remove_prefix(1);
    return value;
  }
  Result<ImapValue> literal() {
    const std::size_t end = left_.find("\r\n");
    const auto size = literal_at_end(left_.substr(0, end));
    if (end == std::string_view::npos || !size || left_.size() - end - 2 < *size) return broken();
    ImapValue value{
        .kind = ImapValue::Kind::text, .text = std::string(left_.substr(end + 2, *size)), .items = {}};
    left_.remove_prefix(end + 2 + *size);
    return value;
  }
  // Up to a blank or a parenthesis, but for what stands in brackets: "BODY[HEADER.FIELDS (DATE)]<0>".
  std::string take_word() {
    std::size_t end = 0;
    bool inside = false;
    for (; end < left_.size() && left_[end] != '\r'; ++end) {
      if (left_[end] == '[') inside = true;
      if (left_[end] == ']') inside = false;
      if (!inside && (left_[end] == ' ' || left_[end] == '(' || left_[end] == ')')) break;
    }
    std::string word(left_.substr(0, end));
    left_.remove_prefix(end);
    return word;
  }
  static std::unexpected<Error> broken() {
    return fail(ErrorKind::permanent, "the server says what is no IMAP");
  }
  std::string_view left_;
};

std::string upper(std::string word) {
  std::ranges::transform(word, word.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return word;
}

bool is_status(std::string_view word) {
  return word == "OK" || word == "NO" || word == "BAD" || word == "BYE" || word == "PREAUTH";
}

void read_status(std::string_view rest, ImapReply& reply) {
  rest = rest.substr(0, rest.rfind("\r\n"));
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::size_t end = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
  if (end != std::string_view::npos) {
    reply.code = rest.substr(1, end - 1);
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  reply.text = rest;
}

}  // namespace

Result<ImapReply> parse_imap_reply(std::string raw) {
  Reading in(raw);
  ImapReply reply;
  reply.tag = in.word();
  if (reply.tag == "+") {
    read_status(in.rest(), reply);
    return reply;
  }
  reply.word = upper(in.word());
  if (const auto number = parse_number(reply.word)) {
    reply.number = *number;
    reply.word = upper(in.word());
  }
  if (is_status(reply.word))
    read_status(in.rest(), reply);
  else
    reply.values = RP_TRY(in.values(kImapDepthMax));
  return reply;
}

const ImapValue* ImapReply::item(std::string_view name) const {
  if (values.empty() || values.back().kind != ImapValue::Kind::list) return nullptr;
  const std::vector<ImapValue>& items = values.back().items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string_view found = items[i].text;
    if (same_word(name.ends_with('[') ? found.substr(0, name.size()) : found, name)) return &items[i + 1];
  }
  return nullptr;
}

std::optional<std::uint32_t> ImapReply::code_number(std::string_view name) const {
  const auto [first, rest] = split_word(code);
  if (!same_word(first, name)) return std::nullopt;
  return parse_number(rest);
}

std::optional<std::uint64_t> literal_at_end(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const std::size_t open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  std::uint64_t size = 0;
  const char* const last = line.data() + line.size() - 1;
  const auto [end, error] = std::from_chars(line.data() + open + 1, last, size);
  if (error != std::errc() || (end != last && !(end + 1 == last && *end == '+'))) return std::nullopt;
  return size;
}

}  // namespace ringpost::migrate
