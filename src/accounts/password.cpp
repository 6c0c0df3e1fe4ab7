#include "password.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <span>

#include <crypt.h>

#include "ringpost/crypto/secret.hpp"

namespace ringpost::accounts {

namespace {

constexpr const char* kScheme = "$y$";  // yescrypt, libxcrypt's preferred

// "{SHA512-CRYPT}$6$..." is how Dovecot writes what crypt(3) knows as "$6$...".
std::string_view without_scheme(std::string_view hash) {
  if (!hash.starts_with('{')) return hash;
  const std::size_t end = hash.find('}');
  return end == std::string_view::npos ? hash : hash.substr(end + 1);
}

// "" when the setting is not one that crypt knows.
std::string crypted(std::string_view password, std::string_view setting) {
  if (password.find('\0') != std::string_view::npos) return {};
  const auto work = std::make_unique<crypt_data>();
  std::string phrase(password);
  const char* result = crypt_rn(phrase.c_str(), std::string(setting).c_str(), work.get(), sizeof(crypt_data));
  std::string hash = result == nullptr || result[0] == '*' ? std::string() : std::string(result);
  crypto::wipe(phrase);
  crypto::wipe(std::as_writable_bytes(std::span(work.get(), 1)));
  return hash;
}

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  if (password.empty()) return fail(ErrorKind::permanent, "the password is empty");
  if (password.find('\0') != std::string_view::npos)
    return fail(ErrorKind::permanent, "a password cannot hold a zero byte");
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
  if (crypt_gensalt_rn(kScheme, 0, nullptr, 0, salt.data(), static_cast<int>(salt.size())) == nullptr)
    return fail_system(errno, "make a salt");
  std::string hash = crypted(password, salt.data());
  if (hash.empty()) return fail(ErrorKind::permanent, "the password cannot be hashed: it is too long");
  return hash;
}

bool check_password(std::string_view password, std::string_view hash) {
  const std::string_view setting = without_scheme(hash);
  const std::string again = crypted(password, setting);
  return !again.empty() &&
         crypto::equal_in_constant_time(std::as_bytes(std::span(again)), std::as_bytes(std::span(setting)));
}

std::string hash_fault(std::string_view hash) {
  const std::string_view setting = without_scheme(hash);
  if (setting.empty()) return "there is no hash";
  if (setting.front() == '!' || setting.front() == '*') return "";  // locked on purpose
  if (setting.front() != '$' && setting.front() != '_' && setting.size() != 13)
    return "this is no hash of crypt(5)";
  return "";
}

const std::string& hash_of_nobody() {
  static const std::string hash = [] {
    auto made = hash_password("nobody has this password");
    return made ? *made + "." : std::string("*");
  }();
  return hash;
}

}  // namespace ringpost::accounts
