// Any bytes as a mail: every view of it is made, within its limits, and every eval function answers.
#include <string>

#include "ringpost/filter/eval.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/parts.hpp"
#include "ringpost/filter/relays.hpp"
#include "ringpost/filter/rules.hpp"
#include "ringpost/filter/settings.hpp"
#include "ringpost/filter/view_limits.hpp"
#include "ringpost/mail/transfer_decoding.hpp"

#include "filter/field_addresses.hpp"
#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

filter::Settings settings() {
  filter::Settings lines;
  lines.add({"util_rb_tld", "com org uk", {}});
  lines.add({"freemail_domains", "free.com *.org", {}});
  lines.add({"welcomelist_from_rcvd", "*@a.com b.com", {}});
  lines.add({"welcomelist_bounce_relays", "mx.a.com", {}});
  lines.add({"ok_locales", "en ja", {}});
  return lines;
}

void check_lines(std::span<const std::string> lines) {
  for (const std::string& line : lines) RP_ASSERT(line.size() <= filter::kTextLineSizeMax + 1);
}

void check_parts(const filter::MessageView& view) {
  const auto& parts = view.parts().parts;
  RP_ASSERT(!parts.empty() && parts.size() <= filter::kPartsMax);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    RP_ASSERT(parts[i].end > i && parts[i].end <= parts.size());
    RP_ASSERT(!parts[i].leaf || parts[i].end == i + 1);
    RP_ASSERT(parts[i].decoded().size() <= parts[i].encoded().size());
    (void)view.part_header(i, "ALL", true);
  }
}

void run_evals(const filter::MessageView& view, const filter::Facts& facts) {
  static const filter::Settings lines = settings();
  static const std::vector<std::string> arguments[] = {
      {}, {"5"}, {"0", "10"}, {"all", "0", "1"}, {"html"}, {"max_size", "1", "2"}, {"Subject", "0", "1"}};
  filter::EvalScratch scratch;
  for (const std::string_view name : filter::standard_evals().names())
    for (const auto& list : arguments) {
      filter::EvalShared shared;
      const auto made =
          filter::standard_evals().find(name)->make({"FUZZ", filter::RuleArea::body, list, lines, shared});
      if (made) (void)(*made)({view, facts, scratch});
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const filter::Settings lines = settings();
  static const filter::ViewSettings view_settings = filter::make_view_settings(lines);
  const fuzz::Exact exact({reinterpret_cast<const char*>(bytes), size});
  const filter::Facts facts;
  patterns::Scratch scratch;
  const filter::MessageView view(exact.text(), view_settings, facts, scratch);
  check_parts(view);
  check_lines(view.body());
  check_lines(view.visible_body());
  check_lines(view.invisible_body());
  for (const std::string& chunk : view.rawbody()) RP_ASSERT(chunk.size() <= 2 * filter::kTextLineSizeMax);
  for (const std::string_view request :
       {"ALL", "ALL:raw", "ToCc:addr", "From:name", "Received:ip", "From:addr:domain", "EnvelopeFrom",
        "MESSAGEID", "ALL-UNTRUSTED", "X-Spam-Relays-External"})
    (void)view.header_values(request);
  RP_ASSERT(view.relays().trusted.size() + view.relays().untrusted.size() <= filter::kRelaysMax);
  while (view.prepare_next()) {
  }
  RP_ASSERT(filter::parse_field_addresses(exact.text()).size() <= filter::kFieldAddressesMax);
  (void)filter::parse_received(exact.text());
  RP_ASSERT(mail::decode_base64_tolerant(exact.text()).size() <= size);
  RP_ASSERT(mail::decode_quoted_printable(exact.text()).size() <= size);
  run_evals(view, facts);
  return 0;
}
