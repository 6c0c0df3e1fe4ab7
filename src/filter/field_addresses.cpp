#include "field_addresses.hpp"

#include <algorithm>

#include "ringpost/filter/registrar.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"

namespace ringpost::filter {

namespace {

constexpr CharacterSet kSpecials("<>()[],:;");

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

// Behind the quoted string or the comment that begins at `at`; kNowhere when it has no end.
std::size_t quoted_end(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return kNowhere;
}
std::size_t comment_end(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == ')')
      return i + 1;
    else if (text[i] == '(')
      return kNowhere;
  }
  return kNowhere;
}

bool in_mailbox(char c) {
  return !is_space(c) && !kSpecials.has(c);
}

// The size of the mailbox user@host that begins at `at`; 0 when there is none.
std::size_t mailbox_size(std::string_view text, std::size_t at) {
  std::size_t sign = at;
  if (at < text.size() && text[at] == '"') {
    sign = quoted_end(text, at);
    if (sign == kNowhere) return 0;
  }
  if (sign == at)
    while (sign < text.size() && in_mailbox(text[sign]) && text[sign] != '@') ++sign;
  if (sign == at || sign >= text.size() || text[sign] != '@') return 0;
  std::size_t end = sign + 1;
  if (end < text.size() && text[end] == '[') {
    std::size_t close = end + 1;
    while (close < text.size() && (is_digit(text[close]) || text[close] == '.' || text[close] == ':'))
      ++close;
    return close > end + 1 && close < text.size() && text[close] == ']' ? close + 1 - at : 0;
  }
  while (end < text.size() && in_mailbox(text[end]) && text[end] != '"') ++end;
  return end > sign + 1 ? end - at : 0;
}

bool is_plausible(std::string_view address) {
  return !address.starts_with("\"\"@") && std::ranges::count(address, '"') != 1;
}

bool is_host(std::string_view host) {
  return is_valid_fqdn(canonical_host(host));
}

// Quoted strings and runs without quotes, commas, semicolons and '<'.
std::size_t phrase_end(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != ',' && text[at] != ';' && text[at] != '<') {
    if (text[at] != '"') {
      ++at;
      continue;
    }
    const std::size_t end = quoted_end(text, at);
    if (end == kNowhere) break;
    at = end;
  }
  return at;
}

// Without quotes and comments.
std::string plain_phrase(std::string_view phrase) {
  std::string out;
  for (std::size_t at = 0; at < phrase.size();) {
    if (phrase[at] == '"') {
      const std::size_t end = std::min(quoted_end(phrase, at), phrase.size() + 1);
      for (std::size_t i = at + 1; i + 1 < end; ++i) {
        if (phrase[i] == '\\' && i + 2 < end) ++i;
        out += phrase[i];
      }
      at = std::min(end, phrase.size());
    } else if (const std::size_t end = phrase[at] == '(' ? comment_end(phrase, at) : kNowhere;
               end != kNowhere) {
      at = end;
    } else {
      out += phrase[at++];
    }
  }
  return out;
}

