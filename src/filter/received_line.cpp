// One Received field, whoever wrote it.
//
// Servers agree on little: each shape below is what some of them write. They are tried in order, from the particular to the
// general, because the general ones would read a particular line wrongly.
#include <algorithm>
#include <array>

#include "ringpost/filter/relays.hpp"

#include "characters.hpp"
#include "shape.hpp"

namespace ringpost::filter {

std::string Relay::as_rules_see() const {
  std::string out = "[ ip=" + ip + " rdns=" + rdns + " helo=" + helo + " by=" + by + " ident=" + ident;
  out += " envfrom=" + envelope_from.value_or("");
  out += internal ? " intl=1" : " intl=0";
  return out + " id=" + id + " auth=" + auth + (msa ? " msa=1 ]" : " msa=0 ]");
}

bool is_private_ip(std::string_view text) {
  if (starts_nocase(text, "IPv6:")) text.remove_prefix(5);
  const auto address = parse_address(text);
  if (!address) return false;
  const auto octets = address->octets();
  if (address->is_ipv6())
    return address->is_loopback() || (octets[0] == 0xFE && (octets[1] & 0xC0U) == 0x80U);
  const unsigned a = octets[0];
  const unsigned b = octets[1];
  return a == 10 || a == 127 || (a == 169 && b == 254) || (a == 172 && b >= 16 && b < 32) ||
         (a == 192 && b == 168) || (a == 100 && b >= 64 && b < 128);
}

AddressPlace find_ip_address(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at < text.size(); ++at)
    if (const std::size_t size = ip_size_at(text, at)) return {at, size};
  return {text.size(), 0};
}

