#include "bayes_header.hpp"

#include <algorithm>
#include <array>

#include "ringpost/base/assert.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/parts.hpp"
#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "bayes_words.hpp"
#include "characters.hpp"
#include "field_addresses.hpp"
#include "header_fields.hpp"

namespace ringpost::filter {

namespace {

// Fields that say where a mail went, when, and what other programs thought of it: they would teach the way and not the mail.
constexpr auto kIgnored = std::to_array<std::string_view>({
    // senders, ways and dates; Subject is a part of the text
    "sender",
    "x-sender",
    "delivered-to",
    "delivery-date",
    "envelope-to",
    "x-envelope-to",
    "subject",
    "date",
    "x-mime-autoconverted",
    "x-converted-to-plain-text",
    "content-class",
    "thread-index",
    "thread-topic",
    "x-originalarrivaltime",
    "xref",
    // lists
    "x-list",
    "mailing-list",
    "x-mailing-list",
    "x-unsub",
    "x-unsubscribe",
    "x-mailman-version",
    "x-beenthere",
    "x-loop",
    "mail-followup-to",
    "x-egroups-return",
    "x-egroups-from",
    "x-mdmailing-list",
    "x-xemacs-list",
    "x-sympa-to",
    // filters
    "x-mailscanner",
    "x-mailscanner-spamcheck",
    "x-spam",
    "x-spam-status",
    "x-spam-level",
    "x-spam-flag",
    "x-spam-report",
    "x-spam-hits",
    "x-spam-score",
    "x-spam-checker-version",
    "x-antispam",
    "x-rbl-warning",
    "x-mdaemon-deliver-to",
    "x-virus-scanned",
    "x-mass-check-id",
    "x-pyzor",
    "x-filtered-by",
    "x-scanned-by",
    "x-scanner",
    "x-ap-spam-score",
    "x-ap-spam-status",
    "x-ripe-spam-status",
    "x-smtpd",
    "spam-apparently-to",
    "x-spam-apparently-to",
    "spam",
    "x-perlmx-spam",
    "x-bogosity",
    // mail programs
    "status",
    "x-status",
    "x-flags",
    "x-keywords",
    "replied",
    "forwarded",
    "lines",
    "content-length",
    "x-uid",
    "x-uidl",
    "x-imapbase",
    "x-gnus-mail-source",
    "x-vm-bookmark",
    "x-vm-pop-retrieved",
    "x-vm-imap-retrieved",
    "x-vm-labels",
    "x-vm-last-modified",
    "x-vm-summary-format",
    "x-vm-vheader",
    "x-vm-message-order",
});
// These, with and without "X-" before them: List-Post, X-Resent-From.
constexpr auto kIgnoredWords = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"list-", "archive"},  {"list-", "help"},      {"list-", "id"},       {"list-", "owner"},
    {"list-", "post"},     {"list-", "subscribe"}, {"list-", "host"},     {"list-", "unsubscribe"},
    {"list-", "manager"},  {"list-", "admin"},     {"list-", "comment"},  {"list-", "name"},
    {"list-", "url"},      {"resent-", "from"},    {"resent-", "to"},     {"resent-", "date"},
    {"original-", "from"}, {"original-", "to"},    {"original-", "date"},
});

bool is_ignored(std::string_view name) {
  if (std::ranges::find(kIgnored, name) != kIgnored.end()) return true;
  for (const std::string_view prefix : {"x-spamcop-", "x-bugzilla-"})
    if (name.starts_with(prefix) && name.size() > prefix.size()) return true;
  if (name.starts_with("x-dcc-") && name.ends_with("-metrics") && name.size() >= 16 && name.size() <= 39)
    return true;
  if (name.starts_with("x-vm-v") && name.ends_with("-data") && name.size() == 12 && is_digit(name[6]))
    return true;
  if (name.starts_with("x-")) name.remove_prefix(2);
  return std::ranges::any_of(kIgnoredWords, [&](const auto& words) {
    return name.size() == words.first.size() + words.second.size() && name.starts_with(words.first) &&
           name.ends_with(words.second);
  });
}

