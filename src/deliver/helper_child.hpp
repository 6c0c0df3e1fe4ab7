// A child of the helper: becomes the user, looks once more at what it is asked, does it, answers, and ends.
//
// Layer: services, private. One process for one order; it never returns to the helper's loop.
#pragma once

#include <string_view>

#include "ringpost/deliver/helper.hpp"

#include "local_file.hpp"
#include "local_order.hpp"

namespace ringpost::deliver {

// `message` may be empty (no descriptor). The answer goes to `reply`.
[[noreturn]] void run_helper_child(const HelperSettings& settings, std::string_view packet,
                                   Descriptor message, Descriptor reply);

}  // namespace ringpost::deliver