namespace {

enum class Says : unsigned char {
  relay,
  looked_up,  // and the server asked for the name of the address
  skip        // no hand-over between hosts
};

// How the words of a shape are to be read.
enum class Reading : unsigned char {
  plain,
  rdns_is_helo,   // where no HELO was told, the name is both
  unknown_rdns,   // "unknown" is none; any other was looked up
  ident_in_rdns,  // "IDENT:user@host" and "user@host"
  dotted_rdns,    // a name without a dot is not meant
  soft_error,     // the name "softdnserr": it was not looked up
  no_id
};

// " with SMTP" or " SMTP" behind other words, and no id right after it: how qmail writes.
constexpr std::string_view kOverSmtp = "SMTP";

struct Shape {
  std::string_view needs;  // must stand in the line somewhere; tried only then
  std::string_view shape;
  Says says = Says::relay;
  Reading reading = Reading::plain;
};

// A program that is known by a word in the line, and its own shapes. The first that is there decides; then the general ones.
struct Program {
  std::string_view mark;
  std::array<Shape, 4> shapes;
};

constexpr Shape kNone{};
constexpr auto kPrograms = std::to_array<Program>({
    {" SMTPSVC",
     {{{"", "%H ([%i]%)) by %b with Microsoft SMTPSVC"},
       {"", "mail pickup service by %x with Microsoft SMTPSVC$", Says::skip},
       kNone,
       kNone}}},
    {" with Microsoft SMTP Server",
     {{{"", "%h (%[%i%z%]) by %b ", Says::relay, Reading::no_id}, kNone, kNone, kNone}}},
    {" with mapi id", {{{"", "%h (%[%i%z%]) by %b ", Says::relay, Reading::no_id}, kNone, kNone, kNone}}},
    {"[XMail ", {{{"", "%h (%[%i%]:%n) by %b ", Says::relay}, kNone, kNone, kNone}}},
    {"(ecelerity", {{{"", "([%i:%n] helo=%h) by %b "}, {"", "%x ([%i:%n]) by %b "}, kNone, kNone}}},
    {" (Postfix) with",
     {{{"", "%h (%r [%i]) by %b ", Says::looked_up, Reading::unknown_rdns},
       {"", "%h (%r[%i]) by %b ", Says::looked_up, Reading::unknown_rdns},
       kNone,
       kNone}}},
    {"(Scalix SMTP Relay", {{{"", "%h (%_%i) by %b"}, kNone, kNone, kNone}}},
    {" (Lotus Domino ", {{{"", "%h ([%i]) by %b (Lotus"}, kNone, kNone, kNone}}},
});

constexpr auto kGeneral = std::to_array<Shape>({
    {"with HTTP", "%i ([%x]) by %b"},
    {"!qmail", "%h (%r [%i]%*) by %b (", Says::looked_up, Reading::ident_in_rdns},
    {"", "%h (%r [%i]) by %b with %x (", Says::looked_up},
    {"", "%r ([%i] helo=%h) by %b with "},
    {"(<unknown", "%h (<unknown%X>[%i]) by %b "},
    {"", "%h (%r[%i]) by %b ", Says::looked_up, Reading::dotted_rdns},
    {"", "%h (%D@[%i]%*) by %b (", Says::looked_up},
    {"(qpsmtpd/", "%r (%^ %H) (%i) by %b (qpsmtpd/"},
    {"(LHLO ", "%r (LHLO %H) (%i) by %b with LMTP"},
    {"", "%r (%^ %H) [%i] by %b (%)) with "},
    {"via smtpd", "%h ([%i]) by %b via smtpd (for %x) with SMTP("},
    {kOverSmtp, "%r (%^ %H) (%D@%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%^ %H) (%D@%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%^ %H) (%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%^ %H) (%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%D@%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%D@%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%[%i%]) (envelope-sender <%x>) by %b", Says::relay, Reading::unknown_rdns},
    {kOverSmtp, "%r (%[%i%]) by %b", Says::relay, Reading::unknown_rdns},
    {" via HTTP", "[%i] by %b via HTTP$"},
    {"( [", "%x ( [%i])%* by %b "},
    {"", "(%h [%i]) by %b "},
    {"", "[%i] by %b "},
    {"", "(%[%i%]) by %b "},
    {"", "%h [%i] by %b [%x] with ", Says::looked_up},
    {"", "%h [(%i)] by %b (%x) "},
    {"", "%h ([%i]) by %b (", Says::looked_up},
    {"", "%h (%r [%i])%* by %b", Says::looked_up, Reading::soft_error},
    {"", "%h ([%i%p])%* by %b ", Says::looked_up},
});

// What a fetcher of mailboxes writes comes between these and those above.
constexpr auto kRare = std::to_array<Shape>({
    {"", "%r (%^ %)) (%D@%[%i%])%* by %b ", Says::looked_up},
    {"", "%r (%^ %)) (%[%i%])%* by %b ", Says::looked_up},
    {"", "%r (%D@%[%i%])%* by %b ", Says::looked_up, Reading::rdns_is_helo},
    {"", "%r (%[%i%])%* by %b ", Says::looked_up, Reading::rdns_is_helo},
    {" with http for ", "[%i] by %b with http for "},
    {" via smap ", "%r(%i) by %b via smap ", Says::looked_up},
    {" via smap ", "%r(%i, %^ %H) by %b via smap ", Says::looked_up},
    {"", "%i by %b (SMTPL"},
    {"", "%i by %b (InterScan"},
    {"", "%x by %x with BSMTP", Says::skip},
    {"", "%r (%^ %H) (%d@%i%*) by %b with ", Says::looked_up},
    {"", "%r (%^ %H) (%i%*) by %b with ", Says::looked_up},
    {"", "[%i] (%^ %H) by %b ("},
    {"", "[%i] (account %x %^ %H) by %b ("},
    {" (CommuniGate Pro", "%r ([%i] verified) by %b (", Says::looked_up, Reading::rdns_is_helo},
    {"", "([%i]) by %b with "},
    {"", "%h (%i) by %b "},
    {"", "%x (%x) by %x (Content Technologies ", Says::skip},
    {"", "%h ([%i] [%x]) by %b with "},
    {"", "%i by %b with "},
    {"", "%h (%r[%i]) by %b ", Says::looked_up},
    {"", "[%i]%x (%^ %H) by %b "},
    {"", "%i (%^ %H) by %b "},
    {"", "%h [%i] by %b "},
    {"", "%r(%i) by %b "},
    {"", "%h (unverified [%i]) by %b "},
    {"", "[%i] (%)) by %b "},
    {"", "%r (%x@%i) by %b with "},
    {"", "%r(%i), claiming to be \"%h\" via %x by %b,"},
    {"", "%r(%i) via %x by %b,"},
    {".yahoo.com with SMTP", "%h (%x@%i with login) by %b with SMTP"},
    {"", "X-Originating-IP: %i$"},
    // Hand-overs inside of a host, or without an address.
    {"", "%x %x by %x with local-smtp ", Says::skip},
    {"", "%x %x by %x with local-esmtp ", Says::skip},
    {"", "127.0.0.1 (AVG SMTP %x [%x])", Says::skip},
    {"", "%x@%x by %x ", Says::skip},
    {"", "Unknown/Local (", Says::skip},
    {"", "localhost (localhost)", Says::skip},
    {"", "%x (localhost) ", Says::skip},
    {"", "%x (%x@localhost) ", Says::skip},
    {"", "(AUTH: %x) by %x with ", Says::skip},
    {"", "localhost (localhost [[UNIX: localhost]]) by ", Says::skip},
    {"", "no.name.available by %x via smtpd (for ", Says::skip},
    {"", "%x ([unix socket]) by %x (Cyrus v%x) with LMTPA", Says::skip},
    {"", "%x by %x with", Says::skip},
    {"", "%x by %x via", Says::skip},
    {"", "%x by %x for", Says::skip},
    {"", "%x by %x (", Says::skip},
    {"", "%x with %x by", Says::skip},
    {"", "%x via %x by", Says::skip},
    {"", "%x for %x by", Says::skip},
    {"", "%x (unverified) by", Says::skip},
    {"", "%x (unknown) by %x (SG) with ", Says::skip},
    {"", "%x (%x [local]) by %x (OpenSMTPD) with ", Says::skip},
    {"(LSMTP for", "%*", Says::skip},
    {"", "facebook.com (%)) by facebook.com with Thrift id %x$", Says::skip},
    {"", "%x named %x by gmailapi.google.com with HTTPREST$", Says::skip},
    {"", "%x id %x$", Says::skip},
    {" (Jetsend", "[<%*", Says::skip},
});

std::string one_line(std::string_view value) {
  std::string out;
  for (const char c : trim(value))
    if (!is_space(c))
      out += c;
    else if (out.empty() || out.back() != ' ')
      out += ' ';
  while (out.ends_with(';')) {
    out.pop_back();
    if (out.ends_with(' ')) out.pop_back();
  }
  return out;
}

bool is_month(std::string_view word) {
  return word.size() == 3 && contains("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", word);
}
bool is_weekday(std::string_view word) {
  return word.size() == 4 && word.back() == ',' && contains("Mon Tue Wed Thu Fri Sat Sun", word.substr(0, 3));
}
bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, is_digit);
}
bool is_time(std::string_view word) {
  return contains(word, ":") && std::ranges::all_of(word, [](char c) { return is_digit(c) || c == ':'; });
}

