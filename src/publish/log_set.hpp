// All logs of the configuration: each event goes into every one, and what one loses is said in the others.
//
// Owner: the publisher's thread, or whoever holds its lock.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sink.hpp"

namespace ringpost::publish {

class LogSet {
 public:
  // No log configured: maillog to stderr. Errors name the log and the mend.
  static Result<LogSet> open(const Named<LogOptions>& logs, const SinkPlaces& places);

  void add(const Event& event);
  void add_notice(std::string_view severity, std::string_view subject, std::string_view text, WallTime now);
  // Writes the batch; then says, once for each, which log has begun to lose lines and which one works again.
  void flush(WallTime now);

  std::uint64_t lines() const;
  std::uint64_t lost() const;

 private:
  struct Log {
    std::string name;
    std::unique_ptr<Sink> sink;
    bool failing = false;
    std::uint64_t lost_said = 0;  // so many of its lost lines were told about
  };
  void report_failure(Log& log, WallTime now);
  void report_recovery(Log& log, WallTime now);
  std::vector<Log> logs_;
};

}  // namespace ringpost::publish
