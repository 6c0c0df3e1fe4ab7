// SEARCH, SORT and THREAD: a program of keys as a tree.
#include <algorithm>
#include <array>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

using Kind = SearchKey::Kind;

// What follows the name of a key.
enum class Argument : std::uint8_t { none, text, date, number, seconds, keyword, header, object_id };

struct KeyName {
  std::string_view name;
  Kind kind;
  Argument argument = Argument::none;
  std::string_view field = {};  // of the header keys that are a field's name
  std::optional<Capability> capability = {};
};
constexpr std::array<KeyName, 26> kKeys{{
    {"ALL", Kind::all},
    {"BCC", Kind::header, Argument::text, "Bcc"},
    {"BEFORE", Kind::before, Argument::date},
    {"BODY", Kind::body, Argument::text},
    {"CC", Kind::header, Argument::text, "Cc"},
    {"EMAILID", Kind::email_id, Argument::object_id, {}, Capability::object_id},
    {"FROM", Kind::header, Argument::text, "From"},
    {"HEADER", Kind::header, Argument::header},
    {"KEYWORD", Kind::keyword, Argument::keyword},
    {"LARGER", Kind::larger, Argument::number},
    {"OLDER", Kind::older, Argument::seconds, {}, Capability::within},
    {"ON", Kind::on, Argument::date},
    {"SAVEDATESUPPORTED", Kind::save_date_supported, Argument::none, {}, Capability::save_date},
    {"SAVEDBEFORE", Kind::saved_before, Argument::date, {}, Capability::save_date},
    {"SAVEDON", Kind::saved_on, Argument::date, {}, Capability::save_date},
    {"SAVEDSINCE", Kind::saved_since, Argument::date, {}, Capability::save_date},
    {"SENTBEFORE", Kind::sent_before, Argument::date},
    {"SENTON", Kind::sent_on, Argument::date},
    {"SENTSINCE", Kind::sent_since, Argument::date},
    {"SINCE", Kind::since, Argument::date},
    {"SMALLER", Kind::smaller, Argument::number},
    {"SUBJECT", Kind::header, Argument::text, "Subject"},
    {"TEXT", Kind::text, Argument::text},
    {"THREADID", Kind::thread_id, Argument::object_id, {}, Capability::object_id},
    {"TO", Kind::header, Argument::text, "To"},
    {"YOUNGER", Kind::younger, Argument::seconds, {}, Capability::within},
}};

// Flags under the names of SEARCH; each has its negation with UN before it.
struct FlagName {
  std::string_view name;
  std::uint8_t bit;
};
constexpr std::array<FlagName, 6> kFlags{{{"ANSWERED", SystemFlags::kAnswered},
                                          {"DELETED", SystemFlags::kDeleted},
                                          {"DRAFT", SystemFlags::kDraft},
                                          {"FLAGGED", SystemFlags::kFlagged},
                                          {"RECENT", SystemFlags::kRecent},
                                          {"SEEN", SystemFlags::kSeen}}};

SearchKey flag_key(std::uint8_t bit) {
  SearchKey key;
  key.kind = Kind::flag;
  key.number = bit;
  return key;
}

SearchKey with_children(Kind kind, std::vector<SearchKey> children) {
  SearchKey key;
  key.kind = kind;
  key.children = std::move(children);
  return key;
}

SearchKey negated(SearchKey key) {
  std::vector<SearchKey> one;
  one.push_back(std::move(key));
  return with_children(Kind::negation, std::move(one));
}

const std::uint8_t* find_flag(std::string_view name) {
  const auto found = std::ranges::find_if(
      kFlags, [&](const FlagName& one) { return mail::equal_ignoring_case(one.name, name); });
  return found == kFlags.end() ? nullptr : &found->bit;
}

class SearchReader {
 public:
  SearchReader(Cursor& in, Parsing& out) : in_(in), out_(out) {}

