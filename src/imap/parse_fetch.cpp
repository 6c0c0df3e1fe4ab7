#include <algorithm>
#include <array>

#include "ringpost/imap/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"
#include "command_table.hpp"

namespace ringpost::imap {

namespace {

using Kind = FetchItem::Kind;

struct ItemName {
  std::string_view name;
  Kind kind;
  std::optional<Capability> capability;
};
// Those with brackets are read apart.
constexpr std::array<ItemName, 15> kItems{{{"BODY", Kind::body, {}},
                                           {"BODYSTRUCTURE", Kind::body_structure, {}},
                                           {"EMAILID", Kind::email_id, Capability::object_id},
                                           {"ENVELOPE", Kind::envelope, {}},
                                           {"FLAGS", Kind::flags, {}},
                                           {"INTERNALDATE", Kind::internal_date, {}},
                                           {"MODSEQ", Kind::mod_sequence, Capability::condstore},
                                           {"PREVIEW", Kind::preview, Capability::preview},
                                           {"RFC822", Kind::rfc822, {}},
                                           {"RFC822.HEADER", Kind::rfc822_header, {}},
                                           {"RFC822.SIZE", Kind::rfc822_size, {}},
                                           {"RFC822.TEXT", Kind::rfc822_text, {}},
                                           {"SAVEDATE", Kind::save_date, Capability::save_date},
                                           {"THREADID", Kind::thread_id, Capability::object_id},
                                           {"UID", Kind::uid, {}}}};

// ALL, FAST and FULL stand alone (RFC 9051 section 6.4.5).
constexpr std::array kAll{Kind::flags, Kind::internal_date, Kind::rfc822_size, Kind::envelope, Kind::body};
struct Macro {
  std::string_view name;
  std::size_t items;  // of kAll
};
constexpr std::array<Macro, 3> kMacros{{{"FAST", 3}, {"ALL", 4}, {"FULL", 5}}};

class FetchReader {
 public:
  FetchReader(Cursor& in, Parsing& out) : in_(in), out_(out), fetch_{.uid = out.uid} {}

  bool read() {
    if (!out_.may_number(in_) || !in_.space() || !in_.set(fetch_.set) || !in_.space() || !items())
      return false;
    if (in_.skip(' ') && !in_.at_end() && !in_.list([&] { return modifier(); })) return false;
    if (fetch_.vanished && !fetch_.changed_since) return in_.fail("VANISHED needs CHANGEDSINCE");
    if (out_.uid && !out_.dialect.uid_only && !add({.kind = Kind::uid})) return false;
    if (fetch_.changed_since && !add({.kind = Kind::mod_sequence})) return false;
    out_.uses_condstore =
        std::ranges::find(fetch_.items, Kind::mod_sequence, &FetchItem::kind) != fetch_.items.end();
    out_.command = std::move(fetch_);
    return in_.end();
  }

 private:
  bool add(FetchItem item) {
    if (std::ranges::find(fetch_.items, item) != fetch_.items.end()) return true;
    if (fetch_.items.size() == kFetchItemsMax) return in_.fail("FETCH has too many items");
    fetch_.items.push_back(std::move(item));
    return true;
  }

  bool items() {
    if (in_.peek() == '(') return in_.list([&] { return item(); });
    for (const Macro& macro : kMacros) {
      if (!in_.skip_word(macro.name)) continue;
      for (const Kind kind : std::span(kAll).first(macro.items))
        if (!add({.kind = kind})) return false;
      return true;
    }
    return item();
  }

  bool item() {
    const std::string_view name =
        in_.take_while([](char c) { return is_letter(c) || is_digit(c) || c == '.'; });
    if (in_.peek() == '[') return bracketed(name);
    const auto found = std::ranges::find_if(
        kItems, [&](const ItemName& one) { return mail::equal_ignoring_case(one.name, name); });
    if (found == kItems.end() || (found->capability && !out_.offers(*found->capability)))
      return in_.fail("FETCH has no such item");
    FetchItem made{.kind = found->kind, .peek = found->kind == Kind::rfc822_header};
    if (made.kind == Kind::preview && !lazy(made)) return false;
    return add(std::move(made));
  }

  // PREVIEW (LAZY); what follows may also be the modifiers of FETCH.
  bool lazy(FetchItem& item) {
    if (!mail::equal_ignoring_case(in_.rest().substr(0, 7), " (LAZY)")) return true;
    item.kind = Kind::preview_lazy;
    in_.skip(' ');
    return in_.list([&] { return in_.skip_word("LAZY"); });
  }

