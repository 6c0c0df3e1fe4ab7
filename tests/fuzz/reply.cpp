// Replies of other servers, and our own: what is written is short lines without control characters, and reads back.
#include "ringpost/mail/reply.hpp"

#include <string>

#include "ringpost/mail/limits.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

void check_written(const std::string& written, int code) {
  RP_ASSERT(written.ends_with("\r\n"));
  for (std::size_t from = 0; from < written.size();) {
    const std::size_t end = written.find("\r\n", from);
    RP_ASSERT(end - from + 2 <= mail::kReplyLineSizeMax);
    for (const char c : std::string_view(written).substr(from, end - from))
      RP_ASSERT(static_cast<unsigned char>(c) >= 32 && c != 127);
    from = end + 2;
  }
  const auto again = mail::parse_reply(written);
  // A text of very many lines is more than a parser takes.
  if (again) RP_ASSERT(again->code == code);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  const auto reply = mail::parse_reply(exact.text());
  if (reply) {
    RP_ASSERT(reply->code >= 200 && reply->code < 600);
    const mail::EnhancedStatus status = mail::effective_status(*reply);
    RP_ASSERT(reply->code >= 300 && reply->code < 400 ? true : status.category == reply->code / 100);
    RP_ASSERT(mail::to_string(*reply).find('\n') == std::string::npos);
    std::string written;
    mail::append_reply(*reply, written);
    check_written(written, reply->code);
    const auto again = mail::parse_reply(written);
    // Without one, a text may begin with what looks like one once its control characters are spaces.
    RP_ASSERT(!again || !reply->status.given() || again->status == reply->status);
  }
  std::string written;
  mail::append_reply(550, {5, 1, 1}, exact.text(), written);
  check_written(written, 550);
  (void)mail::parse_enhanced_status(exact.text());
  return 0;
}
