// aliases(5), .forward and lists of targets: what was read is written so that it reads the same.
#include "ringpost/mail/aliases.hpp"

#include <algorithm>
#include <string>

#include "ringpost/mail/limits.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

void check_targets(const mail::ParsedTargets& parsed) {
  RP_ASSERT(parsed.targets.size() <= mail::kAliasTargetsMax);
  RP_ASSERT(parsed.errors.size() <= mail::kAliasErrorsMax);
  for (const mail::AliasTarget& target : parsed.targets) RP_ASSERT(!target.text.empty());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  const mail::ParsedAliases parsed = mail::parse_aliases(exact.text());
  RP_ASSERT(parsed.errors.size() <= mail::kAliasErrorsMax);
  const auto lines = 1 + static_cast<std::size_t>(std::ranges::count(exact.text(), '\n'));
  for (const mail::AliasError& error : parsed.errors) RP_ASSERT(error.line <= lines && !error.text.empty());
  for (const std::string_view name : parsed.table.names()) {
    const auto targets = parsed.table.find(name);
    RP_ASSERT(!targets.empty());
    const mail::ParsedAliases again = mail::parse_aliases(mail::format_alias(name, targets));
    RP_ASSERT(std::ranges::equal(again.table.find(name), targets));
  }
  check_targets(mail::parse_forward(exact.text()));
  check_targets(mail::parse_alias_targets(exact.text()));
  return 0;
}
