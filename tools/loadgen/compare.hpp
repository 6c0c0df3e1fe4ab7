// `loadgen compare`: what was acknowledged against what was received.
//
// Layer: tool, pure but for run_compare.
// Input: "ID RECIPIENTS CHECKSUM" lines (how many recipients were promised) and "ID ADDRESSES ok|bad CHECKSUM"
//        lines. A line that was cut off, as the last one before a kill may be, is counted and otherwise
//        ignored; it cannot stand for a message, because its reply had not left.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::loadgen {

struct Comparison {
  std::uint64_t acknowledged = 0;          // messages
  std::uint64_t received = 0;              // of these, those that came to every recipient
  std::uint64_t lost = 0;                  // of these, those that did not
  std::uint64_t duplicated = 0;            // messages that came to a recipient more than once
  std::uint64_t corrupted = 0;             // messages whose body differs from what was sent
  std::uint64_t unacknowledged = 0;        // messages that came though no 250 was seen for them
  std::uint64_t foreign = 0;               // received lines without id
  std::uint64_t cut = 0;                   // lines that begin well and end too soon
  std::uint64_t unreadable = 0;            // lines that neither side writes
  std::vector<std::string> lost_ids;       // the first ones
  std::vector<std::string> corrupted_ids;  // the first ones

  bool good() const { return lost == 0 && corrupted == 0; }
};

Comparison compare(std::string_view acknowledged, std::string_view received);
std::string to_text(const Comparison& comparison);
std::string to_json(const Comparison& comparison);

struct CompareOptions {
  std::string acknowledged;
  std::string received;
  bool json = false;
};
// The exit code: 0 when nothing is lost and nothing corrupted, 1 otherwise, 2 when a file or a line of it cannot be read, or
// there was nothing to compare.
int run_compare(const CompareOptions& options);

}  // namespace ringpost::loadgen
