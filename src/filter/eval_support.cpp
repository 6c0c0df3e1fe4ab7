#include "eval_support.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "ringpost/base/assert.hpp"

#include "characters.hpp"

namespace ringpost::filter {

namespace {

patterns::Expression compile(std::string_view delimited) {
  const auto pattern = patterns::parse_delimited(delimited);
  RP_ASSERT(pattern.has_value());
  auto expression = patterns::Expression::compile(*pattern);
  RP_ASSERT(expression.has_value());
  return *std::move(expression);
}

}  // namespace

Re::Re(std::string_view delimited) : expression_(compile(delimited)) {}

bool Re::in(std::string_view text, const EvalCall& call) const {
  return expression_.search(text, call.message.scratch()) == patterns::Match::yes;
}

std::optional<std::string> Re::group(std::string_view text, const EvalCall& call) const {
  std::array<patterns::Span, 2> spans{};
  spans.fill({SIZE_MAX, SIZE_MAX});
  if (expression_.search(text, 0, call.message.scratch(), spans) != patterns::Match::yes) return std::nullopt;
  if (spans[1].start == SIZE_MAX) return std::string{};
  return std::string(text.substr(spans[1].start, spans[1].end - spans[1].start));
}

std::string_view text_of(const EvalCall& call, std::string_view request) {
  return call.message.header(request).value_or("");
}

bool has_field(const EvalCall& call, std::string_view request) {
  return call.message.header(request).has_value();
}

std::string first_of(const EvalCall& call, std::string_view request) {
  const std::vector<std::string>& values = call.message.header_values(request);
  if (values.empty()) return {};
  std::string value = values.front();
  if (value.ends_with('\n')) value.pop_back();
  return value;
}

std::string in_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text)
    if (!is_space(c))
      out += c;
    else if (out.empty() || out.back() != ' ')
      out += ' ';
  return out;
}

namespace {

void add_new(std::vector<std::string>& list, const std::vector<std::string>& more) {
  for (const std::string& one : more)
    if (std::ranges::find(list, one) == list.end()) list.push_back(one);
}

std::string without_double_dots(std::string_view address) {
  std::string out;
  for (const char c : address)
    if (c != '.' || out.empty() || out.back() != '.') out += c;
  return out;
}

// "for <user@host>;" in one of the latest Received fields.
std::string received_for(std::string_view received) {
  const std::size_t semicolon = received.find(';');
  const std::size_t at = received.find(" for ");
  if (semicolon == kNowhere || at == kNowhere || at > semicolon) return {};
  std::string_view address = received.substr(at + 5, semicolon - at - 5);
  if (address.starts_with('<')) address.remove_prefix(1);
  if (address.ends_with('>')) address.remove_suffix(1);
  const std::size_t sign = address.find('@');
  if (sign == kNowhere || sign == 0 || std::ranges::any_of(address, is_space)) return {};
  return is_valid_fqdn(canonical_host(address.substr(sign + 1))) ? std::string(address) : std::string{};
}

}  // namespace

namespace {

std::vector<std::string> find_from_addresses(const EvalCall& call) {
  std::vector<std::string> found;
  add_new(found, call.message.header_values("Resent-From:first:addr"));
  if (!found.empty()) return found;
  for (const std::string_view request : {"From:addr", "Envelope-Sender:addr", "Resent-Sender:addr",
                                         "X-Envelope-From:addr", "EnvelopeFrom:addr"})
    for (const std::string& one : call.message.header_values(request))
      if (!one.empty()) add_new(found, {without_double_dots(one)});
  return found;
}

std::vector<std::string> find_to_addresses(const EvalCall& call) {
  std::vector<std::string> found;
  for (const std::string_view request : {"Resent-To:first:addr", "Resent-Cc:first:addr"})
    add_new(found, call.message.header_values(request));
  if (!found.empty()) return found;
  const std::vector<std::string>& received = call.message.header_values("Received");
  for (std::size_t i = 0; i < received.size() && i < 3; ++i)
    if (std::string address = received_for(received[i]); !address.empty())
      add_new(found, {std::move(address)});
  for (const std::string_view name :
       {"To", "Apparently-To", "Delivered-To", "Envelope-Recipients", "Apparently-Resent-To", "X-Envelope-To",
        "Envelope-To", "X-Delivered-To", "X-Original-To", "X-Rcpt-To", "X-Real-To", "Cc"})
    add_new(found, call.message.header_values(std::string(name) + ":addr"));
  return found;
}

// Many rules ask for them.
struct Addresses {
  std::optional<std::vector<std::string>> from, to;
};

}  // namespace

const std::vector<std::string>& from_addresses(const EvalCall& call) {
  auto& known = call.scratch.of<Addresses>().from;
  if (!known) known = find_from_addresses(call);
  return *known;
}

const std::vector<std::string>& to_addresses(const EvalCall& call) {
  auto& known = call.scratch.of<Addresses>().to;
  if (!known) known = find_to_addresses(call);
  return *known;
}

bool is_given(Arguments arguments, std::size_t index) {
  return index < arguments.size() && arguments[index] != "undef" && arguments[index] != "inf" &&
         !arguments[index].empty();
}

