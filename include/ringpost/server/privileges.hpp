// From root to the service user, once, after the ports are bound.
//
// Layer: program. Linux. Nothing that was root's is left: supplementary groups, saved ids, capabilities.
#pragma once

#include <string>

#include "ringpost/base/result.hpp"

namespace ringpost::server {

struct ServiceUser {
  unsigned uid = 0;
  unsigned gid = 0;
  std::string name;
};

// The user that the process shall become. As root: the configured one, which must exist and not be root. Else: whoever
// runs it.
Result<ServiceUser> service_user(const std::string& name);
// Makes the folder (and its parents) and gives it to that user, mode 0700 unless it exists.
Result<void> prepare_directory(const std::string& path, const ServiceUser& user, unsigned mode = 0700);
// As many descriptors and as much locked memory as the system lets us have; before become().
void raise_limits();
// Irrevocable; verified by trying to go back.
Result<void> become(const ServiceUser& user);

}  // namespace ringpost::server