// Signatures and keys: each value is new.
bool is_one_of_a_kind(std::string_view name) {
  constexpr auto kNames = std::to_array<std::string_view>({"x-face", "dkim-signature", "domainkey-signature",
                                                           "x-google-dkim-signature", "arc-message-signature",
                                                           "arc-seal", "autocrypt"});
  if (std::ranges::find(kNames, name) != kNames.end()) return true;
  return name.starts_with("x-") && name.ends_with("-fingerprint") &&
         (contains(name, "pgp") || contains(name, "gpg") || contains(name, "gnupg") ||
          contains(name, "gnu-pg"));
}

// Names that are common get short ones. In this spelling only.
constexpr auto kShortNames = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"Message-Id", "*m"},
    {"Message-ID", "*M"},
    {"Received", "*r"},
    {"User-Agent", "*u"},
    {"References", "*f"},
    {"In-Reply-To", "*i"},
    {"From", "*F"},
    {"Reply-To", "*R"},
    {"Return-Path", "*p"},
    {"Return-path", "*rp"},
    {"X-Mailer", "*x"},
    {"X-Authentication-Warning", "*a"},
    {"Organization", "*o"},
    {"Organisation", "*o"},
    {"Content-Type", "*ct"},
    {"Content-Disposition", "*cd"},
    {"Content-Transfer-Encoding", "*ce"},
    {"x-spam-relays-trusted", "*RT"},
    {"x-spam-relays-untrusted", "*RU"},
});
std::string_view short_name(std::string_view name) {
  const auto found =
      std::ranges::find(kShortNames, name, &std::pair<std::string_view, std::string_view>::first);
  return found == kShortNames.end() ? name : found->second;
}

// One expression of this program, replaced wherever it matches.
class Replacement {
 public:
  explicit Replacement(std::string_view expression, patterns::Flags flags = {}) {
    auto compiled = patterns::Expression::compile({std::string(expression), flags});
    RP_ASSERT(compiled.has_value());
    expression_ = std::make_unique<const patterns::Expression>(*std::move(compiled));
  }
  using Spans = std::span<const patterns::Span>;
  // `make` appends what stands in the place of a match.
  void apply(std::string& text, patterns::Scratch& scratch, auto make,
             std::size_t times = std::string::npos) const {
    std::string out;
    std::size_t copied = 0;
    std::array<patterns::Span, 6> spans{};
    for (std::size_t from = 0; from <= text.size() && times > 0; --times) {
      if (expression_->search(text, from, scratch, spans) != patterns::Match::yes) break;
      out += std::string_view(text).substr(copied, spans[0].start - copied);
      make(out, [&](std::size_t group) {
        const patterns::Span span = spans[group];
        return span.start >= span.end || span.end > text.size()
                   ? std::string_view{}
                   : std::string_view(text).substr(span.start, span.end - span.start);
      });
      copied = spans[0].end;
      from = spans[0].end > from ? spans[0].end : from + 1;
    }
    if (copied == 0 && out.empty()) return;
    text = out.append(text, copied);
  }
  void blank(std::string& text, patterns::Scratch& scratch) const {
    apply(text, scratch, [](std::string& out, const auto&) { out += ' '; });
  }
  void erase(std::string& text, patterns::Scratch& scratch, std::size_t times = std::string::npos) const {
    apply(text, scratch, [](std::string&, const auto&) {}, times);
  }

 private:
  std::unique_ptr<const patterns::Expression> expression_;
};