double number(Arguments arguments, std::size_t index, double otherwise) {
  if (!is_given(arguments, index)) return otherwise;
  std::string_view text = trim(arguments[index]);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view word(Arguments arguments, std::size_t index) {
  return index < arguments.size() ? std::string_view(arguments[index]) : std::string_view{};
}

// --- lists ---

// Linear but for one step back to the last star.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t at = 0, in = 0, star = kNowhere, mark = 0;
  while (in < text.size()) {
    if (at < glob.size() && (glob[at] == '?' || glob[at] == text[in]) && glob[at] != '*') {
      ++at;
      ++in;
    } else if (at < glob.size() && glob[at] == '*') {
      star = at++;
      mark = in;
    } else if (star != kNowhere) {
      at = star + 1;
      in = ++mark;
    } else {
      return false;
    }
  }
  while (at < glob.size() && glob[at] == '*') ++at;
  return at == glob.size();
}

namespace {

bool begins_tail(char c) {
  return c == '@' || c == '.';
}

// Where a glob is kept. What matches it ends with this.
std::string tail_of(const std::string& glob) {
  std::string tail = glob.substr(glob.find_last_of("*?") + 1);
  return !tail.empty() && begins_tail(tail.front()) ? tail : std::string();
}

}  // namespace

void GlobList::add(std::string_view glob) {
  std::string text = lower(glob);
  if (!contains(glob, "*") && !contains(glob, "?")) {
    exact_.insert(std::move(text));
    return;
  }
  std::string tail = tail_of(text);
  globs_[std::move(tail)].insert(std::move(text));
}

void GlobList::remove(std::string_view glob) {
  const std::string text = lower(glob);
  exact_.erase(text);
  const auto found = globs_.find(tail_of(text));
  if (found == globs_.end()) return;
  found->second.erase(text);
  if (found->second.empty()) globs_.erase(found);
}

bool GlobList::matches(std::string_view text) const {
  const std::string key = lower(text);
  if (exact_.contains(key)) return true;
  const auto any_with = [&](std::string_view tail) {
    const auto globs = globs_.find(tail);
    return globs != globs_.end() && std::ranges::any_of(globs->second, [&](const std::string& glob) {
             return glob_matches(glob, key);
           });
  };
  for (std::size_t at = 0; at < key.size(); ++at)
    if (begins_tail(key[at]) && any_with(std::string_view(key).substr(at))) return true;
  return any_with("");
}

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (text = trim(text); !text.empty(); text = trim_front(text)) {
    std::size_t size = 0;
    while (size < text.size() && !is_space(text[size])) ++size;
    words.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

}  // namespace

std::shared_ptr<const GlobList> glob_list(const EvalSetup& setup, std::string_view key) {
  return setup.shared.of<GlobList>(key, [&] {
    GlobList list;
    for (const Settings::Line& line : setup.settings.lines(key)) {
      const bool adds = line.key == key;
      for (const std::string& one : words_of(line.value)) adds ? list.add(one) : list.remove(one);
    }
    return list;
  });
}

// --- locales ---

namespace {

struct LocaleCharsets {
  std::string_view locale;
  std::string_view charsets;
};
constexpr std::string_view kCyrillic = " KOI8R KOI8U KOI8T ISOIR111 CP1251 GEORGIANPS PT154 CP866 ";
constexpr auto kLocales = std::to_array<LocaleCharsets>({
    {"ja",
     " EUCJP JISX020119760 JISX020819830 JISX020819900 JISX020819970 JISX021219900 JISX021320001 "
     "JISX021320002 SHIFT_JIS SHIFTJIS "
     "ISO2022JP SJIS JIS7 JISX0201 JISX0208 JISX0212 "},
    {"ko", " EUCKR KSC56011987 "},
    {"ru", kCyrillic},
    {"ka", kCyrillic},
    {"tg", kCyrillic},
    {"be", kCyrillic},
    {"uk", kCyrillic},
    {"bg", kCyrillic},
    {"th", " TIS620 "},
    {"zh", " GB1988 GB2312 GB231219800 GB18030 GBK BIG5HKSCS BIG5 EUCTW ISO2022CN "},
});

}  // namespace

Locales::Locales(const Settings& settings) {
  names_ = words_of(settings.text("ok_locales").value_or("all"));
  all_ = std::ranges::find(names_, "all") != names_.end();
}

bool Locales::welcomes(std::string_view charset) const {
  std::string name;
  for (const char c : charset.substr(0, charset.find(':')))
    if (is_alnum(c)) name += is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
  if (name.starts_with("3D")) name.erase(0, 2);
  for (const std::string_view one : {"USASCII", "ASCII", "IBM852", "XUNKNOWN", "ISO"})
    if (name == one) return true;
  for (const std::string_view one :
       {"ISO8859", "ISO10646", "UTF", "UCS", "CP125", "WINDOWS", "UNICODE11UTF7", "UNICODE11UTF8"})
    if (name.starts_with(one)) return true;
  const std::string wanted = " " + name + " ";
  return std::ranges::any_of(names_, [&](const std::string& locale) {
    const auto found =
        std::ranges::find(kLocales, std::string_view(locale).substr(0, 2), &LocaleCharsets::locale);
    return found != kLocales.end() && contains(found->charsets, wanted);
  });
}

bool is_taken_for_capitals(std::string_view charset) {
  if (!std::ranges::all_of(charset, [](char c) { return is_word(c) || c == '-'; })) return false;
  for (const std::string_view part : {"koi", "jp", "jis", "euc", "gb", "big5", "isoir", "cp1251",
                                      "windows-1251", "georgianps", "pt154", "tis"})
    if (contains_nocase(charset, part)) return true;
  return false;
}

}  // namespace ringpost::filter
