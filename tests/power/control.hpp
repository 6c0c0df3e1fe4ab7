// The disk's control socket: one order each connection, one line of JSON as the answer.
//
//   cut SEED OPERATIONS [MANNER]   behind so many further writes and flushes (0: now); answers when it has come:
//                                  {"manner":"subset","kept":3,"torn":1,"dropped":7}
//   on                             the power is back
//   lie | honest                   flushes are answered without being done, or are done again
//   figures                        {"writes":9,"flushes":2,"cuts":1,"refused":0}
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "volatile_disk.hpp"

namespace ringpost::power {

inline constexpr std::size_t kOrderMax = 200;            // bytes of a line
inline constexpr std::chrono::seconds kCutPatience{30};  // for the operations to come

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