// Takes "; Thu, 22 Aug 2002 12:34:53 +0100" off the end.
void drop_date(std::string& line) {
  std::string_view rest = line;
  const auto take_last = [&] {
    const std::size_t space = rest.find_last_of(" ;");
    const std::string_view word = rest.substr(space == kNowhere ? 0 : space + 1);
    rest = rest.substr(0, space == kNowhere ? 0 : space);
    return word;
  };
  take_last();  // the zone
  if (!is_time(take_last()) || !is_number(take_last()) || !is_month(take_last()) || !is_number(take_last()))
    return;
  std::string_view before = rest;
  if (is_weekday(take_last())) before = rest;
  while (!before.empty() && (is_space(before.back()) || before.back() == ';')) before.remove_suffix(1);
  line.resize(before.size());
}

bool in_helo(char c) {
  return is_alnum(c) || contains("-.^+_&:=?!@%*$\\/", {&c, 1});
}

std::string_view run_of(std::string_view text, bool (*in)(char)) {
  std::size_t size = 0;
  while (size < text.size() && in(text[size])) ++size;
  return text.substr(0, size);
}

bool not_blank(char c) {
  return c != ' ';
}

// What follows the first `label` that begins a word.
std::string_view behind(std::string_view line, std::string_view label) {
  for (std::size_t at = line.find(label); at != kNowhere; at = line.find(label, at + 1))
    if (at == 0 || !is_word(line[at - 1]) || !is_word(label.front())) return line.substr(at + label.size());
  return {};
}

