// sendmail, mailq and newaliases, as programs expect them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "context.hpp"

namespace ringpost::command {

bool is_sendmail_name(std::string_view name);
// `words` without the name; the message comes from `input`. A status of sysexits.h.
int run_sendmail(const Context& context, const std::string& name, const std::vector<std::string>& words,
                 int input);

}  // namespace ringpost::command
