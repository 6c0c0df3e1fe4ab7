// HTML of any bytes: it is rendered, and what is visible and what is not makes the whole.
#include <algorithm>
#include <string>

#include "ringpost/filter/view_limits.hpp"

#include "filter/html_color.hpp"
#include "filter/html_entities.hpp"
#include "filter/html_renderer.hpp"
#include "fuzz_input.hpp"

using namespace ringpost;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact({reinterpret_cast<const char*>(bytes), size});
  const filter::RenderedHtml html = filter::HtmlRenderer::render(exact.text(), true);
  RP_ASSERT(html.visible.size() + html.invisible.size() == html.text.size());
  RP_ASSERT(html.facts.elements <= html.facts.tags);
  RP_ASSERT(html.facts.elements_seen <= html.facts.tags_seen);
  for (const auto& [tag, depth] : html.facts.inside) RP_ASSERT(depth >= 0);
  for (const auto& [uri, where] : html.facts.uris) RP_ASSERT(uri.size() <= 3 * filter::kUriSizeMax);
  std::string decoded;
  filter::append_html_decoded(exact.text(), filter::EntityNames::prefixes, decoded);
  RP_ASSERT(decoded.size() <= size + size / 2);
  const std::string color = filter::parse_color(exact.text());
  RP_ASSERT(color == filter::kInvalidColor || (color.size() <= 7 && color.starts_with('#')));
  (void)filter::background_color(exact.text());
  return 0;
}
