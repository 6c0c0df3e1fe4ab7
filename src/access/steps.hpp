// A command over many messages: others of the core have their turn meanwhile, and its client hears how far it is.
//
// Layer:  services; without I/O but for pause(). Owner: one SEARCH, SORT, THREAD or COPY.
// RFCs:   9585 (INPROGRESS).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/access/limits.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::access {

class Steps {
 public:
  struct Plan {
    std::uint64_t messages = 0;
    unsigned stages = 1;  // each goes over all messages, or over some of them
  };
  Steps(Instant now, Plan plan) : told_(now), plan_(plan), in_stage_(plan.messages) {}
  virtual ~Steps() = default;

  // One message is done. True: it is time to pause().
  bool step() { return ++done_ % kMessagesPerTurn == 0; }
  // Of the next stage, which has so many.
  void next_stage(std::uint64_t messages);
  // False: the client has gone, and nobody wants to know the rest.
  virtual Task<bool> pause() = 0;

 protected:
  // The response code, when it is time to tell. What is told rises, and is never all.
  std::optional<std::string> due(Instant now, std::string_view tag);

 private:
  std::uint64_t goal() const { return plan_.messages * plan_.stages; }
  std::uint64_t reached() const;

  Instant told_;
  Plan plan_;
  std::uint64_t in_stage_;
  unsigned stage_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace ringpost::access
