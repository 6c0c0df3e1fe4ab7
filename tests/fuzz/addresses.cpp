// Paths of MAIL and RCPT, and what the canonical form promises: it parses, and it is its own canonical form.
#include <string>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/limits.hpp"
#include "ringpost/mail/xtext.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

void check_parts(std::string_view canonical) {
  const mail::AddressParts parts = mail::split_address(canonical);
  const std::string plain = mail::unquote_local_part(parts.local_part);
  RP_ASSERT(mail::unquote_local_part(mail::quote_local_part(plain)) == plain);
  const mail::LocalPartExtension extension = mail::split_extension(parts.local_part, "+-");
  RP_ASSERT(extension.user.size() + extension.extension.size() <= parts.local_part.size());
  (void)mail::looks_like_relay_route(parts.local_part);
  (void)mail::unicode_domain(parts.domain);
  const std::string orcpt = mail::make_orcpt(canonical, true);
  RP_ASSERT(orcpt.empty() || mail::parse_orcpt(orcpt).has_value());
}

void check_canonical(const mail::ParsedPath& path, mail::PathRules rules) {
  std::string canonical = "x";
  if (!mail::append_canonical(path, canonical)) {
    RP_ASSERT(canonical == "x");
    return;
  }
  canonical.erase(0, 1);
  if (path.null_path) {
    RP_ASSERT(canonical.empty());
    return;
  }
  for (const char c : canonical) RP_ASSERT(c != '\r' && c != '\n' && c != '\0');
  rules.allow_bare_local_part = rules.allow_bare_local_part || rules.allow_bare_postmaster;
  const auto again = mail::canonical_address(canonical, rules);
  // Quotes and A-labels may make it longer than an address may be.
  if (again) RP_ASSERT(*again == canonical);
  if (!again)
    RP_ASSERT(canonical.size() + 2 > mail::kPathSizeMax || canonical.size() > mail::kLocalPartSizeMax);
  check_parts(canonical);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const unsigned choice = input.byte();
  const fuzz::Exact exact(input.rest());
  const mail::PathRules rules{.allow_null = (choice & 1U) != 0,
                              .allow_bare_postmaster = (choice & 2U) != 0,
                              .allow_bare_local_part = (choice & 4U) != 0,
                              .smtputf8 = (choice & 8U) != 0};
  if (exact.text().starts_with('<')) {
    if (const auto path = mail::parse_path(exact.text(), rules)) {
      RP_ASSERT(path->size >= 2 && path->size <= exact.text().size());
      RP_ASSERT(exact.text()[path->size - 1] == '>');
      RP_ASSERT(rules.smtputf8 || !path->utf8);
      check_canonical(*path, rules);
    }
  }
  if (const auto path = mail::parse_mailbox(exact.text(), rules)) {
    RP_ASSERT(path->size == exact.text().size());
    check_canonical(*path, rules);
  }
  if (const auto decoded = mail::decode_xtext(exact.text()))
    RP_ASSERT(mail::decode_xtext(mail::xtext(*decoded)) == decoded);
  (void)mail::parse_orcpt(exact.text());
  return 0;
}
