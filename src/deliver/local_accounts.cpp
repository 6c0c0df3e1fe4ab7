// Local over the accounts of the process.
#include "ringpost/deliver/local.hpp"

namespace ringpost::deliver {

Result<std::unique_ptr<Local>> Local::make(shard::Core& core, accounts::Accounts& accounts,
                                           HelperClient* helper, LocalSettings settings) {
  return make(core, Users([&accounts] { return accounts.directory(); }), helper, std::move(settings));
}

}  // namespace ringpost::deliver
