// Password hashes by libxcrypt. Blocking, and slow on purpose: for the offload pool and for commands.
//
// Layer: durable.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::accounts {

// yescrypt, with a fresh salt.
Result<std::string> hash_password(std::string_view password);
// Any format of crypt(5), with or without a scheme in braces before it ("{CRYPT}", "{SHA512-CRYPT}", ...).
bool check_password(std::string_view password, std::string_view hash);
// Why a hash could never match, for configuration checks; "" when it is fine.
std::string hash_fault(std::string_view hash);
// A hash that no password has, and that costs as much to check as a real one.
const std::string& hash_of_nobody();

}  // namespace ringpost::accounts
