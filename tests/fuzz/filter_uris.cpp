// URIs in any text, and all that they are read as.
#include <algorithm>
#include <string>
#include <vector>

#include "ringpost/filter/settings.hpp"
#include "ringpost/filter/view_limits.hpp"

#include "filter/mail_addresses.hpp"
#include "filter/uri_canonical.hpp"
#include "filter/uri_reference.hpp"
#include "filter/uri_text.hpp"
#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

filter::ViewSettings settings() {
  filter::Settings lines;
  lines.add({"util_rb_tld", "com org uk a", {}});
  lines.add({"util_rb_2tld", "co.uk", {}});
  lines.add({"redirector_pattern", "m{^http://r\\.com/(.*)}i", {}});
  return filter::make_view_settings(lines);
}

void check_variants(std::string_view uri, const filter::ViewSettings& view, patterns::Scratch& scratch) {
  std::vector<std::string> variants = filter::uri_variants(uri, view, scratch);
  RP_ASSERT(!variants.empty());
  std::ranges::sort(variants);
  RP_ASSERT(std::ranges::adjacent_find(variants) == variants.end());
  for (const std::string& one : variants) {
    const auto [host, domain] = view.registrars.host_of_uri(one);
    RP_ASSERT(host.empty() == domain.empty());
    RP_ASSERT(host.ends_with(domain));
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const filter::ViewSettings view = settings();
  patterns::Scratch scratch;
  const fuzz::Exact exact({reinterpret_cast<const char*>(bytes), size});
  std::vector<filter::TextUri> found;
  filter::find_text_uris(exact.text(), view.registrars, found);
  for (const filter::TextUri& one : found) {
    RP_ASSERT(exact.text().find(one.raw) != std::string_view::npos);
    RP_ASSERT(one.uri.find(':') != std::string::npos);
    check_variants(one.uri, view, scratch);
  }
  check_variants(exact.text().substr(0, filter::kUriSizeMax), view, scratch);
  (void)filter::resolve_uri("http://a.com/b/c?d", exact.text());
  (void)filter::resolve_uri(exact.text(), "../x?y#z");
  RP_ASSERT(filter::without_quoted_addresses(exact.text(), view.registrars).size() <= size + 1);
  return 0;
}
