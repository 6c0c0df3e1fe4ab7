// power_disk MOUNT-POINT MEBIBYTES CONTROL-SOCKET: a file MOUNT-POINT/disk, for a loop device, whose power can be cut.
#include <charconv>
#include <cstdio>
#include <exception>
#include <string_view>

#include "control.hpp"
#include "served_file.hpp"
#include "volatile_disk.hpp"

namespace {

constexpr std::uint64_t kMebibytesMax = 4096;

int run(int count, char** words) {
  using namespace ringpost::power;
  const std::string_view size = count == 4 ? words[2] : "";
  std::uint64_t mebibytes = 0;
  std::from_chars(size.data(), size.data() + size.size(), mebibytes);
  if (mebibytes == 0 || mebibytes > kMebibytesMax) {
    std::fputs("power_disk MOUNT-POINT MEBIBYTES CONTROL-SOCKET\n", stderr);
    return 2;
  }
  VolatileDisk disk(mebibytes << 20);
  const Control control(disk, words[3]);
  return serve_file(disk, words[1]);
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "power_disk: %s\n", error.what());
    return 1;
  }
}