std::string find_helo(std::string_view line) {
  for (const std::string_view label : {"helo=", "HELO ", "EHLO "})
    if (const std::string_view helo = run_of(behind(line, label), in_helo); !helo.empty())
      return std::string(helo);
  return {};
}

std::string find_id(std::string_view line) {
  for (std::size_t at = line.find(" id "); at != kNowhere; at = line.find(" id ", at + 1)) {
    std::string_view rest = line.substr(at + 4);
    if (rest.starts_with('<')) rest.remove_prefix(1);
    const std::string_view id =
        run_of(rest, [](char c) { return !is_space(c) && c != '<' && c != '>' && c != ';'; });
    if (id.size() >= 3) return std::string(id);
  }
  return {};
}

// The address said to be that of the envelope: up to the last letter or digit.
std::optional<std::string> find_envelope_from(std::string_view line) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    std::string_view rest = line.substr(at);
    if (starts_nocase(rest, "return-path"))
      rest.remove_prefix(starts_nocase(rest, "return-path: ")  ? 13
                         : starts_nocase(rest, "return-path ") ? 12
                                                               : rest.size());
    else if (starts_nocase(rest, "envelope-sender") && rest.size() > 16)
      rest.remove_prefix(rest[15] == ' ' || rest[15] == '=' ? 16 : rest.size());
    else if (starts_nocase(rest, "envelope-from") && rest.size() > 14)
      rest.remove_prefix(rest[13] == ' ' || rest[13] == '=' ? 14 : rest.size());
    else
      continue;
    std::string_view word = run_of(rest, not_blank);
    while (!word.empty() && !is_word(word.back())) word.remove_suffix(1);
    if (!word.empty()) return std::string(word);
  }
  return std::nullopt;
}

bool is_auth_protocol(std::string_view word) {
  for (const std::string_view one : {"ESMTPA", "ESMTPSA", "LMTPA", "LMTPSA", "UTF8SMTPA", "UTF8SMTPSA",
                                     "UTF8LMTPA", "UTF8LMTPSA", "ASMTP", "HTTP", "HTTPS", "HTTPU"})
    if (equal_nocase(word, one)) return true;
  return false;
}

std::string auth_protocol(std::string_view line, std::string_view label, std::string_view ends) {
  for (std::size_t at = find_nocase(line, label); at != kNowhere; at = find_nocase(line, label, at + 1)) {
    const std::string_view rest = line.substr(at + label.size());
    const std::string_view word = run_of(rest, is_alnum);
    const bool ended = word.size() == rest.size() || contains(ends, rest.substr(word.size(), 1));
    if (ended && is_auth_protocol(word)) return std::string(word);
  }
  return {};
}

