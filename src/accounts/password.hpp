// Password hashes by libxcrypt and argon2. Blocking, and slow on purpose: for the offload pool and for commands.
//
// Layer: durable.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/accounts/options.hpp"
#include "ringpost/base/result.hpp"

namespace ringpost::accounts {

// With a fresh salt; argon2id as Dovecot writes it, with {ARGON2ID} before it.
Result<std::string> hash_password(std::string_view password, PasswordHash kind = PasswordHash::yescrypt);
// Any format of crypt(5) and argon2's own, with or without a scheme in braces before it ("{CRYPT}", "{SHA512-CRYPT}",
// "{ARGON2ID}", ...).
bool check_password(std::string_view password, std::string_view hash);
// Why a hash could never match, for configuration checks; "" when it is fine.
std::string hash_fault(std::string_view hash);
// A hash that no password has, and that costs as much to check as a real one of that kind.
const std::string& hash_of_nobody(PasswordHash kind = PasswordHash::yescrypt);

// Made for a program that keeps it: 100 random bits in letters and digits that are not mistaken for each other.
Result<std::string> make_app_password();

}  // namespace ringpost::accounts