// Ids that are made of time and chance go; what names a machine or a program stays, as words.
std::string message_id_words(std::string text, patterns::Scratch& scratch) {
  static const Replacement outlook(R"(<([\da-f]{4})[\da-f]{8}\$([\da-f]{4})[\da-f]{4}\$([\da-f]{8})@(\S+)>)");
  static const Replacement exim(R"(<[[:alnum:]]{7}-[[:alnum:]]{6}-0[[:alnum:]]@)");
  static const Replacement sendmail(R"(<20\d\d[01]\d[0-3]\d[0-2]\d[0-5]\d[0-5]\d\.[\dA-F]{10,12}@)");
  outlook.apply(text, scratch, [](std::string& out, const auto& group) {
    out.append(" OEA").append(group(1)).append(" OEB").append(group(2));
    out.append(" OEC").append(group(3)).append(" ").append(group(4)).append(" ");
  });
  exim.erase(text, scratch, 1);
  sendmail.erase(text, scratch);
  std::ranges::replace_if(text, [](char c) { return !is_word(c); }, ' ');
  return text;
}

// Hosts and networks stay; ids, dates and the words that each line has go.
std::string received_words(std::string text, patterns::Scratch& scratch) {
  static const Replacement smtp_id(R"(\swith\sSMTP\sid\sg[\dA-Z]{10,12}\s)");
  static const Replacement esmtp_id(R"(\swith\sESMTP\sid\s[\dA-F]{10,12}\s)");
  static const Replacement other_id(R"(\bid\s[[:alnum:]]{7,20}\b)");
  static const Replacement exim_id(R"(\bid\s[[:alnum:]]{7}-[[:alnum:]]{6}-0[[:alnum:]])");
  static const Replacement date(
      R"((?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),\s)?[0-3\s]?\d\s)"
      R"((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s(?:19|20)?\d\d\s[0-2]\d(?::[0-5]\d){1,2}\s)"
      R"((?:\s*\(|\)|\s*[+-]\d{4}|\s*(?:UT|[A-Z]{2,3}T))*)");
  static const Replacement address(R"(\b(\d{1,3}\.\d{1,3}\.\d{1,3})(\.\d{1,3})\b)");
  static const Replacement common(R"(\b(?:with|from|for|E?SMTP)\b)");
  for (const Replacement* id : {&smtp_id, &esmtp_id, &other_id, &exim_id}) id->blank(text, scratch);
  date.erase(text, scratch);
  // The network is a word, and so is the address.
  address.apply(text, scratch, [](std::string& out, const auto& group) {
    out.append(group(1)).append(" ip*").append(group(1)).append(group(2)).append(" ");
  });
  common.blank(text, scratch);
  return text;
}

// The shape of a boundary betrays the program that made it.
std::string content_type_words(std::string text, patterns::Scratch& scratch) {
  static const Replacement boundary(R"(boundary=["'](.*?)["'])", {.caseless = true});
  static const Replacement separators("([-_.=]+)");
  static const Replacement common(R"(\b(?:text|charset)\b)");
  std::string last;
  bool any = false;
  boundary.apply(text, scratch, [&](std::string& out, const auto& group) {
    out += ' ';
    last = group(1);
    any = true;
  });
  if (any) {
    std::ranges::replace_if(last, [](char c) { return hex_value(c) >= 0; }, 'H');
    separators.apply(last, scratch, [](std::string& out, const auto& group) {
      out.append(" ").append(group(1)).append(" ");
    });
    text += last;
  }
  common.blank(text, scratch);
  return text;
}

std::string addresses_words(std::string_view value) {
  std::string out;
  const auto add = [&](std::string_view word) {
    if (!out.empty()) out += ' ';
    out += word;
  };
  for (const FieldAddress& one : parse_field_addresses(value)) {
    if (one.phrase) {
      for (std::string_view rest = trim_front(*one.phrase); !rest.empty(); rest = trim_front(rest)) {
        const auto end = std::ranges::find_if(rest, is_space);
        const std::string_view word = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
        add("N*" + std::string(word));
        rest.remove_prefix(word.size());
      }
    }
    if (one.address)
      for (const std::string& word : BayesWords::address_words(*one.address)) add(word);
  }
  return out;
}

bool is_with_prefixes(std::string_view name, auto names) {
  for (const std::string_view prefix : {"x-", "resent-"}) {
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      break;
    }
  }
  return std::ranges::find(names, name) != names.end();
}