// How the client said who it was; empty when it did not. `line` begins with "from ".
std::string find_auth(std::string_view line) {
  const bool has_by = contains(line, " by ");
  if (has_by)
    if (std::string protocol = auth_protocol(line, " with ", " ;"); !protocol.empty()) return protocol;
  if (const std::size_t at = line.find(" (AUTH: "); at != kNowhere && contains(line.substr(at), ") by ")) {
    const std::string_view before = line.substr(0, at);
    const std::string_view method = run_of(line.substr(at + 8), not_blank);
    for (const std::string_view one : {"LOGIN", "PLAIN", "DIGEST-MD5", "CRAM-MD5"})
      if (method == one && (before.ends_with("])") || before.ends_with(")]"))) return std::string(one);
  }
  if (const std::size_t at = line.find("authenticated"); at != kNowhere) {
    const std::size_t address = std::min({line.find("])"), line.find(")]"), line.find("] (")});
    const std::size_t open = line.rfind('(', at);
    const std::size_t close = line.find(')', at);
    if (address < open && open != kNowhere && close != kNowhere && line.find(" by", close) != kNowhere)
      return "Sendmail";
  }
  if (contains(line, " (authenticated as ") && contains(line, ") by ")) return "CriticalPath";
  if (ShapeMatch match(line); contains(line, ") (Authenticated sender: ")) {
    const std::string_view rest = line.substr(line.find(") (Authenticated sender: "));
    if (ShapeMatch postfix(rest); postfix.matches(") (Authenticated sender: %x) by %x (Postfix) with "))
      return "Postfix";
    if (ShapeMatch other(rest); other.matches(") (Authenticated sender: %x) by %x (%)) with ")) {
      const std::size_t open = rest.find(" (", rest.find(") by "));
      return "Postfix (" + std::string(run_of(rest.substr(open + 2), [](char c) { return c != ')'; })) + ")";
    }
  }
  if (contains(line, "CommuniGate Pro ") && contains(line, " (account ")) return "Communigate";
  if (contains(line, " with Microsoft Exchange Server HTTP-DAV")) return "HTTP-DAV";
  if (has_by)
    if (const std::size_t at = find_nocase(line, " (via HTTP"); at != kNowhere) {
      const std::string_view word = run_of(line.substr(at + 6), [](char c) { return c != ')'; });
      if (word.size() <= 5) return std::string(word);
    }
  return {};
}

bool is_over_smtp(std::string_view line) {
  const std::size_t with = line.find(" with ");
  for (const std::string_view protocol : {" SMTP", " QMQP"})
    for (std::size_t at = with == kNowhere ? kNowhere : line.find(protocol, with); at != kNowhere;
         at = line.find(protocol, at + 1))
      if (!line.substr(at + protocol.size()).starts_with(" id ")) return true;
  return false;
}

// " with" comes right behind the server, or behind comments.
bool protocol_follows(std::string_view line, std::string_view by) {
  const std::string_view rest = line.substr(static_cast<std::size_t>(by.data() + by.size() - line.data()));
  return rest.starts_with(" with ") || (rest.starts_with(" (") && contains(rest, ") with "));
}

class Parser {
 public:
  explicit Parser(std::string_view value) : line_(one_line(value)) {}

  ReceivedLine parse() {
    if (!starts_nocase(line_, "from ") && !starts_nocase(line_, "(from ")) return skipped();
    if (contains(line_, " with local for ")) return skipped();
    if (tells_no_address()) return skipped();
    drop_date(line_);
    if (const std::size_t at = line_.find(")by "); at != std::string::npos) line_.insert(at + 1, 1, ' ');
    relay_.id = find_id(line_);
    relay_.helo = find_helo(line_);
    if (const std::size_t at = line_.find(" by "); at != std::string::npos)
      relay_.by = run_of(std::string_view(line_).substr(at + 4), not_blank);
    relay_.auth = find_auth(line_);
    if (line_.starts_with("from "))
      parse_usual(std::string_view(line_).substr(5));
    else if (line_.starts_with("FROM "))
      parse_capitals(std::string_view(line_).substr(5));
    else if (line_.starts_with("(from "))
      parse_bracketed(std::string_view(line_).substr(6));
    if (kind_ == ReceivedKind::unreadable) parse_remains();
    return finish();
  }

 private:
  static ReceivedLine skipped() { return {.kind = ReceivedKind::skipped}; }

