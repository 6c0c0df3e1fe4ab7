// [admin]: the door for `ringpost queue`, `ringpost status` and the like.
//
// Layer: base only.
#pragma once

#include "ringpost/base/options.hpp"

namespace ringpost::admin {

struct AdminOptions {
  FilePath socket = "/run/ringpost/admin";  // a Unix socket; who may write to it may command the server
};
const OptionTable& option_table(const AdminOptions*);

}  // namespace ringpost::admin
