// What the sender of mail counts on one core.
//
// Layer: tool. One core writes, others may read the counters.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "ringpost/mail/reply.hpp"
#include "ringpost/observe/registry.hpp"

#include "load_figures.hpp"

namespace ringpost::loadgen {

struct SmtpFigures : LoadFigures {
  observe::Counter recipients;  // of acknowledged messages, those that were accepted
  observe::Counter refused_recipients;

  // Refusals by their code.
  void note_refusal(const mail::Reply& reply);

  static constexpr int kCodesMax = 600;
  std::array<observe::Counter, kCodesMax> codes;
  std::map<int, std::string> examples;  // one reply of each code; read after the end
};

}  // namespace ringpost::loadgen
