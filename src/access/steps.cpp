#include "steps.hpp"

#include <algorithm>

#include "ringpost/imap/status_response.hpp"

namespace ringpost::access {

void Steps::next_stage(std::uint64_t messages) {
  stage_ = std::min(stage_ + 1, plan_.stages - 1);
  in_stage_ = messages;
  done_ = 0;
}

std::uint64_t Steps::reached() const {
  const std::uint64_t here =
      in_stage_ == 0 ? plan_.messages : std::min(plan_.messages, done_ * plan_.messages / in_stage_);
  return stage_ * plan_.messages + here;
}

std::optional<std::string> Steps::due(Instant now, std::string_view tag) {
  if (now - told_ < kProgressEvery || goal() == 0) return std::nullopt;
  told_ = now;
  return imap::codes::in_progress(tag, std::min(reached(), goal() - 1), goal());
}

}  // namespace ringpost::access
