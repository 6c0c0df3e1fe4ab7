// What SpamAssassin 4.0.1 knows by name: plugins and their features, and which of it has an effect here.
// Its settings are in setting_table.hpp.
#pragma once

#include <string_view>

namespace ringpost::filter {

inline constexpr double kEmulatedVersion = 4.000001;
inline constexpr std::string_view kEmulatedVersionText = "4.000001";
inline constexpr std::string_view kEmulatedRelease = "4.0.1";
inline constexpr double kEmulatedPerl = 5.036000;

enum class Known : unsigned char { unknown, without_effect, used };

// "Mail::SpamAssassin::Plugin::FreeMail"; `used`: its rules work here, and it counts as loaded.
Known plugin_known(std::string_view name);
// "Mail::SpamAssassin::Conf::feature_capture_rules".
bool feature_known(std::string_view name);

}  // namespace ringpost::filter