  bool bracketed(std::string_view name) {
    FetchItem made;
    const auto is = [&](std::string_view wanted) { return mail::equal_ignoring_case(name, wanted); };
    const bool binary = out_.offers(Capability::binary);
    made.peek = is("BODY.PEEK") || is("BINARY.PEEK") || is("BINARY.SIZE");
    if (is("BODY") || is("BODY.PEEK"))
      made.kind = Kind::section;
    else if (binary && (is("BINARY") || is("BINARY.PEEK")))
      made.kind = Kind::binary;
    else if (binary && is("BINARY.SIZE"))
      made.kind = Kind::binary_size;
    else
      return in_.fail("FETCH has no such item");
    in_.skip('[');
    if (!section(made.section, made.kind == Kind::section) || !in_.expect(']')) return false;
    if (made.kind != Kind::binary_size && in_.skip('<') && !partial(made.partial.emplace())) return false;
    return add(std::move(made));
  }

  bool partial(Partial& partial) {
    if (!in_.number(partial.offset) || !in_.expect('.') || !in_.number(partial.size) || !in_.expect('>'))
      return false;
    return partial.size != 0 || in_.fail("a partial of no bytes");
  }

  // "1.2.HEADER.FIELDS (a b)", each of it optional.
  bool section(Section& section, bool with_text) {
    while (is_digit(in_.peek())) {
      if (section.part.size() == kSectionPartsMax) return in_.fail("a section is too deep");
      if (!in_.number32(section.part.emplace_back(), false)) return false;
      if (in_.peek() == ']') return true;
      if (!in_.expect('.')) return false;
    }
    if (in_.peek() == ']') return section.part.empty() || in_.fail("a section ends in a dot");
    return with_text ? section_text(section) : in_.fail("BINARY has parts only");
  }

  bool section_text(Section& section) {
    const std::string_view name = in_.take_while([](char c) { return is_letter(c) || c == '.'; });
    const auto is = [&](std::string_view wanted) { return mail::equal_ignoring_case(name, wanted); };
    if (is("HEADER"))
      section.text = Section::Text::header;
    else if (is("TEXT"))
      section.text = Section::Text::text;
    else if (is("MIME") && !section.part.empty())
      section.text = Section::Text::mime;
    else if (is("HEADER.FIELDS"))
      section.text = Section::Text::header_fields;
    else if (is("HEADER.FIELDS.NOT"))
      section.text = Section::Text::header_fields_not;
    else
      return in_.fail("there is no such section");
    const bool fields =
        section.text == Section::Text::header_fields || section.text == Section::Text::header_fields_not;
    return !fields || (in_.space() && in_.list([&] { return field(section); }));
  }

  bool field(Section& section) {
    if (section.fields.size() == kSectionFieldsMax) return in_.fail("a section has too many fields");
    return in_.astring(section.fields.emplace_back());
  }

  bool modifier() {
    if (out_.offers(Capability::condstore) && in_.skip_word("CHANGEDSINCE"))
      return in_.space() && in_.number(fetch_.changed_since.emplace());
    if (out_.offers(Capability::qresync) && in_.skip_word("VANISHED")) {
      fetch_.vanished = true;
      if (!out_.uid) return in_.fail("VANISHED belongs to UID FETCH");
      return out_.dialect.qresync || in_.fail("QRESYNC is not enabled");
    }
    if (out_.offers(Capability::partial) && in_.skip_word("PARTIAL")) {
      if (!out_.uid) return in_.fail("PARTIAL belongs to UID FETCH");
      if (fetch_.partial) return in_.fail("one PARTIAL only");
      return in_.space() && in_.page(fetch_.partial.emplace());
    }
    return in_.fail("FETCH has no such modifier");
  }

  Cursor& in_;
  Parsing& out_;
  Fetch fetch_;
};

}  // namespace

bool FetchItem::sets_seen() const {
  switch (kind) {
    case Kind::section:
    case Kind::binary:
      return !peek;
    case Kind::rfc822:
    case Kind::rfc822_text:
      return true;
    default:
      return false;
  }
}

bool parse_fetch(Cursor& in, Parsing& out) {
  return FetchReader(in, out).read();
}

}  // namespace ringpost::imap