  bool charset_if_given() {
    if (!in_.skip_word("CHARSET")) return true;
    // RFC 6855 section 3: all is UTF-8 then, and nothing else may be said.
    if (out_.dialect.utf8_accept) return in_.fail("after ENABLE UTF8=ACCEPT there is no CHARSET");
    return in_.space() && charset() && in_.space();
  }

  bool charset() {
    if (!in_.astring(charset_)) return false;
    charset_known_ = mail::to_utf8({}, charset_, mail::BadCharacters::refuse).has_value();
    return charset_known_ ||
           in_.fail({Condition::no, "BADCHARSET (UTF-8 US-ASCII)", "this charset is not known"});
  }
  bool charset_known() const { return charset_known_; }

  // Keys to the end of the command.
  bool program(SearchKey& root) {
    std::vector<SearchKey> keys;
    do {
      if (in_.at_end() && !keys.empty()) break;  // a blank at the end
      if (!key(keys.emplace_back(), 1)) return false;
    } while (in_.skip(' '));
    root = keys.size() == 1 ? std::move(keys.front()) : with_children(Kind::conjunction, std::move(keys));
    return in_.end();
  }

  bool uses_mod_sequence() const { return uses_mod_sequence_; }

 private:
  bool key(SearchKey& key, std::size_t depth) {
    if (depth > kSearchDepthMax) return in_.fail("SEARCH is too deep");
    if (++count_ > kSearchKeysMax) return in_.fail("SEARCH has too many keys");
    const char c = in_.peek();
    if (c == '(') return group(key, depth);
    if (is_digit(c) || c == '*' || c == '$') {
      key.kind = Kind::sequence;
      if (!in_.set(key.set)) return false;
      return key.set.saved() || !out_.dialect.uid_only ||
             in_.fail({Condition::bad, codes::kUidRequired, "after ENABLE UIDONLY there are UIDs only"});
    }
    const std::string_view name = in_.take_while(is_letter);
    const auto is = [&](std::string_view wanted) { return mail::equal_ignoring_case(name, wanted); };
    if (is("NOT")) return with_keys(key, Kind::negation, 1, depth);
    if (is("OR")) return with_keys(key, Kind::disjunction, 2, depth);
    if (is("UID")) {
      key.kind = Kind::uid;
      return in_.space() && in_.set(key.set);
    }
    if (is("MODSEQ") && out_.offers(Capability::condstore)) return mod_sequence(key);
    return flag(key, name) || named(key, name);
  }

  bool group(SearchKey& key, std::size_t depth) {
    key.kind = Kind::conjunction;
    return in_.list([&] { return this->key(key.children.emplace_back(), depth + 1); });
  }

  bool with_keys(SearchKey& key, Kind kind, std::size_t count, std::size_t depth) {
    key.kind = kind;
    key.children.resize(count);
    for (SearchKey& child : key.children)
      if (!in_.space() || !this->key(child, depth + 1)) return false;
    return true;
  }

  // SEEN, UNSEEN, and what IMAP4rev1 makes of \Recent. False, without a fault, when it is none of these.
  bool flag(SearchKey& key, std::string_view name) {
    if (const std::uint8_t* bit = find_flag(name)) {
      key = flag_key(*bit);
    } else if (mail::equal_ignoring_case(name, "NEW")) {
      std::vector<SearchKey> both;
      both.push_back(flag_key(SystemFlags::kRecent));
      both.push_back(negated(flag_key(SystemFlags::kSeen)));
      key = with_children(Kind::conjunction, std::move(both));
    } else if (mail::equal_ignoring_case(name, "OLD")) {
      key = negated(flag_key(SystemFlags::kRecent));
    } else if (mail::equal_ignoring_case(name.substr(0, 2), "UN")) {
      const std::uint8_t* inner = find_flag(name.substr(2));
      if (inner == nullptr || *inner == SystemFlags::kRecent) return false;
      key = negated(flag_key(*inner));
    } else {
      return false;
    }
    return true;
  }

