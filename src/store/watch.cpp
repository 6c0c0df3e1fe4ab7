#include "ringpost/store/user_mail.hpp"
#include "ringpost/store/watcher.hpp"

namespace ringpost::store {

Watch::Watch(UserMail& user, Watcher& watcher) : user_(user), watcher_(watcher) {
  user_.add_watcher(watcher_);
}
Watch::~Watch() {
  user_.remove_watcher(watcher_);
}

}  // namespace ringpost::store
