// Where accounts come from besides the database: a passwd-file and the users of the system.
//
// Layer: durable. Blocking.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/accounts/options.hpp"
#include "ringpost/base/result.hpp"

#include "snapshot.hpp"

namespace ringpost::accounts {

// Lines name:hash:uid:gid:gecos:home:shell:extra, of which the end may be missing; "#" begins a comment. Extra fields:
// userdb_quota_rule=*:storage=1G, nologin. An error names file and line.
Result<void> read_passwd_file(std::string_view text, std::string_view path, Snapshot& into);
void read_system_users(std::uint32_t uid_min, Snapshot& into);

}  // namespace ringpost::accounts
