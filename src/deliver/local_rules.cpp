#include "local_rules.hpp"

#include <fmt/format.h>

#include "ringpost/mail/address.hpp"

namespace ringpost::deliver {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Result<mail::AliasTable> read_aliases(std::string_view text) {
  mail::ParsedAliases parsed = mail::parse_aliases(text);
  if (parsed.errors.empty()) return std::move(parsed.table);
  const mail::AliasError& first = parsed.errors.front();
  return fail(ErrorKind::permanent, fmt::format("line {}: {}; {}", first.line, first.text, first.mend));
}

Result<std::shared_ptr<const LocalRules>> LocalRules::make(LocalSettings settings) {
  auto rules = std::make_shared<LocalRules>();
  rules->location = RP_TRY(parse_location(settings.mailboxes.location));
  auto aliases = read_aliases(settings.aliases_text);
  if (!aliases) return fail(std::move(aliases).error().in(settings.domains.aliases.text));
  rules->aliases = *std::move(aliases);
  const auto add = [&](const std::string& domain) {
    std::string canonical;
    rules->local_domains.insert(mail::append_canonical_domain(domain, canonical) ? canonical : lower(domain));
  };
  add(settings.hostname);
  for (const std::string& domain : settings.domains.local) add(domain);
  rules->settings = std::move(settings);
  rules->settings.aliases_text.clear();
  return std::shared_ptr<const LocalRules>(std::move(rules));
}

}  // namespace ringpost::deliver