std::string words_of(std::string_view name, std::string_view small, std::string value,
                     patterns::Scratch& scratch) {
  constexpr auto kAddresses = std::to_array<std::string_view>(
      {"return-path", "from", "to", "cc", "reply-to", "errors-to", "mail-followup-to", "sender"});
  static const Replacement keys(" [a-z]+=");
  if (is_with_prefixes(small, std::to_array<std::string_view>({"message-id"})))
    return message_id_words(std::move(value), scratch);
  if (is_with_prefixes(small, kAddresses)) return addresses_words(value);
  if (name == "Received") return received_words(std::move(value), scratch);
  if (name == "Content-Type") return content_type_words(std::move(value), scratch);
  if (name == "MIME-Version") {
    if (const std::size_t at = value.find("1.0"); at != kNowhere) value.erase(at, 3);
    return value;
  }
  if (is_one_of_a_kind(small)) return "1";
  if (name.starts_with("x-spam-relays-")) keys.blank(value, scratch);
  return value;
}

// What the fields of one meaning say together: "*MI", "*Ad", "*UA"; empty for others.
std::string_view common_name(std::string_view small) {
  if (small == "in-reply-to" || small == "references" || small == "message-id") return "*MI";
  if (small == "from" || small == "to" || small == "cc") return "*Ad";
  if (small == "x-mailer" || small == "user-agent") return "*UA";
  return {};
}

class FieldTexts {
 public:
  FieldTexts(const MessageView& message, const BayesSettings& settings)
      : message_(message), settings_(settings) {}

  void add(std::string_view name, std::string value) {
    const std::string small = lower(name);
    if (settings_.ignored_fields.contains(small)) return;
    value = words_of(name, small, std::move(value), message_.scratch());
    if (const std::string_view common = common_name(small); !common.empty()) append(common, value);
    append(short_name(name), value);
  }
  BayesFields take() { return std::move(fields_); }

 private:
  void append(std::string_view name, std::string_view value) {
    const auto known = std::ranges::find(fields_, name, &std::pair<std::string, std::string>::first);
    if (known == fields_.end())
      fields_.emplace_back(name, value);
    else
      known->second.append(" ").append(value);
  }
  const MessageView& message_;
  const BayesSettings& settings_;
  BayesFields fields_;
};

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  std::vector<std::string_view> seen;
  for (const std::string& value : values) {
    if (std::ranges::find(seen, value) != seen.end()) continue;
    seen.push_back(value);
    if (!out.empty()) out += ' ';
    out += value;
  }
  return out;
}

}  // namespace

BayesFields bayes_fields(const MessageView& message, const BayesSettings& settings) {
  FieldTexts texts(message, settings);
  std::vector<const Field*> received;
  std::size_t size = 0;
  for (const Field& field : message.parts().parts[0].fields().all()) {
    size += field.name().size() + field.decoded().size() + 3;
    if (size > kAllFieldsSizeMax) break;
    const std::string small = lower(field.name());
    if (small == "received")
      received.push_back(&field);
    else if (!is_ignored(small))
      texts.add(field.name(), std::string(field.decoded()));
  }
  // What the view knows beyond the fields.
  if (const auto authors = message.header_values("From:addr:host"); !authors.empty())
    texts.add("x-authordomain", joined(authors));
  if (const auto sender = message.header_values("EnvelopeFrom:first:addr:host"); !sender.empty())
    texts.add("x-senderdomain", sender.front());
  const RelayChain& relays = message.relays();
  texts.add("x-spam-relays-external", relays.external_text);
  texts.add("x-spam-relays-internal", relays.internal_text);
  texts.add("x-spam-relays-trusted", relays.trusted_text);
  texts.add("x-spam-relays-untrusted", relays.untrusted_text);
  // The two hosts that are nearest to the sender.
  for (std::size_t n = 0; n < std::min<std::size_t>(received.size(), 2); ++n) {
    const Field& field = *received[received.size() - 1 - n];
    texts.add(field.name(), std::string(field.decoded()));
  }
  return texts.take();
}

}  // namespace ringpost::filter