  // "from host by host;": no address anywhere.
  bool tells_no_address() const {
    const std::string rest = lower(std::string_view(line_).substr(line_.find(' ') + 1));
    ShapeMatch match(rest);
    if (!match.matches("%h by %b")) return false;
    const std::string_view host = match.words().helo;
    const bool bracketed =
        host.starts_with('[') &&
        std::ranges::all_of(host.substr(1, host.size() - 2), [](char c) { return is_digit(c) || c == '.'; });
    std::string_view by = match.words().by;
    const std::string_view tail =
        std::string_view(rest).substr(static_cast<std::size_t>(by.data() + by.size() - rest.data()));
    const bool ends = contains(by, ";") || tail.starts_with(" ;");
    return ends && !bracketed && starts_nocase(line_, "from ");
  }

  bool try_shape(std::string_view text, const Shape& shape) {
    if (shape.shape.empty()) return false;
    if (shape.needs == kOverSmtp) {
      if (!is_over_smtp(text)) return false;
    } else if (shape.needs == "!qmail") {
      if (contains(text, " (qmail-")) return false;
    } else if (!contains(text, shape.needs)) {
      return false;
    }
    ShapeMatch match(text);
    if (!match.matches(shape.shape)) return false;
    if (shape.needs == kOverSmtp && !protocol_follows(text, match.words().by)) return false;
    if (shape.reading == Reading::dotted_rdns && !contains(match.words().rdns, ".")) return false;
    take(match.words(), shape);
    return true;
  }

  void take(const ShapeWords& words, const Shape& shape) {
    if (shape.says == Says::skip) {
      kind_ = ReceivedKind::skipped;
      return;
    }
    kind_ = ReceivedKind::relay;
    looked_up_ = shape.says == Says::looked_up;
    const auto set = [](std::string& to, std::string_view from) {
      if (from.data() != nullptr) to = from;
    };
    set(relay_.ip, words.ip);
    set(relay_.by, words.by);
    set(relay_.helo, words.helo);
    set(relay_.rdns, words.rdns);
    set(relay_.ident, words.ident);
    read_as(words, shape.reading);
  }

  void read_as(const ShapeWords& words, Reading reading) {
    std::string& rdns = relay_.rdns;
    switch (reading) {
      case Reading::plain:
      case Reading::dotted_rdns:
        return;
      case Reading::no_id:
        relay_.id.clear();
        return;
      case Reading::rdns_is_helo:
        relay_.helo = rdns;
        return;
      case Reading::unknown_rdns:
        if (words.helo.data() == nullptr) relay_.helo = rdns;
        looked_up_ = looked_up_ || rdns != "unknown";
        if (rdns == "unknown") rdns.clear();
        return;
      case Reading::soft_error:
        if (rdns == "softdnserr") {
          looked_up_ = false;
          rdns.clear();
        }
        // The name of the server ends where its letters and digits do.
        while (!relay_.by.empty() && !is_word(relay_.by.back())) relay_.by.pop_back();
        return;
      case Reading::ident_in_rdns:
        for (const std::string_view label : {"IDENT:", ""}) {
          const std::size_t sign = rdns.find('@');
          if (sign == std::string::npos || !rdns.starts_with(label)) continue;
          relay_.ident = rdns.substr(label.size(), sign - label.size());
          rdns.erase(0, sign + 1);
        }
        return;
    }
  }

  void parse_usual(std::string_view text) {
    relay_.envelope_from = find_envelope_from(text);
    if (parse_web_mail(text) || parse_program(text)) return;
    for (const Shape& shape : kGeneral) {
      if (try_shape(text, shape)) return;
      if (&shape == &kGeneral[6] && parse_hotmail(text)) return;
    }
    if (contains(text, "with POP3") || contains(text, "with IMAP")) {
      kind_ = ReceivedKind::fetched;
      return;
    }
    if (parse_qmail_scanner(text)) return;
    for (const Shape& shape : kRare)
      if (try_shape(text, shape)) return;
    if (relay_.helo.empty()) guess_helo(text);
  }

  void guess_helo(std::string_view text) {
    const std::string_view word = run_of(text, not_blank);
    if (!word.empty() && word.size() < text.size()) relay_.helo = word;
  }

