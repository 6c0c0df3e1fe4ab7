#include "known.hpp"

#include <algorithm>
#include <array>

namespace ringpost::filter {

namespace {

constexpr std::string_view kPluginPrefix = "Mail::SpamAssassin::Plugin::";
constexpr std::string_view kConfPrefix = "Mail::SpamAssassin::Conf::";

// Those that Debian's package loads.
constexpr auto kPlugins = std::to_array<std::string_view>({
    "AskDNS",        "AutoLearnThreshold",
    "Bayes",         "BodyEval",
    "Check",         "DKIM",
    "DMARC",         "DNSEval",
    "FreeMail",      "HTMLEval",
    "HTTPSMismatch", "HashBL",
    "HeaderEval",    "ImageInfo",
    "MIMEEval",      "MIMEHeader",
    "Pyzor",         "Razor2",
    "RelayEval",     "ReplaceTags",
    "SPF",           "SpamCop",
    "URIDNSBL",      "URIDetail",
    "URIEval",       "VBounce",
    "WLBLEval",      "WelcomeListSubject",
});
constexpr auto kOtherPlugins = std::to_array<std::string_view>({
    "ASN",          "AWL",
    "AccessDB",     "AntiVirus",
    "AuthRes",      "BodyRuleBaseExtractor",
    "DCC",          "DecodeShortURLs",
    "ExtractText",  "FromNameSpoof",
    "OLEVBMacro",   "OneLineBodyRuleType",
    "P595Body",     "PDFInfo",
    "Phishing",     "PhishTag",
    "RelayCountry", "ResourceLimits",
    "Reuse",        "Rule2XSBody",
    "Shortcircuit", "TextCat",
    "TxRep",        "URILocalBL",
});

constexpr auto kConfFeatures = std::to_array<std::string_view>({
    "feature_bayes_auto_learn_on_error",
    "feature_bayes_stopwords",
    "feature_blocklist_welcomelist",
    "feature_bug6558_free",
    "feature_capture_rules",
    "feature_compile_regexp",
    "feature_dns_block_rule",
    "feature_dns_local_ports_permit_avoid",
    "feature_dns_query_restriction",
    "feature_edns",
    "feature_geodb",
    "feature_get_host",
    "feature_header_address_parser",
    "feature_header_first_last",
    "feature_header_match_many",
    "feature_local_tests_only",
    "feature_meta_rules_matching",
    "feature_originating_ip_headers",
    "feature_registryboundaries",
    "feature_subjprefix",
    "feature_uri_host_listed",
    "feature_welcomelist_blocklist",
    "feature_yesno_takes_args",
    "has_tflags_nolog",
    "has_tflags_nosubject",
    "perl_min_version_5010000",
});
// Of plugins that count as loaded.
constexpr auto kPluginFeatures = std::to_array<std::string_view>({
    "AskDNS::has_tag_header",
    "BodyEval::has_check_body_length",
    "BodyEval::has_plaintext_body_sig_ratio",
    "DKIM::has_arc",
    "DNSEval::has_tflags_domains_only",
    "DNSEval::has_tflags_ips_only",
    "HashBL::has_hashbl_bodyre",
    "HashBL::has_hashbl_emails",
    "HashBL::has_hashbl_uris",
    "HashBL::has_hashbl_ignore",
    "HashBL::has_hashbl_email_regex",
    "HashBL::has_hashbl_email_welcomelist",
    "HashBL::has_hashbl_tag",
    "HashBL::has_hashbl_sha256",
    "MIMEEval::has_check_abundant_unicode_ratio",
    "MIMEEval::has_check_for_ascii_text_illegal",
    "MIMEEval::has_check_qp_ratio",
    "MIMEHeader::has_all_header",
    "MIMEHeader::has_capture_rules",
    "MIMEHeader::has_tflags_concat",
    "MIMEHeader::has_tflags_multiple",
    "MIMEHeader::has_tflags_range",
    "SPF::has_check_for_spf_errors",
    "SPF::has_check_spf_skipped_noenvfrom",
    "URIDNSBL::has_subtest_for_ranges",
    "URIDNSBL::has_tflags_domains_only",
    "URIDNSBL::has_tflags_notrim",
    "URIDNSBL::has_uridnsbl_a_ns",
    "URIDNSBL::has_uridnsbl_for_a",
    "URIDNSBL::has_uridnsbl_skip_mailto",
    "URIDetail::has_host_key",
});

bool among(auto sorted_or_not, std::string_view name) {
  return std::ranges::find(sorted_or_not, name) != sorted_or_not.end();
}

}  // namespace

Known plugin_known(std::string_view name) {
  if (!name.starts_with(kPluginPrefix)) return Known::unknown;
  name.remove_prefix(kPluginPrefix.size());
  if (name == "Dmarc") name = "DMARC";
  if (name == "WhiteListSubject") name = "WelcomeListSubject";
  if (among(kPlugins, name) || name == "RaciallyCharged") return Known::used;
  return among(kOtherPlugins, name) ? Known::without_effect : Known::unknown;
}

bool feature_known(std::string_view name) {
  if (name.starts_with(kConfPrefix)) return among(kConfFeatures, name.substr(kConfPrefix.size()));
  if (name.starts_with(kPluginPrefix)) return among(kPluginFeatures, name.substr(kPluginPrefix.size()));
  return false;
}

}  // namespace ringpost::filter
