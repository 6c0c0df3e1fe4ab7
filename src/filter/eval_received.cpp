// Received fields: who forged one, which relays have no name, when the mail really was sent.
#include <algorithm>
#include <cmath>

#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"
#include "rule_dates.hpp"

namespace ringpost::filter {

namespace {

// --- relays ---

EvalAnswer check_all_trusted(const EvalCall& call, Arguments) {
  const RelayChain& relays = call.message.relays();
  return EvalAnswer::of(!relays.trusted.empty() && relays.untrusted.empty() && relays.unparseable == 0);
}

EvalAnswer check_no_relays(const EvalCall& call, Arguments) {
  const RelayChain& relays = call.message.relays();
  return EvalAnswer::of(relays.trusted.empty() && relays.untrusted.empty() && relays.unparseable == 0);
}

EvalAnswer check_relays_unparseable(const EvalCall& call, Arguments) {
  return EvalAnswer::of(call.message.relays().unparseable > 0);
}

bool is_ipv4(std::string_view text) {
  if (text.empty() || !is_digit(text.back())) return false;
  const auto address = parse_address(text);
  return address && address->is_ipv4() && !contains(text, ":");
}

std::string_view first_octets(std::string_view ip, int octets) {
  std::size_t at = 0;
  for (int i = 0; i < octets && at != kNowhere; ++i) at = ip.find('.', at) + 1;
  return ip.substr(0, at);
}

EvalAnswer helo_ip_mismatch(const EvalCall& call, Arguments) {
  for (const Relay& relay : call.message.relays().untrusted) {
    if (!is_ipv4(relay.helo) || is_private_ip(relay.helo) || !is_ipv4(relay.ip) || is_private_ip(relay.ip))
      continue;
    if (first_octets(relay.helo, 3) != first_octets(relay.ip, 3)) return EvalAnswer::of(true);
  }
  return EvalAnswer::of(false);
}

EvalAnswer check_for_numeric_helo(const EvalCall& call, Arguments) {
  for (const Relay& relay : call.message.relays().untrusted)
    if (is_ipv4(relay.helo)) return EvalAnswer::of(!is_private_ip(relay.helo));
  return EvalAnswer::of(false);
}

EvalAnswer check_for_sender_no_reverse(const EvalCall& call, Arguments) {
  const auto& relays = call.message.relays().untrusted;
  return EvalAnswer::of(!relays.empty() && contains(relays.back().rdns, ".") && !relays.back().private_ip);
}

// Large providers, whose own relays do have names.
bool is_large_provider(std::string_view helo) {
  for (const std::string_view one :
       {"lycos.com", "lycos.co.uk", "hotmail.com", "localhost.com", "excite.com", "caramail.com", "cs.com",
        "aol.com", "msn.com", "yahoo.com", "drizzle.com"})
    if (ends_nocase(helo, one) && (helo.size() == one.size() || helo[helo.size() - one.size() - 1] == '.'))
      return true;
  return false;
}

EvalAnswer check_for_no_rdns_dotcom_helo(const EvalCall& call, Arguments) {
  bool found = false;
  for (const Relay& relay : call.message.relays().untrusted)
    if (!relay.private_ip) found = relay.no_reverse_dns && is_large_provider(relay.helo);
  return EvalAnswer::of(found);
}

// "a.b.example.com" is "example.com", "a.example.co.uk" is "example.co.uk".
std::string domain_of_host(std::string_view host) {
  if (std::ranges::none_of(host, is_letter)) return std::string(host);
  const std::size_t last = host.rfind('.');
  if (last == kNowhere) return std::string(host);
  const std::string_view tld = host.substr(last + 1);
  const bool wide = tld.size() >= 3 || contains(tld, "ie") || contains(tld, "fr") || contains(tld, "de");
  std::size_t at = host.size();
  for (int labels = wide ? 2 : 3; labels > 0 && at != kNowhere; --labels)
    at = at == 0 ? kNowhere : host.rfind('.', at - 1);
  return std::string(at == kNowhere ? host : host.substr(at + 1));
}

struct ForgedTrail {
  bool made = false;
  std::size_t names = 0;      // a relay that hands over is not the one that had received
  std::size_t addresses = 0;  // HELO with a far address
};

const ForgedTrail& forged_trail(const EvalCall& call) {
  static const Re domain(R"(/^\w+(?:[\w.-]+\.)+\w+$/)");
  // A longer one is no host's, and would make the expression backtrack.
  const auto is_domain = [&](std::string_view name) {
    return name.size() <= kHostSizeMax && domain.in(name, call);
  };
  auto& trail = call.scratch.of<ForgedTrail>();
  if (trail.made) return trail;
  trail.made = true;
  std::optional<std::string> before;  // the name of the relay above
  for (const Relay& relay : call.message.relays().untrusted) {
    const std::string by = domain_of_host(lower(relay.by));
    const std::string from = domain_of_host(lower(relay.rdns));
    const bool sane = is_domain(by);
    const bool local =
        sane && (from == "localhost" || from == "localhost.localdomain") && relay.ip == "127.0.0.1";
    if (sane) {
      const std::string helo = domain_of_host(lower(relay.helo));
      if (is_ipv4(helo) && is_ipv4(relay.ip) && first_octets(helo, 2) != first_octets(relay.ip, 2) &&
          !is_private_ip(helo))
        ++trail.addresses;
      const bool known = by == "msn.com" && before == "hotmail.com";
      if (before && by != *before && !known && is_domain(*before)) ++trail.names;
    }
    before = local ? std::nullopt : std::optional(from);
  }
  return trail;
}

EvalAnswer check_for_forged_received_trail(const EvalCall& call, Arguments) {
  return EvalAnswer::of(forged_trail(call).names > 1);
}
EvalAnswer check_for_forged_received_ip_helo(const EvalCall& call, Arguments) {
  return EvalAnswer::of(forged_trail(call).addresses > 0);
}

EvalAnswer check_for_from_domain_in_received_headers(const EvalCall& call, Arguments arguments) {
  const std::string_view domain = arguments[0];
  const bool wanted = arguments[1] == "true";
  const std::string from = first_of(call, "From:addr");
  if (!contains_nocase(from, domain)) return EvalAnswer::of(false);
  const RelayChain& relays = call.message.relays();
  bool found = false;
  for (const auto* list : {&relays.trusted, &relays.untrusted})
    for (const Relay& relay : *list) found |= relay.rdns.ends_with(domain) && relay.by.ends_with(domain);
  return EvalAnswer::of(found == wanted);
}

// --- forged by name of a provider ---

struct ReceivedInSpaces {
  std::optional<std::string> text;
};
const std::string& received_in_spaces(const EvalCall& call) {
  auto& known = call.scratch.of<ReceivedInSpaces>().text;
  if (!known) known = in_spaces(text_of(call, "Received"));
  return *known;
}

bool has_ip(const EvalCall& call, std::string_view field) {
  return find_ip_address(text_of(call, field)).size > 0;
}

// A list server or a gateway that takes Received fields off.
bool passed_remover(const EvalCall& call) {
  static const Re ezmlm("/^contact \\S+\\@\\S+\\; run by ezmlm$/m");
  static const Re mailing_list("/^mailing list \\S+\\@\\S+/m");
  static const Re qmail("/qmail \\d+ invoked (?:from network|by .{3,20})\\); \\d+ ... \\d+/");
  static const Re groups("/from groups\\.msn\\.com \\(\\S+\\.msn\\.com /");
  if (ezmlm.in(text_of(call, "Mailing-List"), call) && mailing_list.in(text_of(call, "Delivered-To"), call) &&
      qmail.in(text_of(call, "Received"), call))
    return true;
  return !has_field(call, "Received") || groups.in(text_of(call, "Received"), call);
}

EvalAnswer gated_through_received_hdr_remover(const EvalCall& call, Arguments) {
  return EvalAnswer::of(passed_remover(call));
}

EvalAnswer check_for_fake_aol_relay_in_rcvd(const EvalCall& call, Arguments) {
  static const Re relay("/ rly-[a-z][a-z]\\d\\d\\./i");
  static const Re real("m{/AOL-\\d+\\.\\d+\\.\\d+\\)|ESMTP id (?:RELAY|MAILRELAY|MAILIN)}");
  const std::string received = received_in_spaces(call);
  return EvalAnswer::of(relay.in(received, call) && !real.in(received, call));
}

bool is_from_msn_groups(const EvalCall& call) {
  static const Re to("/<(\\S+)\\@groups\\.msn\\.com>/i");
  static const Re pickup("/from mail pickup service by ((?:p\\d\\d\\.)groups\\.msn\\.com)\\b/");
  const auto list = to.group(text_of(call, "To"), call);
  const auto server = pickup.group(text_of(call, "Received"), call);
  if (!list || !server) return false;
  const std::string id = first_of(call, "Message-Id");
  if (*list == "notifications") return id.starts_with("<") && contains(id, "@" + *server + ">");
  return id.starts_with("<" + *list + "-") && contains(id, "@groups.msn.com>") &&
         contains(first_of(call, "EnvelopeFrom:addr"), *list + "-bounce@groups.msn.com");
}

EvalAnswer check_for_msn_groups_headers(const EvalCall& call, Arguments) {
  return EvalAnswer::of(is_from_msn_groups(call));
}

struct HotmailForgery {
  bool made = false;
  bool forged = false;  // Received says Hotmail, wrongly
  bool absent = false;  // the sender says so, and no Received does
};

constexpr std::string_view kIp = R"((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+)";

bool is_real_hotmail(const EvalCall& call, const std::string& received) {
  static const Re with_ip(
      "m{from (?:\\S*\\.)?hotmail.com \\(\\S+\\.hotmail(?:\\.msn)?\\.com[ \\)]|from \\S*\\.hotmail.com "
      "\\(\\[(?:" +
      std::string(kIp) +
      ")\\][ \\):]|from \\S+ by \\S+\\.hotmail(?:\\.msn)?\\.com with HTTP\\;|from \\[66\\.218.\\S+\\] by "
      "\\S+\\.yahoo\\.com}");
  static const Re with_origin(
      "m{from \\S*\\.outbound\\.protection\\.outlook\\.com \\(\\S+\\.outbound\\.protection\\.outlook\\.com[ "
      "\\)]|"
      "from \\S*\\.(?:eur|nam)prd\\d+\\.prod\\.outlook\\.com \\((?:" +
      std::string(kIp) + ")\\)}");
  static const Re origin("/hotmail\\.com|msonline\\-outlook/");
  if (has_ip(call, "X-Originating-Ip") && with_ip.in(received, call)) return true;
  return origin.in(text_of(call, "X-OriginatorOrg"), call) && with_origin.in(received, call);
}

const HotmailForgery& hotmail_forgery(const EvalCall& call) {
  static const Re says("/(?:from |HELO |helo=)\\S*hotmail\\.com\\b/");
  auto& found = call.scratch.of<HotmailForgery>();
  if (found.made) return found;
  found.made = true;
  static const Re sender("/\\bhotmail\\.com$/i");
  const bool from = sender.in(first_of(call, "From:addr"), call);
  if (!from && !contains(text_of(call, "Received"), "hotmail.com")) return found;
  const std::string& received = received_in_spaces(call);
  if (contains(received, "from mail pickup service by hotmail.com with Microsoft SMTPSVC;") ||
      is_from_msn_groups(call))
    return found;
  if (passed_remover(call) || is_real_hotmail(call, received)) return found;
  if (says.in(received, call)) {
    found.forged = true;
    return found;
  }
  found.absent = from;
  return found;
}

EvalAnswer check_for_forged_hotmail_received_headers(const EvalCall& call, Arguments) {
  return EvalAnswer::of(hotmail_forgery(call).forged);
}
EvalAnswer check_for_no_hotmail_received_headers(const EvalCall& call, Arguments) {
  return EvalAnswer::of(hotmail_forgery(call).absent);
}

EvalAnswer check_for_forged_eudoramail_received_headers(const EvalCall& call, Arguments) {
  static const Re sender("/\\beudoramail\\.com$/i");
  static const Re real("/by \\S*whowhere.com\\;/");
  if (!sender.in(first_of(call, "From:addr"), call) || passed_remover(call)) return EvalAnswer::of(false);
  return EvalAnswer::of(!(has_ip(call, "X-Sender-Ip") && real.in(received_in_spaces(call), call)));
}

bool has_yahoo_relay(const EvalCall& call) {
  const auto is_yahoo = [](const Relay& relay) {
    return relay.rdns.ends_with(".yahoo.com") && relay.rdns.size() > 10;
  };
  const RelayChain& relays = call.message.relays();
  return std::ranges::any_of(relays.trusted, is_yahoo) ||
         (!relays.untrusted.empty() && is_yahoo(relays.untrusted.front()));
}

EvalAnswer check_for_forged_yahoo_received_headers(const EvalCall& call, Arguments) {
  static const Re sender("/\\byahoo\\.com$/i");
  static const Re reply("/\\@reply\\.yahoo\\.com$/i");
  static const Re bulk("/\\bmailer\\d+\\.bulk\\.scd\\.yahoo\\.com\\b/");
  static const Re real(
      "m{by web\\S+\\.mail\\S*\\.yahoo\\.com via HTTP|by sonic\\S+\\.consmr\\.mail\\S*\\.yahoo\\.com with "
      "HTTP|by smtp\\S+\\.yahoo\\.com with SMTP|"
      "from \\[(?:" +
      std::string(kIp) +
      ")\\] by \\S+\\.(?:groups|scd|dcn)\\.yahoo\\.com with NNFMP|"
      "by \\w+\\.\\w+\\.yahoo\\.com \\(\\d+\\.\\d+\\.\\d+/\\d+\\.\\d+\\.\\d+\\)(?: with ESMTP)? id \\w+}");
  const std::string from = first_of(call, "From:addr");
  if (!sender.in(from, call)) return EvalAnswer::of(false);
  std::string received = received_in_spaces(call);
  if (has_field(call, "Resent-From") && has_field(call, "Resent-To") && has_field(call, "X-Received"))
    received = in_spaces(text_of(call, "X-Received"));
  const bool sent_in_bulk = bulk.in(received, call) && reply.in(from, call);
  return EvalAnswer::of(!passed_remover(call) && !has_yahoo_relay(call) && !sent_in_bulk &&
                        !real.in(received, call));
}

EvalAnswer check_for_forged_juno_received_headers(const EvalCall& call, Arguments) {
  static const Re sender("/\\bjuno\\.com$/i");
  static const Re own("m{from.*\\b(?:juno|untd)\\.com.*[\\[\\(](?:" + std::string(kIp) +
                      ")[\\]\\)].*by| cookie\\.(?:juno|untd)\\.com }");
  if (!sender.in(first_of(call, "From:addr"), call) || passed_remover(call)) return EvalAnswer::of(false);
  const std::string_view mailer = text_of(call, "X-Mailer");
  const std::string_view received = text_of(call, "Received");
  if (has_field(call, "X-Originating-IP"))
    return EvalAnswer::of(!own.in(received, call) || !contains(mailer, "Juno "));
  return EvalAnswer::of(true);
}

EvalAnswer check_for_forged_gmail_received_headers(const EvalCall& call, Arguments) {
  static const Re sender("/\\bgmail\\.com$/i");
  static const Re forwarded(
      "/by 10\\.\\S+ with SMTP id \\S+|by 2002\\:a\\d\\d\\:\\w+\\:\\S+ with SMTP id \\S+/");
  static const Re submitted("/by smtp\\.googlemail\\.com with ESMTPSA id \\S+/");
  constexpr std::size_t kTokenSizeMin = 60;
  if (!sender.in(first_of(call, "From:addr"), call)) return EvalAnswer::of(false);
  if (forwarded.in(text_of(call, "X-Received"), call) || submitted.in(text_of(call, "Received"), call))
    return EvalAnswer::of(false);
  return EvalAnswer::of(text_of(call, "X-Gm-Message-State").size() < kTokenSizeMin ||
                        text_of(call, "X-Google-Smtp-Source").size() < kTokenSizeMin);
}

EvalAnswer check_for_forged_gw05_received_headers(const EvalCall& call, Arguments) {
  static const Re trail(
      "/\\nfrom\\s\\S+\\sby\\s(\\S+)\\swith\\sESMTP\\;\\s+\\S\\S\\S,\\s+\\d+\\s+\\S\\S\\S\\s+\\d{4}\\s+"
      "\\d\\d:\\d\\d:\\d\\d\\s+[-+]*\\d{4}\\n$/s");
  const auto by = trail.group(text_of(call, "Received"), call);
  return EvalAnswer::of(by && !contains(*by, "."));
}

EvalAnswer check_messageid_not_usable(const EvalCall& call, Arguments) {
  static const Re unsubscribe("/<mailto:(?:leave-\\S+|\\S+-unsubscribe)\\@\\S+>$/i");
  if (unsubscribe.in(text_of(call, "List-Unsubscribe"), call) || passed_remover(call))
    return EvalAnswer::of(true);
  const std::string_view received = text_of(call, "Received");
  return EvalAnswer::of(contains(received, "/CWT/DCE)") || contains(received, "iPlanet Messaging Server"));
}

// --- dates ---

struct MessageDates {
  bool made = false;
  std::optional<std::int64_t> header;
  std::vector<std::int64_t> received;
  std::int64_t difference = 0;  // of the header's date from the nearest Received date
};

std::optional<std::int64_t> date_of_received(const EvalCall& call, std::string_view received) {
  static const Re date("/(\\s.?\\d+ \\S\\S\\S \\d+ \\d+:\\d+:\\d+ \\S+)/");
  const auto found = date.group(received, call);
  return found ? parse_rule_date(*found) : std::nullopt;
}

// Without those that a fetcher of mailboxes wrote, which are late.
std::span<const std::string> without_fetcher(const EvalCall& call, std::span<const std::string> received) {
  static const Re local(
      "/\\bfrom (?:localhost\\s|(?:\\S+ ){1,2}\\S*\\b127\\.0\\.0\\.1\\b)|qmail \\d+ invoked by uid \\d+/");
  static const Re fetched("/\\bby localhost with \\w+ \\(fetchmail-[\\d.]+/");
  const std::size_t at = !received.empty() && local.in(received.front(), call) ? 1 : 0;
  return received.size() > at && fetched.in(received[at], call) ? received.subspan(at + 1) : received;
}

const MessageDates& message_dates(const EvalCall& call) {
  auto& dates = call.scratch.of<MessageDates>();
  if (dates.made) return dates;
  dates.made = true;
  for (const std::string_view name : {"Resent-Date", "Date"})
    for (const std::string& value : call.message.header_values(name))
      if (!dates.header) dates.header = parse_rule_date(value);
  for (const std::string& value : without_fetcher(call, call.message.header_values("Received")))
    if (const auto time = date_of_received(call, value)) dates.received.push_back(*time);
  if (dates.received.empty() && call.facts.arrival)
    dates.received.push_back(call.facts.arrival->nanoseconds / 1'000'000'000);
  if (!dates.header || dates.received.empty()) return dates;
  std::vector<std::int64_t> differences;
  for (const std::int64_t time : dates.received) differences.push_back(*dates.header - time);
  // The first hop may have taken its date from the header.
  if (differences.size() > 1 && differences.back() == 0) differences.pop_back();
  dates.difference =
      *std::ranges::min_element(differences, {}, [](std::int64_t one) { return std::abs(one); });
  return dates;
}

EvalAnswer check_for_shifted_date(const EvalCall& call, Arguments arguments) {
  const auto hours = static_cast<double>(message_dates(call).difference) / 3600;
  return EvalAnswer::of((!is_given(arguments, 0) || hours >= number(arguments, 0, 0)) &&
                        (!is_given(arguments, 1) || hours < number(arguments, 1, 0)));
}

// How old it is by its own dates; only where the caller knows the time.
EvalAnswer received_within_months(const EvalCall& call, Arguments arguments) {
  if (!call.facts.arrival) return EvalAnswer::needs(Fact::arrival);
  const MessageDates& dates = message_dates(call);
  std::vector<std::int64_t> candidates;
  if (dates.header) candidates.push_back(*dates.header);
  if (!dates.received.empty()) candidates.push_back(dates.received.front());
  if (dates.header && !dates.received.empty()) candidates.push_back(*dates.header - dates.difference);
  std::ranges::sort(candidates, std::greater{});
  const std::int64_t sent = candidates.empty() ? 0 : candidates[(candidates.size() - 1) / 2];
  const auto now = call.facts.arrival->nanoseconds / 1'000'000'000;
  constexpr double kSecondsInMonth = 31'556'952.0 / 12;
  const double months = static_cast<double>(now - sent) / kSecondsInMonth;
  return EvalAnswer::of((!is_given(arguments, 0) || months >= number(arguments, 0, 0)) &&
                        (!is_given(arguments, 1) || months < number(arguments, 1, 0)));
}

}  // namespace

void add_received_evals(EvalRegistry& registry) {
  registry.add("check_all_trusted", {0, 0}, check_all_trusted);
  registry.add("check_no_relays", {0, 0}, check_no_relays);
  registry.add("check_relays_unparseable", {0, 0}, check_relays_unparseable);
  registry.add("helo_ip_mismatch", {0, 0}, helo_ip_mismatch);
  registry.add("check_for_numeric_helo", {0, 0}, check_for_numeric_helo);
  registry.add("check_for_sender_no_reverse", {0, 0}, check_for_sender_no_reverse);
  registry.add("check_for_no_rdns_dotcom_helo", {0, 0}, check_for_no_rdns_dotcom_helo);
  registry.add("check_for_forged_received_trail", {0, 0}, check_for_forged_received_trail);
  registry.add("check_for_forged_received_ip_helo", {0, 0}, check_for_forged_received_ip_helo);
  registry.add("check_for_from_domain_in_received_headers", {2, 2},
               check_for_from_domain_in_received_headers);
  registry.add("gated_through_received_hdr_remover", {0, 0}, gated_through_received_hdr_remover);
  registry.add("check_for_fake_aol_relay_in_rcvd", {0, 0}, check_for_fake_aol_relay_in_rcvd);
  registry.add("check_for_msn_groups_headers", {0, 0}, check_for_msn_groups_headers);
  registry.add("check_for_forged_hotmail_received_headers", {0, 0},
               check_for_forged_hotmail_received_headers);
  registry.add("check_for_no_hotmail_received_headers", {0, 0}, check_for_no_hotmail_received_headers);
  registry.add("check_for_forged_eudoramail_received_headers", {0, 0},
               check_for_forged_eudoramail_received_headers);
  registry.add("check_for_forged_yahoo_received_headers", {0, 0}, check_for_forged_yahoo_received_headers);
  registry.add("check_for_forged_juno_received_headers", {0, 0}, check_for_forged_juno_received_headers);
  registry.add("check_for_forged_gmail_received_headers", {0, 0}, check_for_forged_gmail_received_headers);
  registry.add("check_for_forged_gw05_received_headers", {0, 0}, check_for_forged_gw05_received_headers);
  registry.add("check_messageid_not_usable", {0, 0}, check_messageid_not_usable);
  registry.add("check_for_shifted_date", {2, 2}, check_for_shifted_date);
  registry.add("received_within_months", {2, 2}, received_within_months);
}

}  // namespace ringpost::filter
