// The disk's control socket: one order each connection, one line of JSON as the answer.
//
//   cut SEED [MANNER]   {"manner":"subset","kept":3,"torn":1,"dropped":7}
//   on                  the power is back
//   lie | honest        flushes are answered without being done, or are done again
//   figures             {"writes":9,"flushes":2,"cuts":1,"refused":0}
#pragma once

#include <string>
#include <string_view>
#include <thread>

#include "volatile_disk.hpp"

namespace ringpost::power {

inline constexpr std::size_t kOrderMax = 200;  // bytes of a line

std::string carry_out(VolatileDisk& disk, std::string_view order);

class Control {
 public:
  // Throws when it cannot listen there.
  Control(VolatileDisk& disk, const std::string& path);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

 private:
  void run();
  VolatileDisk& disk_;
  std::string path_;
  int listener_;
  std::thread thread_;
};

}  // namespace ringpost::power
