// One Received field, whoever wrote it.
#include <algorithm>

#include "ringpost/filter/relays.hpp"

#include "characters.hpp"
#include "received_shapes.hpp"
#include "received_words.hpp"
#include "shape.hpp"

namespace ringpost::filter {

namespace {

constexpr CharacterSet kUnfit("#[]()<>|");

using Shape = ReceivedShape;
using Says = ReceivedSays;
using Reading = ReceivedReading;

class Parser {
 public:
  explicit Parser(std::string_view value) : line_(received_in_one_line(value)) {}

  ReceivedLine parse() {
    if (!starts_nocase(line_, "from ") && !starts_nocase(line_, "(from ")) return skipped();
    if (stands_in(line_, " with local for ")) return skipped();
    if (tells_no_address()) return skipped();
    drop_received_date(line_);
    if (const std::size_t at = line_.find(")by "); at != std::string::npos) line_.insert(at + 1, 1, ' ');
    pairs_.emplace(line_);
    relay_.id = received_id(line_);
    relay_.helo = received_helo(line_);
    if (const std::size_t at = line_.find(" by "); at != std::string::npos)
      relay_.by = run_of(std::string_view(line_).substr(at + 4), not_blank);
    relay_.auth = received_auth(line_, *pairs_);
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
  bool tells_no_address() {
    const std::string_view written = std::string_view(line_).substr(line_.find(' ') + 1);
    const std::size_t blank = written.find(' ');
    if (blank == kNowhere || !starts_nocase(written.substr(blank), " by ")) return false;
    const std::string rest = lower(written);
    ShapeMatch match(rest, shape_steps_);
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
      if (stands_in(text, *pairs_, " (qmail-")) return false;
    } else if (!stands_in(text, *pairs_, shape.needs)) {
      return false;
    }
    ShapeMatch match(text, shape_steps_);
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
    relay_.envelope_from = received_envelope_from(text);
    if (parse_web_mail(text) || parse_program(text)) return;
    std::size_t tried = 0;
    for (const Shape& shape : general_received_shapes()) {
      if (try_shape(text, shape)) return;
      if (++tried == kShapesBeforeHotmail && parse_hotmail(text)) return;
    }
    if (stands_in(text, *pairs_, "with POP3") || stands_in(text, *pairs_, "with IMAP")) {
      kind_ = ReceivedKind::fetched;
      return;
    }
    if (parse_qmail_scanner(text)) return;
    for (const Shape& shape : rare_received_shapes())
      if (try_shape(text, shape)) return;
    if (relay_.helo.empty()) guess_helo(text);
  }

  void guess_helo(std::string_view text) {
    const std::string_view word = run_of(text, not_blank);
    if (!word.empty() && word.size() < text.size()) relay_.helo = word;
  }

  bool parse_web_mail(std::string_view text) {
    if (!stands_in(text, *pairs_, " (SquirrelMail authenticated user ") &&
        !stands_in(text, *pairs_, " (NaSMail authenticated user "))
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
    if (stands_in(text, *pairs_, "Exim") && !stands_in(text, *pairs_, " SMTPSVC")) return parse_exim(text);
    for (const ReceivedProgram& program : received_programs()) {
      if (!stands_in(text, *pairs_, program.mark)) continue;
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
    if (stands_in(text, *pairs_, " with local ") || stands_in(text, *pairs_, " with local-")) {
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
    ShapeMatch match(text, shape_steps_);
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
      if (is_space(c) || c == '\0' || kUnfit.has(c)) c = '!';
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
  std::optional<BytePairs> pairs_;  // of the line, once it is as it stays
  Relay relay_;
  ReceivedKind kind_ = ReceivedKind::unreadable;
  std::optional<std::string> next_envelope_from_;
  bool looked_up_ = false;
  std::size_t shape_steps_ = 0;
};

}  // namespace

ReceivedLine parse_received(std::string_view value) {
  return Parser(value).parse();
}

}  // namespace ringpost::filter
