#include "setting_table.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/filter/networks.hpp"
#include "ringpost/patterns/expression.hpp"

#include "characters.hpp"
#include "setting_values.hpp"

namespace ringpost::filter {

namespace {

// What the view, eval functions, Bayes, actions or reports read, and what says something to SpamAssassin's programs, files and
// caches alone, so that nobody need hear of it. Lines that the reader of rules takes itself (add_header, report_safe) are its.
constexpr auto kSettings = std::to_array<SettingEntry>({
    {"adsp_override", ValueKind::words},
    {"all_spam_to", ValueKind::words},
    {"always_trust_envelope_sender", ValueKind::truth},
    {"authres_ignored_authserv", ValueKind::words},
    {"authres_networks", ValueKind::any},
    {"authres_trusted_authserv", ValueKind::words},
    {"bayes_auto_expire", ValueKind::truth},
    {"bayes_auto_learn", ValueKind::truth},
    {"bayes_auto_learn_on_error", ValueKind::truth},
    {"bayes_auto_learn_threshold_nonspam", ValueKind::number},
    {"bayes_auto_learn_threshold_spam", ValueKind::number},
    {"bayes_expiry_max_db_size", ValueKind::count},
    {"bayes_file_mode", ValueKind::any},
    {"bayes_ignore_from", ValueKind::words},
    {"bayes_ignore_header", ValueKind::words},
    {"bayes_ignore_to", ValueKind::words},
    {"bayes_journal_max_size", ValueKind::count},
    {"bayes_learn_during_report", ValueKind::truth},
    {"bayes_learn_to_journal", ValueKind::truth},
    {"bayes_max_token_length", ValueKind::count},
    {"bayes_min_ham_num", ValueKind::count},
    {"bayes_min_spam_num", ValueKind::count},
    {"bayes_path", ValueKind::any},
    {"bayes_stopword_languages", ValueKind::any},
    {"bayes_token_sources", ValueKind::token_sources},
    {"bayes_use_hapaxes", ValueKind::truth},
    {"blocklist_from", ValueKind::words},
    {"blocklist_subject", ValueKind::text},
    {"blocklist_to", ValueKind::words},
    {"blocklist_uri_host", ValueKind::words},
    {"body_part_scan_size", ValueKind::count},
    {"clear_internal_networks", ValueKind::nothing},
    {"clear_msa_networks", ValueKind::nothing},
    {"clear_originating_ip_headers", ValueKind::nothing},
    {"clear_report_template", ValueKind::nothing},
    {"clear_trusted_networks", ValueKind::nothing},
    {"clear_unsafe_report_template", ValueKind::nothing},
    {"clear_uridnsbl_skip_domain", ValueKind::any},
    {"clear_util_rb", ValueKind::nothing},
    {"def_welcomelist_auth", ValueKind::words},
    {"def_welcomelist_from_dkim", ValueKind::one_or_two_words},
    {"def_welcomelist_from_rcvd", ValueKind::two_words},
    {"def_welcomelist_from_spf", ValueKind::words},
    {"delist_uri_host", ValueKind::words},
    {"dkim_minimum_key_bits", ValueKind::count},
    {"dns_available", ValueKind::dns_available},
    {"dns_block_rule", ValueKind::two_words_or_more},
    {"dns_local_ports_avoid", ValueKind::any},
    {"dns_local_ports_none", ValueKind::any},
    {"dns_local_ports_permit", ValueKind::any},
    {"dns_options", ValueKind::any},
    {"enable_compat", ValueKind::words},
    {"enlist_addrlist", ValueKind::named_list},
    {"enlist_uri_host", ValueKind::named_list},
    {"envelope_sender_header", ValueKind::field_name},
    {"fold_headers", ValueKind::truth},
    {"freemail_add_describe_email", ValueKind::truth},
    {"freemail_domains", ValueKind::words},
    {"freemail_import_def_welcomelist_auth", ValueKind::truth},
    {"freemail_import_welcomelist_auth", ValueKind::truth},
    {"freemail_max_body_emails", ValueKind::count},
    {"freemail_max_body_freemails", ValueKind::count},
    {"freemail_skip_bulk_envfrom", ValueKind::truth},
    {"freemail_skip_when_over_max", ValueKind::truth},
    {"freemail_welcomelist", ValueKind::words},
    {"inactive_languages", ValueKind::any},
    {"internal_networks", ValueKind::networks},
    {"lock_method", ValueKind::any},
    {"more_spam_to", ValueKind::words},
    {"msa_networks", ValueKind::networks},
    {"normalize_charset", ValueKind::any},
    {"ok_languages", ValueKind::words},
    {"ok_locales", ValueKind::words},
    {"originating_ip_headers", ValueKind::words},
    {"parse_dkim_uris", ValueKind::truth},
    {"rawbody_part_scan_size", ValueKind::count},
    {"rbl_headers", ValueKind::text},
    {"rbl_timeout", ValueKind::dns_timeout},
    {"redirector_pattern", ValueKind::pattern},
    {"report", ValueKind::any},
    {"report_charset", ValueKind::any},
    {"report_contact", ValueKind::text},
    {"report_hostname", ValueKind::text},
    {"report_safe_copy_headers", ValueKind::any},
    {"report_wrap_width", ValueKind::count},
    {"required_score", ValueKind::number},
    {"skip_rbl_checks", ValueKind::truth},
    {"skip_uribl_checks", ValueKind::truth},
    {"time_limit", ValueKind::seconds},
    {"trusted_networks", ValueKind::networks},
    {"unblocklist_from", ValueKind::words},
    {"unsafe_report", ValueKind::any},
    {"unwelcomelist_auth", ValueKind::words},
    {"unwelcomelist_from", ValueKind::words},
    {"unwelcomelist_from_dkim", ValueKind::one_or_two_words},
    {"unwelcomelist_from_rcvd", ValueKind::words},
    {"unwelcomelist_from_spf", ValueKind::words},
    {"uridnsbl", ValueKind::three_words},
    {"uridnsbl_max_domains", ValueKind::count},
    {"uridnsbl_skip_domain", ValueKind::words},
    {"uridnsbl_skip_mailto", ValueKind::truth},
    {"uridnssub", ValueKind::four_words},
    {"urifullnsrhsbl", ValueKind::three_words},
    {"urifullnsrhssub", ValueKind::four_words},
    {"urinsrhsbl", ValueKind::three_words},
    {"urinsrhssub", ValueKind::four_words},
    {"urirhsbl", ValueKind::three_words},
    {"urirhssub", ValueKind::four_words},
    {"use_bayes", ValueKind::truth},
    {"use_bayes_rules", ValueKind::truth},
    {"use_learner", ValueKind::truth},
    {"util_rb_2tld", ValueKind::words},
    {"util_rb_3tld", ValueKind::words},
    {"util_rb_tld", ValueKind::words},
    {"version_tag", ValueKind::any},
    {"welcomelist_allows_relays", ValueKind::words},
    {"welcomelist_auth", ValueKind::words},
    {"welcomelist_bounce_relays", ValueKind::words},
    {"welcomelist_from", ValueKind::words},
    {"welcomelist_from_dkim", ValueKind::one_or_two_words},
    {"welcomelist_from_rcvd", ValueKind::two_words},
    {"welcomelist_from_spf", ValueKind::words},
    {"welcomelist_subject", ValueKind::text},
    {"welcomelist_to", ValueKind::words},
    {"welcomelist_uri_host", ValueKind::words},
});
static_assert(std::ranges::is_sorted(kSettings, {}, &SettingEntry::key));

// How keys begin that SpamAssassin knows and that do nothing here.
constexpr auto kWithoutEffect = std::to_array<std::string_view>({
    "allow_user_rules",
    "asn_",
    "auto_welcomelist_",
    "bayes_",
    "clear_asn_lookups",
    "clear_dns_",
    "clear_url_shortener",
    "country_db_",
    "dcc_",
    "dccifd_",
    "dkim_timeout",
    "dmarc_save_reports",
    "dns_",
    "do_not_use_",
    "extracttext_",
    "fns_",
    "geodb_",
    "hashbl_",
    "ignore_",
    "max_short_url",
    "mbox_format_from_regex",
    "olemacro_",
    "phishing_",
    "pyzor_",
    "razor_",
    "resource_limit_",
    "run_reuse_tests_only",
    "shortcircuit",
    "spamcop_",
    "spf_timeout",
    "textcat_",
    "trigger_",
    "txrep_",
    "uri_block_",
    "uri_country_",
    "uri_detail",
    "uridnsbl_timeout",
    "url_shortener",
    "use_auto_welcomelist",
    "use_dcc",
    "use_newest_received_spf_header",
    "use_pyzor",
    "use_razor2",
    "use_txrep",
    "user_awl_",
    "user_scores_",
    "asn_lookup",
});

Result<void> wanted(bool met, std::string_view value, std::string_view what) {
  if (met) return {};
  return value.empty() ? wrong(fmt::format("{} is wanted", what))
                       : wrong(fmt::format("{} is wanted, not '{}'", what, value));
}

Result<void> check_words(std::string_view value, std::size_t least, std::size_t most, std::string_view what) {
  const std::size_t count = words_of(value).size();
  return wanted(count >= least && count <= most, value, what);
}

Result<void> check_networks(std::string_view value) {
  const auto words = words_of(value);
  for (const std::string_view word : words)
    if (!Networks().add(word))
      return wrong(fmt::format("'{}' is no network; write it as 192.0.2.0/24 or 2001:db8::/32", word));
  return wanted(!words.empty(), value, "a network");
}

Result<void> check_dns_timeout(std::string_view value) {
  const auto words = words_of(value);
  bool met = !words.empty() && words.size() <= 3 && seconds_of(words[0]).has_value();
  if (words.size() == 3) met = met && seconds_of(words[1]).has_value();
  return wanted(met, value, "a time such as 15 or 15s");
}

// yes, no, or a test of certain names; a test counts as yes.
Result<void> check_dns_available(std::string_view value) {
  return wanted(truth_value(value).has_value() || value == "test" || value.starts_with("test:"), value,
                "yes, no or test");
}

Result<void> check_field_name(std::string_view value) {
  const auto in_name = [](char c) { return c > ' ' && c < 127 && c != ':'; };
  return wanted(!value.empty() && std::ranges::all_of(value, in_name), value, "the name of a header field");
}

Result<void> check_named_list(std::string_view value) {
  const std::size_t close = value.find(')');
  return wanted(value.starts_with('(') && close != std::string_view::npos &&
                    !trim(value.substr(1, close - 1)).empty() && !trim(value.substr(close + 1)).empty(),
                value, "(NAME) and its entries");
}

Result<void> check_pattern(std::string_view value) {
  const auto compiled = patterns::Expression::compile(RP_TRY(patterns::parse_delimited(trim(value))));
  return compiled ? Result<void>{} : std::unexpected(compiled.error());
}

Result<void> check_token_sources(std::string_view value) {
  constexpr auto kSources =
      std::to_array<std::string_view>({"all", "header", "visible", "invisible", "uri", "mimepart", "none"});
  const auto words = words_of(value);
  for (const std::string_view written : words) {
    const std::string word = lower(written);
    const bool known = std::ranges::any_of(kSources, [&](std::string_view source) {
      return word == source || word == "no" + std::string(source);
    });
    if (!known) return wrong(fmt::format("'{}' is no source of tokens", written));
  }
  return wanted(!words.empty(), value, "a source of tokens");
}

}  // namespace

SettingEntry setting_entry(std::string_view key) {
  const auto found = std::ranges::lower_bound(kSettings, key, {}, &SettingEntry::key);
  if (found != kSettings.end() && found->key == key) return *found;
  if (key.starts_with("bayes_stopword_")) return {key, ValueKind::text, Known::used};
  const bool other =
      std::ranges::any_of(kWithoutEffect, [&](std::string_view begin) { return key.starts_with(begin); });
  return {key, ValueKind::any, other ? Known::without_effect : Known::unknown};
}

std::vector<std::string_view> setting_names() {
  std::vector<std::string_view> names;
  for (const SettingEntry& entry : kSettings) names.push_back(entry.key);
  return names;
}

Result<void> check_value(ValueKind kind, std::string_view value) {
  constexpr std::size_t kMany = std::string_view::npos;
  switch (kind) {
    case ValueKind::any:
      return {};
    case ValueKind::nothing:
      return value.empty() ? Result<void>{} : wrong("nothing may follow");
    case ValueKind::text:
      return wanted(!value.empty(), value, "a text");
    case ValueKind::words:
      return check_words(value, 1, kMany, "a value");
    case ValueKind::two_words:
      return check_words(value, 2, 2, "an address and a domain");
    case ValueKind::three_words:
      return check_words(value, 3, 3, "a rule, a zone and a type");
    case ValueKind::four_words:
      return check_words(value, 4, 4, "a rule, a zone, a type and an answer");
    case ValueKind::two_words_or_more:
      return check_words(value, 2, kMany, "a rule and its zones");
    case ValueKind::one_or_two_words:
      return check_words(value, 1, 2, "an address, perhaps with a domain,");
    case ValueKind::truth:
      return wanted(truth_value(value).has_value(), value, "1 (yes) or 0 (no)");
    case ValueKind::number:
      return wanted(decimal_number(value).has_value(), value, "a number");
    case ValueKind::count: {
      const auto number = decimal_number(value);
      return wanted(number && *number >= 0 && value.find('.') == std::string_view::npos, value,
                    "a whole number");
    }
    case ValueKind::seconds:
      return wanted(seconds_of(value).has_value(), value, "a time such as 300 or 5m");
    case ValueKind::dns_timeout:
      return check_dns_timeout(value);
    case ValueKind::dns_available:
      return check_dns_available(value);
    case ValueKind::networks:
      return check_networks(value);
    case ValueKind::field_name:
      return check_field_name(value);
    case ValueKind::named_list:
      return check_named_list(value);
    case ValueKind::pattern:
      return check_pattern(value);
    case ValueKind::token_sources:
      return check_token_sources(value);
  }
  return {};
}

}  // namespace ringpost::filter
