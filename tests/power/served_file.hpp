// The disk as the one file of a FUSE file system. Nothing of it stays in the kernel's cache: what a reader sees after a cut is what
// the disk says.
#pragma once

#include <string>

#include "volatile_disk.hpp"

namespace ringpost::power {

inline constexpr char kFilePath[] = "/disk";

// Until it is unmounted, or SIGTERM comes. The exit status.
int serve_file(VolatileDisk& disk, const std::string& mount_point);

}  // namespace ringpost::power
