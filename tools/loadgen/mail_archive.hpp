// The mails of an mbox or of a tar archive.
//
// Layer:  tool, pure. Views into the text are valid during the call.
// Forms:  mbox as mboxrd (RFC 4155 with ">From " quoted); tar as ustar and GNU: regular files, other entries are passed.
#pragma once

#include <functional>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::loadgen {

using TakeMail = std::function<Result<void>(std::string_view mail)>;

bool is_tar(std::string_view text);
Result<void> for_each_of_tar(std::string_view text, const TakeMail& take);
// `text` begins with "From ".
Result<void> for_each_of_mbox(std::string_view text, const TakeMail& take);

}  // namespace ringpost::loadgen