  bool parse_web_mail(std::string_view text) {
    if (!contains(text, " (SquirrelMail authenticated user ") &&
        !contains(text, " (NaSMail authenticated user "))
      return false;
    constexpr std::size_t kDistanceMin = 10;
    constexpr std::size_t kDistanceMax = 80;
    for (AddressPlace place = find_ip_address(text); place.size > 0;
         place = find_ip_address(text, place.begin + place.size)) {
      const std::size_t end = place.begin + place.size;
      const std::size_t by = text.substr(0, end + kDistanceMax + 3).rfind("by ");
      if (by == kNowhere || by < end + kDistanceMin || contains(".-", text.substr(end, 1))) continue;
      const std::string_view host = run_of(text.substr(by + 3), not_blank);
      if (!text.substr(by + 3 + host.size()).starts_with(" with HTTP")) continue;
      relay_.ip = text.substr(place.begin, place.size);
      relay_.by = host;
      kind_ = ReceivedKind::relay;
      return true;
    }
    return false;
  }

  bool parse_hotmail(std::string_view text) {
    const std::size_t by = text.find("by ");
    if (by == kNowhere || !run_of(text.substr(by + 3), not_blank).ends_with(".hotmail.msn.com")) return false;
    relay_.by = run_of(text.substr(by + 3), not_blank);
    if (const std::size_t size = ip_size_at(text, 0)) relay_.ip = text.substr(0, size);
    kind_ = ReceivedKind::relay;
    return true;
  }

  // True when the line is read.
  bool parse_program(std::string_view text) {
    if (contains(text, "Exim") && !contains(text, " SMTPSVC")) return parse_exim(text);
    for (const Program& program : kPrograms) {
      if (!contains(text, program.mark)) continue;
      return std::ranges::any_of(program.shapes, [&](const Shape& shape) { return try_shape(text, shape); });
    }
    return false;
  }

  // "(helo=x ident=y)" or "[1.2.3.4] helo=x": words in any order.
  void take_labels(std::string_view text) {
    for (const auto& [label, target] : {std::pair{std::string_view("helo="), &relay_.helo},
                                        std::pair{std::string_view("ident="), &relay_.ident}}) {
      const std::size_t at = text.find(label);
      if (at != kNowhere) *target = run_of(text.substr(at + label.size()), not_blank);
    }
  }

  bool parse_exim(std::string_view text) {
    if (contains(text, " with local ") || contains(text, " with local-")) {
      kind_ = ReceivedKind::skipped;
      return true;
    }
    const auto inside = [&](std::string_view from) { return from.substr(0, from.find(") by ")); };
    if (try_shape(text, {"", "[%i] (%)) by %b "})) {
      take_labels(inside(text.substr(text.find('('))));
      return true;
    }
    if (try_shape(text, {"", "%r ([%i]%)) by %b "})) {
      relay_.helo = relay_.rdns;
      take_labels(inside(text.substr(text.find(']'))));
      return true;
    }
    if (try_shape(text, {"", "%r [%i]%p by %b ", Says::relay, Reading::rdns_is_helo})) return true;
    return parse_loose_exim(text);
  }

  bool parse_loose_exim(std::string_view text) {
    relay_.rdns = run_of(text, not_blank);
    for (std::size_t at = text.find(" ("); at != kNowhere; at = text.find(" (", at + 1)) {
      const std::string_view word = run_of(text.substr(at + 2), not_blank);
      if (word.size() < 2 || !word.ends_with(')')) continue;
      relay_.helo = word.substr(0, word.size() - 1);
      break;
    }
    for (std::size_t at = text.find(" ["); at != kNowhere && relay_.ip.empty();
         at = text.find(" [", at + 1)) {
      const std::size_t size = ip_size_at(text, at + 2);
      if (size > 0) relay_.ip = text.substr(at + 2, size);
    }
    const std::size_t by = text.find("by ");
    if (by == kNowhere || relay_.ip.empty()) return false;
    relay_.by = run_of(text.substr(by + 3), not_blank);
    kind_ = ReceivedKind::relay;
    return true;
  }