std::string without_comments(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '(' ? comment_end(text, at) : kNowhere;
    if (end == kNowhere)
      out += text[at++];
    else
      at = end;
  }
  return out;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::vector<FieldAddress> read() {
    std::vector<FieldAddress> found;
    while (!rest_.empty() && found.size() < kFieldAddressesMax && read_entry(found)) {
    }
    read_stray(found);
    return found;
  }

 private:
  // What an entry may be followed by: a comment, then a comma or the end. kNowhere: something else.
  std::size_t entry_end(std::size_t at, std::string& comment, bool& commented) const {
    std::size_t next = skip_spaces(rest_, at);
    commented = false;
    if (next < rest_.size() && rest_[next] == '(') {
      const std::size_t end = comment_end(rest_, next);
      if (end == kNowhere) return kNowhere;
      comment = rest_.substr(next + 1, end - next - 2);
      commented = true;
      next = skip_spaces(rest_, end);
    }
    if (next == rest_.size()) return next;
    return rest_[next] == ',' || rest_[next] == ';' ? next + 1 : kNowhere;
  }

  bool read_entry(std::vector<FieldAddress>& found) {
    const std::size_t begin = skip_spaces(rest_, 0);
    const std::size_t phrase = phrase_end(rest_, begin);
    if (phrase < rest_.size() && rest_[phrase] == '<' && read_enclosed(begin, phrase, found)) return true;
    std::string comment;
    bool commented = false;
    if (const std::size_t size = mailbox_size(rest_, begin)) {
      const std::size_t end = entry_end(begin + size, comment, commented);
      if (end != kNowhere) {
        add(std::nullopt, std::string(rest_.substr(begin, size)),
            commented ? std::optional(comment) : std::nullopt, false, found);
        rest_.remove_prefix(end);
        return true;
      }
    }
    return phrase > begin && read_phrase(begin, phrase, found);
  }

  // "Name" or "Name (comment)" without an address.
  bool read_phrase(std::size_t begin, std::size_t phrase, std::vector<FieldAddress>& found) {
    std::string comment;
    bool commented = false;
    const std::size_t end = entry_end(phrase, comment, commented);
    if (end == kNowhere) return false;
    add(std::string(rest_.substr(begin, phrase - begin)), std::nullopt, std::nullopt, false, found);
    rest_.remove_prefix(end);
    return true;
  }

  // The '>' that ends what '<' at `open` begins, with what is inside.
  struct Enclosed {
    std::string_view inside;
    std::size_t end = kNowhere;
  };
  Enclosed enclosed(std::size_t open) const {
    const std::size_t begin = skip_spaces(rest_, open + 1);
    std::size_t at = begin;
    while (at < rest_.size() && rest_[at] != '>' && rest_[at] != '@') ++at;
    std::size_t run = at;
    while (run < rest_.size() && !is_space(rest_[run])) ++run;
    const std::size_t last = rest_.substr(0, run).rfind('>');
    if (last != kNowhere && last >= at) return {rest_.substr(begin, last - begin), last + 1};
    const std::size_t close = skip_spaces(rest_, run);
    if (close < rest_.size() && rest_[close] == '>') return {rest_.substr(begin, run - begin), close + 1};
    return {};
  }

  bool read_enclosed(std::size_t begin, std::size_t open, std::vector<FieldAddress>& found) {
    const Enclosed first = enclosed(open);
    if (first.end == kNowhere) return false;
    std::size_t at = first.end;
    // Some programs write the address twice.
    for (std::size_t next = skip_spaces(rest_, at); next < rest_.size() && rest_[next] == '<';
         next = skip_spaces(rest_, at)) {
      const Enclosed again = enclosed(next);
      if (again.end == kNowhere) break;
      at = again.end;
    }
    std::string comment;
    bool commented = false;
    const std::size_t end = entry_end(at, comment, commented);
    if (end == kNowhere) return false;
    std::optional<std::string> phrase;
    if (open > begin) phrase = std::string(rest_.substr(begin, open - begin));
    add(std::move(phrase), std::string(first.inside), commented ? std::optional(comment) : std::nullopt, true,
        found);
    rest_.remove_prefix(end);
    return true;
  }

  static void add(std::optional<std::string> phrase, std::optional<std::string> address,
                  std::optional<std::string> comment, bool enclosed, std::vector<FieldAddress>& found) {
    if (address && enclosed) {
      address = without_comments(*address);
      if (address->empty() || mailbox_size(*address, 0) != address->size()) address.reset();
    }
    if (address && !is_plausible(*address)) address.reset();
    if (phrase) {
      phrase = plain_phrase(*phrase);
      const std::size_t sign = phrase->find('@');
      const bool is_address = !address && sign != std::string::npos &&
                              mailbox_size(*phrase, 0) == phrase->size() && is_plausible(*phrase) &&
                              is_host(std::string_view(*phrase).substr(sign + 1));
      if (is_address)
        address = std::exchange(phrase, std::nullopt);
      else if (phrase->empty() || phrase == address)
        phrase.reset();
    }
    if (!phrase) phrase = std::move(comment);
    // What follows a second '@' is no part of it.
    if (address) address->resize(std::min(address->find('@', address->find('@') + 1), address->size()));
    found.push_back({std::move(phrase), std::move(address)});
  }

  // "<user@host>" anywhere in what could not be read.
  void read_stray(std::vector<FieldAddress>& found) const {
    for (std::size_t at = rest_.find('<'); at != kNowhere && found.size() < kFieldAddressesMax;
         at = rest_.find('<', at + 1)) {
      const std::size_t size = mailbox_size(rest_, at + 1);
      if (size == 0 || !rest_.substr(at + 1 + size).starts_with('>')) continue;
      add(std::nullopt, std::string(rest_.substr(at + 1, size)), std::nullopt, false, found);
    }
  }

  std::string_view rest_;
};

// "list: a, b;" is its members.
std::string_view without_group(std::string_view text) {
  const std::size_t colon = text.substr(0, text.find_first_of("\"()<>")).rfind(':');
  if (colon == kNowhere || colon == 0) return text;
  text = trim_front(text.substr(colon + 1));
  return trim_back(text.substr(0, text.find(';')));
}

std::string without_double_backslashes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with("\\\\"))
      ++at;
    else
      out += text[at];
  }
  return out;
}

}  // namespace

std::vector<FieldAddress> parse_field_addresses(std::string_view value) {
  const std::string text = without_double_backslashes(trim_back(value));
  const std::string_view members = without_group(text);
  if (is_blank_line(members)) return {};
  return Reader(members).read();
}

}  // namespace ringpost::filter
