#include "smtp_figures.hpp"

#include "clean_text.hpp"
#include "limits.hpp"

namespace ringpost::loadgen {

void SmtpFigures::note_refusal(const mail::Reply& reply) {
  if (reply.code < 0 || reply.code >= kCodesMax) return;
  codes[static_cast<std::size_t>(reply.code)].add();
  if (examples.size() < kExamplesMax && !examples.contains(reply.code))
    examples.emplace(reply.code, clean_text(mail::to_string(reply)));
}

}  // namespace ringpost::loadgen