  bool named(SearchKey& key, std::string_view name) {
    if (mail::equal_ignoring_case(name, "UNKEYWORD")) {
      key.kind = Kind::negation;
      key.children.resize(1);
      key.children.front().kind = Kind::keyword;
      return in_.space() && keyword(key.children.front());
    }
    const auto found = std::ranges::find_if(
        kKeys, [&](const KeyName& one) { return mail::equal_ignoring_case(one.name, name); });
    if (name.empty() || found == kKeys.end() || (found->capability && !out_.offers(*found->capability)))
      return in_.fail("SEARCH has no such key");
    key.kind = found->kind;
    key.name = found->field;
    return found->argument == Argument::none || (in_.space() && argument(key, found->argument));
  }

  bool argument(SearchKey& key, Argument argument) {
    switch (argument) {
      case Argument::none:
        return true;
      case Argument::text:
        return text(key.text);
      case Argument::date:
        return read_date(in_, key.date);
      case Argument::number:
        return in_.number(key.number);
      case Argument::seconds:
        return in_.number(key.number, UINT32_MAX) &&
               (key.number != 0 || in_.fail("an interval of no seconds"));
      case Argument::keyword:
        return keyword(key);
      case Argument::header:
        return in_.astring(key.name) && in_.space() && text(key.text);
      case Argument::object_id:
        return in_.astring(key.text);
    }
    return false;
  }

  bool keyword(SearchKey& key) {
    std::string_view name;
    if (!in_.atom(name)) return false;
    key.name = name;
    return true;
  }

  bool text(std::string& out) {
    std::string bytes;
    if (!in_.astring(bytes)) return false;
    // Without CHARSET it is US-ASCII, but UTF-8 can mean nothing else.
    auto decoded = mail::to_utf8(bytes, charset_.empty() ? "utf-8" : charset_, mail::BadCharacters::refuse);
    if (!decoded) return in_.fail("a string is not in its charset");
    out = *std::move(decoded);
    return true;
  }

  // MODSEQ ["entry" type] number: entries other than flags do not exist, and flags have one number in all.
  bool mod_sequence(SearchKey& key) {
    key.kind = Kind::mod_sequence;
    uses_mod_sequence_ = true;
    if (!in_.space()) return false;
    if (in_.peek() == '"') {
      std::string entry;
      if (!in_.string(entry) || !in_.space()) return false;
      if (!in_.skip_word("all") && !in_.skip_word("priv") && !in_.skip_word("shared"))
        return in_.fail("MODSEQ has no such type");
      if (!in_.space()) return false;
    }
    return in_.number(key.number);
  }

  Cursor& in_;
  Parsing& out_;
  std::string charset_;
  bool charset_known_ = true;
  std::size_t count_ = 0;
  bool uses_mod_sequence_ = false;
};

bool return_option(Cursor& in, const Parsing& parsing, ReturnOptions& options) {
  if (parsing.offers(Capability::partial) && in.skip_word("PARTIAL")) {
    if (options.partial) return in.fail("one PARTIAL only");
    return in.space() && in.page(options.partial.emplace());
  }
  if (in.skip_word("MIN"))
    options.min = true;
  else if (in.skip_word("MAX"))
    options.max = true;
  else if (in.skip_word("ALL"))
    options.all = true;
  else if (in.skip_word("COUNT"))
    options.count = true;
  else if (parsing.offers(Capability::searchres) && in.skip_word("SAVE"))
    options.save = true;
  else
    return in.fail("RETURN has no such option");
  return true;
}

// [RETURN "(" ... ")" SP]. RETURN () is RETURN (ALL); of SAVE alone nothing is told (RFC 5182 section 2.1).
bool return_options(Cursor& in, const Parsing& parsing, Capability needed, ReturnOptions& options) {
  if (!parsing.offers(needed) || !in.skip_word("RETURN")) return true;
  options.given = true;
  if (!in.space() || !in.list([&] { return return_option(in, parsing, options); }, true)) return false;
  if (options.all && options.partial) return in.fail("PARTIAL or ALL, not both");
  options.all =
      options.all || !(options.min || options.max || options.count || options.save || options.partial);
  return in.space();
}

