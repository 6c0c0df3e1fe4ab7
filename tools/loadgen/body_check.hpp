// Reads a message as it arrives: finds the fields of the generator in its header and sums its body.
//
// Layer:  tool, pure. Owner: one conversation; start() for each message.
// Input:  the message's bytes without dot stuffing, split anywhere.
// Limits: kFieldBytesMax of a header line are looked at; a header may be as long as it likes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/units.hpp"

#include "load_id.hpp"

namespace ringpost::loadgen {

struct BodyVerdict {
  std::optional<LoadId> id;                // none: the generator did not make this message
  std::optional<std::uint32_t> announced;  // the checksum in the header
  std::uint32_t checksum = 0;              // of the body, from behind the empty line
  std::optional<WallTime> sent;            // when it was meant to be sent
  bool good() const { return announced == checksum; }
};

class BodyCheck {
 public:
  void start();
  void feed(std::span<const std::byte> bytes);
  // After the last byte.
  const BodyVerdict& finish();

 private:
  void end_line(std::string_view line);
  std::string line_;  // the part of a header line that came in an earlier piece
  BodyVerdict verdict_;
  bool in_header_ = true;
};

}  // namespace ringpost::loadgen
