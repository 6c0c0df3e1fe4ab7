// Where lines go. A sink never waits longer than kSinkPatience for a batch; what it could not write it counts.
//
// Owner: the publisher's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/publish/options.hpp"

#include "event.hpp"

namespace ringpost::publish {

// What a sink is told about itself; the sockets are other ones in tests.
struct SinkPlaces {
  std::string hostname;
  int process_id = 0;
  std::string syslog_socket = "/dev/log";
  std::string journal_socket = "/run/systemd/journal/socket";
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void add(const Event& event) = 0;
  // Writes what was added; the last call of a batch.
  virtual void flush() = 0;

  std::uint64_t lines() const { return lines_; }
  std::uint64_t lost() const { return lost_; }
  // Why the newest line was lost; "" when it was written.
  const std::string& problem() const { return problem_; }

 protected:
  void count_written(std::uint64_t lines) {
    lines_ += lines;
    if (lines > 0) problem_.clear();
  }
  void count_lost(std::uint64_t lines, std::string problem) {
    lost_ += lines;
    problem_ = std::move(problem);
  }

 private:
  std::uint64_t lines_ = 0;
  std::uint64_t lost_ = 0;
  std::string problem_;
};

// Errors say what cannot be opened, and the mend. A syslog daemon that is not there yet is none: it may come.
Result<std::unique_ptr<Sink>> make_sink(const LogOptions& options, const SinkPlaces& places);

Result<std::unique_ptr<Sink>> make_file_sink(std::string path, LogFormat format, const SinkPlaces& places);
std::unique_ptr<Sink> make_stream_sink(int descriptor, LogFormat format, const SinkPlaces& places);
std::unique_ptr<Sink> make_syslog_sink(LogFormat format, const SinkPlaces& places);
std::unique_ptr<Sink> make_journal_sink(LogFormat format, const SinkPlaces& places);

}  // namespace ringpost::publish