struct SortName {
  std::string_view name;
  SortKey::Kind kind;
};
constexpr std::array<SortName, 9> kSortKeys{{{"ARRIVAL", SortKey::Kind::arrival},
                                             {"CC", SortKey::Kind::cc},
                                             {"DATE", SortKey::Kind::date},
                                             {"DISPLAYFROM", SortKey::Kind::display_from},
                                             {"DISPLAYTO", SortKey::Kind::display_to},
                                             {"FROM", SortKey::Kind::from},
                                             {"SIZE", SortKey::Kind::size},
                                             {"SUBJECT", SortKey::Kind::subject},
                                             {"TO", SortKey::Kind::to}}};

bool sort_key(Cursor& in, const Parsing& parsing, Sort& sort) {
  SortKey key;
  key.reverse = in.skip_word("REVERSE");
  if (key.reverse && !in.space()) return false;
  std::string_view name;
  if (!in.atom(name)) return false;
  const auto found = std::ranges::find_if(
      kSortKeys, [&](const SortName& one) { return mail::equal_ignoring_case(one.name, name); });
  if (found == kSortKeys.end()) return in.fail("SORT has no such key");
  key.kind = found->kind;
  const bool display = key.kind == SortKey::Kind::display_from || key.kind == SortKey::Kind::display_to;
  if (display && !parsing.offers(Capability::sort_display)) return in.fail("SORT has no such key");
  if (sort.keys.size() == kSortKeysMax) return in.fail("SORT has too many keys");
  sort.keys.push_back(key);
  return true;
}

// Only the driver can forget what was saved. Where nothing would be saved the fault is the answer.
template <class Command>
bool fails_to_save(const SearchReader& reader, Command& command, Parsing& out) {
  if (reader.charset_known() || !command.options.save) return false;
  command.charset_known = false;
  out.command = std::move(command);
  return true;
}

}  // namespace

bool parse_search(Cursor& in, Parsing& out) {
  Search search{.uid = out.uid};
  SearchReader reader(in, out);
  if (!out.may_number(in) || !in.space() || !return_options(in, out, Capability::esearch, search.options))
    return false;
  if (!reader.charset_if_given() || !reader.program(search.key)) return fails_to_save(reader, search, out);
  search.uses_mod_sequence = out.uses_condstore = reader.uses_mod_sequence();
  out.command = std::move(search);
  return true;
}

bool parse_sort(Cursor& in, Parsing& out) {
  Sort sort{.uid = out.uid};
  SearchReader reader(in, out);
  if (!out.may_number(in) || !in.space() || !return_options(in, out, Capability::esort, sort.options) ||
      !in.list([&] { return sort_key(in, out, sort); }) || !in.space())
    return false;
  if (!reader.charset() || !in.space() || !reader.program(sort.search))
    return fails_to_save(reader, sort, out);
  sort.uses_mod_sequence = out.uses_condstore = reader.uses_mod_sequence();
  out.command = std::move(sort);
  return true;
}

bool parse_thread(Cursor& in, Parsing& out) {
  Thread thread{.uid = out.uid};
  if (!out.may_number(in) || !in.space()) return false;
  if (out.offers(Capability::thread_references) && in.skip_word("REFERENCES"))
    thread.algorithm = ThreadAlgorithm::references;
  else if (out.offers(Capability::thread_ordered_subject) && in.skip_word("ORDEREDSUBJECT"))
    thread.algorithm = ThreadAlgorithm::ordered_subject;
  else
    return in.fail("THREAD has no such algorithm");
  SearchReader reader(in, out);
  if (!in.space() || !reader.charset() || !in.space() || !reader.program(thread.search)) return false;
  out.uses_condstore = reader.uses_mod_sequence();
  out.command = std::move(thread);
  return true;
}

}  // namespace ringpost::imap