  bool parse_qmail_scanner(std::string_view text) {
    ShapeMatch match(text);
    if (!match.matches("%x by %x (%*) with qmail-scanner")) return false;
    kind_ = ReceivedKind::skipped;
    next_envelope_from_ = relay_.envelope_from;
    return true;
  }

  void parse_capitals(std::string_view text) {
    if (try_shape(text, {"", "%h (%r [%i]) BY %b (%)) WITH SMTP ID %x", Says::looked_up}) ||
        try_shape(text, {"", "%h (%r [%i]) BY %b ID %x", Says::looked_up})) {
      relay_.id =
          run_of(text.substr(text.find(" ID ") + 4), [](char c) { return c != ' ' && c != '<' && c != '>'; });
      if (relay_.rdns == "unverified") relay_.rdns.clear();
    }
  }

  void parse_bracketed(std::string_view text) {
    for (const Shape& shape :
         {Shape{"(NAVGW ", "%H [%i]) by %b (NAVGW "}, Shape{"", "%x@localhost) by %x ", Says::skip},
          Shape{"(jqueuemail)", "%x@%*) by %x(jqueuemail) id ", Says::skip}})
      if (try_shape(text, shape)) return;
  }

  // An address in brackets and a server is enough.
  void parse_remains() {
    const std::string_view text = line_;
    for (std::size_t at = text.find('['); at != kNowhere && relay_.ip.empty(); at = text.find('[', at + 1)) {
      const std::size_t size = ip_size_at(text, at + 1);
      if (size > 0 && text.substr(at + 1 + size).starts_with(']')) relay_.ip = text.substr(at + 1, size);
    }
    if (!relay_.ip.empty() && !relay_.by.empty()) kind_ = ReceivedKind::relay;
  }

  static void clean(std::string& text) {
    for (char& c : text)
      if (is_space(c) || c == '\0' || contains("#[]()<>|", {&c, 1})) c = '!';
  }

  static void clean_envelope(std::string& text) {
    while (text.starts_with('<')) text.erase(0, 1);
    while (text.ends_with('>')) text.pop_back();
    clean(text);
  }

  ReceivedLine finish() {
    ReceivedLine done;
    done.kind = kind_;
    done.next_envelope_from = next_envelope_from_;
    if (done.next_envelope_from) clean_envelope(*done.next_envelope_from);
    if (kind_ != ReceivedKind::relay) return done;
    while (relay_.rdns.ends_with('.')) relay_.rdns.pop_back();
    if (equal_nocase(relay_.rdns, "unknown") || relay_.rdns.starts_with('[')) relay_.rdns.clear();
    clean_address();
    if (relay_.by.ends_with(';')) relay_.by.pop_back();
    for (std::string* text : {&relay_.ip, &relay_.rdns, &relay_.helo, &relay_.by, &relay_.ident})
      clean(*text);
    if (relay_.envelope_from) clean_envelope(*relay_.envelope_from);
    if (relay_.rdns.empty()) (looked_up_ ? relay_.no_reverse_dns : relay_.rdns_not_in_headers) = true;
    relay_.private_ip = is_private_ip(relay_.ip);
    done.relay = std::move(relay_);
    return done;
  }

  void clean_address() {
    std::string& ip = relay_.ip;
    if (starts_nocase(ip, "IPv6:")) ip.erase(0, 5);
    ip.resize(std::min(ip.find('%'), ip.size()));
    const auto address = parse_address(ip);
    if (address && address->is_ipv4()) ip = to_string(*address);
  }

  std::string line_;
  Relay relay_;
  ReceivedKind kind_ = ReceivedKind::unreadable;
  std::optional<std::string> next_envelope_from_;
  bool looked_up_ = false;
};

}  // namespace

ReceivedLine parse_received(std::string_view value) {
  return Parser(value).parse();
}

}  // namespace ringpost::filter
