// Writes the events of all cores to the logs, on a thread of its own: the mail path never waits for a disk or a pipe.
//
// Layer:  services. Owner: the main thread. Drains each core's EventRing; what a ring had to drop is said in the log.
// Order:  events of one core keep their order; between cores they are as close as the drains.
// Limits: publish/limits.hpp. A log that cannot be written loses its lines; they are counted, and said once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/observe/event_ring.hpp"
#include "ringpost/publish/options.hpp"

namespace ringpost::publish {

class Publisher {
 public:
  // No log configured: maillog to stderr. Errors name the log and the mend. The rings outlive the publisher.
  static Result<std::unique_ptr<Publisher>> start(std::vector<observe::EventRing*> rings,
                                                  const Named<LogOptions>& logs, std::string hostname);
  ~Publisher();  // drains once more, then ends

  // Opens the files again (after rotation) and takes other options. On an error the old ones go on.
  Result<void> reload(const Named<LogOptions>& logs);
  // A line of the server about itself (start, reload, stop), into every log. Any thread; never blocks on a log.
  void notice(std::string text);
  // Returns when all that had happened before the call is written. Any thread but a core's.
  void flush();

  struct Figures {
    std::uint64_t lines = 0;    // written, over all logs
    std::uint64_t lost = 0;     // lines that a log did not take
    std::uint64_t dropped = 0;  // events that found their ring full
  };
  Figures figures() const;

  struct State;

 private:
  explicit Publisher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::publish
