// Header fields that tell of forgery, of bulk senders or of broken programs.
#include <algorithm>
#include <cmath>

#include "ringpost/filter/relays.hpp"
#include "ringpost/mail/address.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"
#include "rule_dates.hpp"

namespace ringpost::filter {

namespace {

EvalAnswer check_for_missing_to_header(const EvalCall& call, Arguments) {
  return EvalAnswer::of(text_of(call, "To").empty() && text_of(call, "Apparently-To").empty());
}

EvalAnswer check_for_matching_env_and_hdr_from(const EvalCall& call, Arguments) {
  return EvalAnswer::of(equal_nocase(first_of(call, "EnvelopeFrom:addr"), first_of(call, "From:addr")));
}

// "a.b.example.com" is "example.com".
std::string last_two_labels(std::string_view address) {
  const std::size_t sign = address.rfind('@');
  if (sign == kNowhere) return {};
  std::string_view domain = address.substr(sign + 1);
  const std::size_t last = domain.rfind('.');
  const std::size_t before = last == kNowhere || last == 0 ? kNowhere : domain.rfind('.', last - 1);
  if (before != kNowhere && before > 0 && last > before + 1 && last + 1 < domain.size())
    domain.remove_prefix(before + 1);
  return lower(domain);
}

EvalAnswer check_equal_from_domains(const EvalCall& call, Arguments) {
  const std::string from = last_two_labels(first_of(call, "From:addr"));
  const std::string envelope = last_two_labels(first_of(call, "EnvelopeFrom:addr"));
  return EvalAnswer::of(!from.empty() && !envelope.empty() && from != envelope);
}

EvalAnswer check_header_count_range(const EvalCall& call, Arguments arguments) {
  std::vector<std::string> values = call.message.header_values(arguments[0]);
  std::ranges::sort(values);
  const auto repeated = std::ranges::unique(values);
  const auto count = static_cast<double>(values.size() - repeated.size());
  return EvalAnswer::of(count >= number(arguments, 1, 0) && count <= number(arguments, 2, 0));
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r';
}

EvalAnswer check_illegal_chars(const EvalCall& call, Arguments arguments) {
  std::string request = arguments[0];
  if (!request.ends_with(":raw")) request += ":raw";
  const std::string_view text = text_of(call, request);
  if (is_blank_line(text)) return EvalAnswer::of(false);
  const bool eight_bit = std::ranges::any_of(text, is_eight_bit);
  if (eight_bit && mail::is_utf8(text) && std::ranges::none_of(text, is_control))
    return EvalAnswer::of(false);
  auto illegal = static_cast<double>(
      std::ranges::count_if(text, [](char c) { return is_control(c) || is_eight_bit(c) || c == '\x7F'; }));
  // The signs of pound, cent and registered marks do no harm in a subject.
  if (illegal > 0 && equal_nocase(request, "subject:raw") &&
      std::ranges::count_if(text, [](char c) { return c == '\xA2' || c == '\xA3' || c == '\xAE'; }) == 1)
    --illegal;
  return EvalAnswer::of(illegal / static_cast<double>(text.size()) >= number(arguments, 1, 0) &&
                        illegal >= number(arguments, 2, 0));
}

EvalAnswer subject_is_all_caps(const EvalCall& call, Arguments) {
  static const Re prefix("/^(?:(?:Re|Fwd|Fw|Aw|Antwort|WG|SV|VB|VS|VL):\\s*)+/i");
  static const Re charset("/=\\?([-_a-z0-9]+)\\?/i");
  const std::string subject(trim(text_of(call, "Subject")));
  std::string_view rest = subject;
  prefix.each(subject, call, [&](std::string_view match) {
    rest.remove_prefix(match.size());
    return false;
  });
  if (std::ranges::none_of(rest, is_space) || rest.size() < 10) return EvalAnswer::of(false);
  bool foreign = false;
  charset.each(text_of(call, "Subject:raw"), call, [&](std::string_view name) {
    foreign |= is_taken_for_capitals(name);
    return !foreign;
  });
  return EvalAnswer::of(!foreign && std::ranges::any_of(rest, is_upper) &&
                        std::ranges::none_of(rest, is_lower));
}

// Whether `word` stands in the text, between word boundaries.
bool stands_alone(std::string_view text, std::string_view word) {
  for (std::size_t at = find_nocase(text, word); at != kNowhere; at = find_nocase(text, word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool left = (at > 0 && is_word(text[at - 1])) != is_word(text[at]);
    const bool right = (end < text.size() && is_word(text[end])) != is_word(text[end - 1]);
    if (left && right) return true;
  }
  return false;
}

// The subject greets the recipient by the local part of their address.
bool greets(std::string_view subject, std::string_view user) {
  const std::string_view text = subject.ends_with('\n') ? subject.substr(0, subject.size() - 1) : subject;
  if (equal_nocase(text, user)) return true;
  const auto is_mark = [](char c) { return contains(",:;!?-", {&c, 1}); };
  if (text.starts_with(user)) {
    const std::string_view rest = text.substr(user.size());
    if (!rest.empty() && is_mark(rest.front()) && (rest.size() == 1 || is_space(rest[1]))) return true;
    const std::string_view trimmed = trim_front(rest);
    if (!trimmed.empty() && is_mark(trimmed.front()) && (trimmed.size() == 1 || is_space(trimmed[1])))
      return true;
  }
  if (starts_nocase(text, "re:") || starts_nocase(text, "fw:")) {
    const std::string_view rest = trim_front(text.substr(3));
    if (equal_nocase(rest, user)) return true;
    std::size_t first = 0;
    while (first < rest.size() && is_word(rest[first])) ++first;
    if (first > 0 && first < rest.size() && is_space(rest[first]) &&
        equal_nocase(trim_front(rest.substr(first)), user))
      return true;
  }
  return false;
}

EvalAnswer check_for_to_in_subject(const EvalCall& call, Arguments arguments) {
  const std::string to = first_of(call, "To:addr");
  if (to.empty()) return EvalAnswer::of(false);
  const std::string_view subject = text_of(call, "Subject");
  if (arguments[0] == "address") return EvalAnswer::of(stands_alone(subject, to));
  return EvalAnswer::of(arguments[0] == "user" &&
                        greets(subject, std::string_view(to).substr(0, to.find('@'))));
}

EvalAnswer check_unresolved_template(const EvalCall& call, Arguments) {
  static const Re placeholder("/%[A-Z][A-Z_-]/");
  static const Re exempt(
      "/^(?:X-VMS-To|X-UIDL|X-Face|To|Cc|From|Subject|References|In-Reply-To|(?:X-|Resent-|X-Original-)?"
      "Message-Id):/i");
  if (!placeholder.in(text_of(call, "ALL"), call)) return EvalAnswer::of(false);
  for (const std::string_view field : call.message.all_fields(false))
    if (placeholder.in(field, call) && !exempt.in(field, call)) return EvalAnswer::of(true);
  return EvalAnswer::of(false);
}

// The id of the message repeats the address of a named sender.
EvalAnswer check_ratware_name_id(const EvalCall& call, Arguments) {
  static const Re id("/<[A-Z]{28}\\.([^>]+?)>/");
  static const Re from("/\"[^\"]+\"\\s*<([^>]*)>/");
  const auto tail = id.group(text_of(call, "MESSAGEID"), call);
  if (!tail) return EvalAnswer::of(false);
  bool found = false;
  from.each(text_of(call, "From"), call, [&](std::string_view address) {
    found = address == *tail;
    return !found;
  });
  return EvalAnswer::of(found);
}

// The envelope's sender is made of the recipient: "domain.user@".
EvalAnswer check_ratware_envelope_from(const EvalCall& call, Arguments) {
  const std::string to = first_of(call, "To:addr");
  const std::string from = first_of(call, "EnvelopeFrom:addr");
  const std::size_t sign = to.find('@');
  const bool rewritten = from.size() > 4 && starts_nocase(from, "SRS") && is_digit(from[3]) &&
                         contains("=+-", from.substr(4, 1));
  if (from.empty() || sign == std::string::npos || sign == 0 || sign + 1 == to.size() || rewritten)
    return EvalAnswer::of(false);
  const RegistrarBoundaries& registrars = call.message.settings().registrars;
  const std::string domain = registrars.trim_domain(canonical_host(std::string_view(to).substr(sign + 1)));
  if (!registrars.is_valid_domain(domain)) return EvalAnswer::of(false);
  const std::string user = lower(to.substr(0, sign)) + "@";
  const std::string sender = lower(from);
  for (std::size_t at = sender.find(domain); at != std::string::npos; at = sender.find(domain, at + 1)) {
    const bool begins = at == 0 || !is_word(sender[at - 1]);
    if (begins && sender.size() > at + domain.size() &&
        std::string_view(sender).substr(at + domain.size() + 1).starts_with(user))
      return EvalAnswer::of(true);
  }
  return EvalAnswer::of(false);
}

// Outlook's ids count time in a unit of its own; one that is far from the date was not made by Outlook.
EvalAnswer check_outlook_message_id(const EvalCall& call, Arguments) {
  static const Re id("/^<[0-9a-f]{4}([0-9a-f]{8})\\$[0-9a-f]{8}\\$[0-9a-f]{8}\\@/");
  static const Re date("/(\\s.?\\d+ \\S\\S\\S \\d+ \\d+:\\d+:\\d+ \\S+).*?$/");
  const auto token = id.group(text_of(call, "MESSAGEID"), call);
  if (!token) return EvalAnswer::of(false);
  const auto ticks = static_cast<double>(std::stoul(*token, nullptr, 16));
  constexpr double kPerSecond = 0.0023283064365387;
  constexpr double kAtEpoch = 27111902.8329849;
  constexpr double kTolerance = 250;
  const auto is_near = [&](std::optional<std::int64_t> time) {
    return std::abs(ticks - std::trunc(static_cast<double>(time.value_or(0)) * kPerSecond + kAtEpoch)) <
           kTolerance;
  };
  if (is_near(parse_rule_date(text_of(call, "Date")))) return EvalAnswer::of(false);
  const auto received = date.group(text_of(call, "Received"), call);
  return EvalAnswer::of(!is_near(received ? parse_rule_date(*received) : std::nullopt));
}

// --- recipients ---

constexpr std::size_t kRecipientsForSorted = 7;
constexpr std::size_t kRecipientsForSimilar = 5;
constexpr std::size_t kRecipientsLooked = 256;
constexpr std::size_t kLikePrefix = 2;

struct Recipients {
  bool made = false;
  bool sorted = false;
  double similar = 0;
};

double similarity(const std::vector<std::string>& addresses) {
  struct Look {
    std::string_view user, host, whole_host;
  };
  std::vector<Look> looks;
  for (const std::string_view address : addresses) {
    const std::size_t sign = address.find('@');
    const std::string_view host = sign == kNowhere ? std::string_view{} : address.substr(sign + 1);
    looks.push_back({address.substr(0, kLikePrefix), host.substr(0, kLikePrefix), host});
  }
  std::size_t hits = 0;
  for (std::size_t i = 0; i < looks.size(); ++i)
    for (std::size_t j = i + 1; j < looks.size(); ++j) {
      hits += looks[i].user == looks[j].user ? 1U : 0U;
      hits += looks[i].host == looks[j].host && looks[i].whole_host != looks[j].whole_host ? 1U : 0U;
    }
  return static_cast<double>(hits) /
         (static_cast<double>(looks.size()) * static_cast<double>(looks.size() - 1) / 2);
}

const Recipients& recipients(const EvalCall& call) {
  auto& found = call.scratch.of<Recipients>();
  if (found.made) return found;
  found.made = true;
  std::vector<std::string> inputs;
  for (const std::string_view request : {"ToCc:addr", "Bcc:addr"}) {
    if (inputs.size() >= kRecipientsForSimilar) break;
    for (const std::string& one : call.message.header_values(request)) inputs.push_back(one);
  }
  std::vector<std::string> addresses;
  for (std::string& one : inputs) {
    if (addresses.size() == kRecipientsLooked) break;
    if (!equal_nocase(one, addresses.empty() ? std::string_view{} : std::string_view(addresses.back())))
      addresses.push_back(std::move(one));
  }
  found.sorted = addresses.size() >= kRecipientsForSorted && std::ranges::is_sorted(addresses);
  if (addresses.size() >= kRecipientsForSimilar) found.similar = similarity(addresses);
  return found;
}

EvalAnswer sorted_recipients(const EvalCall& call, Arguments) {
  return EvalAnswer::of(recipients(call).sorted);
}

EvalAnswer similar_recipients(const EvalCall& call, Arguments arguments) {
  const double found = recipients(call).similar;
  return EvalAnswer::of((!is_given(arguments, 0) || found >= number(arguments, 0, 0)) &&
                        (!is_given(arguments, 1) || found < number(arguments, 1, 0)));
}

Result<EvalFunction> check_for_faraway_charset_in_headers(const EvalSetup& setup) {
  return [locales = Locales(setup.settings)](const EvalCall& call) {
    static const Re encoded("/=\\?(.+?)\\?.\\?.*?\\?=/");
    bool faraway = false;
    if (locales.all()) return EvalAnswer::of(false);
    for (const std::string_view request : {"From:raw", "Subject:raw"})
      encoded.each(text_of(call, request), call, [&](std::string_view charset) {
        faraway |= !locales.welcomes(charset);
        return !faraway;
      });
    return EvalAnswer::of(faraway);
  };
}

EvalAnswer check_for_unique_subject_id(const EvalCall&, Arguments) {
  return EvalAnswer::of(false);  // as SpamAssassin since 3.0
}

}  // namespace

void add_header_evals(EvalRegistry& registry) {
  registry.add("check_for_missing_to_header", {0, 0}, check_for_missing_to_header);
  registry.add("check_for_matching_env_and_hdr_from", {0, 0}, check_for_matching_env_and_hdr_from);
  registry.add("check_equal_from_domains", {0, 0}, check_equal_from_domains);
  registry.add("check_header_count_range", {3, 3}, check_header_count_range);
  registry.add("check_illegal_chars", {3, 3}, check_illegal_chars);
  registry.add("subject_is_all_caps", {0, 0}, subject_is_all_caps);
  registry.add("check_for_to_in_subject", {1, 1}, check_for_to_in_subject);
  registry.add("check_unresolved_template", {0, 0}, check_unresolved_template);
  registry.add("check_ratware_name_id", {0, 0}, check_ratware_name_id);
  registry.add("check_ratware_envelope_from", {0, 0}, check_ratware_envelope_from);
  registry.add("check_outlook_message_id", {0, 0}, check_outlook_message_id);
  registry.add("sorted_recipients", {0, 0}, sorted_recipients);
  registry.add("similar_recipients", {2, 2}, similar_recipients);
  registry.add("check_for_faraway_charset_in_headers", check_for_faraway_charset_in_headers);
  registry.add("check_for_unique_subject_id", {0, 0}, check_for_unique_subject_id);
}

}  // namespace ringpost::filter
