#include "uri_collection.hpp"

#include <algorithm>

#include "ringpost/filter/view_limits.hpp"

#include "body_text.hpp"
#include "characters.hpp"
#include "uri_canonical.hpp"
#include "uri_text.hpp"

namespace ringpost::filter {

namespace {

void add_once(std::vector<std::string>& list, const std::string& one) {
  if (std::ranges::find(list, one) == list.end()) list.push_back(one);
}

// A page may have thousands of them.
void add_texts_once(std::vector<std::string>& list, const std::vector<std::string>& texts, bool wide) {
  std::unordered_set<std::string> known(list.begin(), list.end());
  for (const std::string& text : texts)
    if (const auto [place, fresh] = known.insert(in_rule_bytes(text, wide)); fresh) list.push_back(*place);
}

}  // namespace

UriDetail& UriCollection::detail(const std::string& uri) {
  const auto [place, fresh] = places_.try_emplace(uri, details_.size());
  if (fresh) details_.push_back({.uri = uri});
  return details_[place->second];
}

bool UriCollection::add(const std::string& uri, const std::vector<std::string>& types, bool valid_domain) {
  if (details_.size() >= kUrisMax) {
    truncated_ = true;
    return false;
  }
  const bool signature = types.size() == 1 && types.front() == "domainkeys";
  std::vector<std::string> variants = signature ? std::vector{uri} : uri_variants(uri, *settings_, *scratch_);
  std::vector<RegistrarBoundaries::HostAndDomain> hosts;
  for (std::string& one : variants) {
    truncated_ |= one.size() > kUriSizeMax;
    one.resize(std::min(one.size(), kUriSizeMax));
    auto found = settings_->registrars.host_of_uri(one);
    if (!found.domain.empty()) hosts.push_back(std::move(found));
  }
  if (variants.empty() || (valid_domain && hosts.empty())) return false;
  UriDetail& target = detail(uri);
  if (!signature)
    for (const std::string& one : variants) add_once(target.cleaned, one);
  for (auto& [host, domain] : hosts) {
    add_once(target.domains, domain);
    const std::pair entry(host, domain);
    if (std::ranges::find(target.hosts, entry) == target.hosts.end()) target.hosts.push_back(entry);
  }
  for (const std::string& type : types) add_once(target.types, type);
  return true;
}

void UriCollection::add_text(std::string_view line) {
  std::vector<TextUri> found;
  find_text_uris(line, settings_->registrars, found);
  for (TextUri& one : found) {
    if (!seen_.insert(one.raw).second) continue;
    std::vector<std::string> types{"parsed"};
    if (one.unlinked) types.emplace_back("unlinked");
    if (one.schemeless) types.emplace_back("schemeless");
    add(one.uri, types, true);
  }
}

void UriCollection::add_html(const HtmlFacts& html, bool wide) {
  truncated_ |= html.uris_truncated;
  for (const auto& [uri, where] : html.uris) {
    const std::string key = in_rule_bytes(uri, wide);
    if (!add(key, where.types.empty() ? std::vector<std::string>{"parsed"} : where.types, false)) continue;
    add_texts_once(detail(key).anchor_texts, where.anchor_texts, wide);
  }
}

void UriCollection::add_signature(std::string_view value) {
  for (std::size_t at = value.find('d'); at != kNowhere; at = value.find('d', at + 1)) {
    if (at > 0 && is_word(value[at - 1])) continue;
    const std::string_view rest = trim_front(value.substr(at + 1));
    if (!rest.starts_with('=')) continue;
    std::string domain(rest.substr(1, rest.find(';') == kNowhere ? kNowhere : rest.find(';') - 1));
    std::erase_if(domain, is_space);
    if (!domain.empty()) add("domainkeys:" + domain, {"domainkeys"}, true);
  }
}

void UriCollection::finish() {
  std::unordered_set<std::string_view> known;
  for (const UriDetail& one : details_)
    for (const std::string& uri : one.cleaned)
      if (known.insert(uri).second) uris_.push_back(uri);
}

}  // namespace ringpost::filter
