#include "smtp_figures.hpp"

#include "limits.hpp"

namespace ringpost::loadgen {

void SmtpFigures::note_refusal(const mail::Reply& reply) {
  if (reply.code < 0 || reply.code >= kCodesMax) return;
  codes[static_cast<std::size_t>(reply.code)].add();
  if (examples.size() < kExamplesMax && !examples.contains(reply.code))
    examples.emplace(reply.code, mail::to_string(reply));
}

void SmtpFigures::note_trouble(const std::string& text) {
  if (const auto known = troubles.find(text); known != troubles.end())
    ++known->second;
  else if (troubles.size() < kExamplesMax)
    troubles.emplace(text, 1);
}

}  // namespace ringpost::loadgen
