#include "ringpost/admin/options.hpp"

#include "ringpost/base/option_table.hpp"

namespace ringpost::admin {

const OptionTable& option_table(const AdminOptions*) {
  static const OptionTable table = options_of<AdminOptions>(
      "admin", "The door for `ringpost queue`, `ringpost status` and the like.",
      {
          field<&AdminOptions::socket>(
              "socket", "A Unix socket; who may write to it may command the server (mode 0660).", not_empty(),
              needs_restart()),
      });
  return table;
}

}  // namespace ringpost::admin
