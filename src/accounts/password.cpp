#include "password.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <span>

#include <argon2.h>
#include <crypt.h>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/crypto/secret.hpp"

namespace ringpost::accounts {

namespace {

constexpr const char* kYescrypt = "$y$";
// The second choice of RFC 9106 section 4 with one lane: the pool has a thread for each login already.
constexpr std::uint32_t kArgon2Passes = 3;
constexpr std::uint32_t kArgon2MemoryKiB = 64 * 1024;
constexpr std::uint32_t kArgon2Lanes = 1;
constexpr std::size_t kArgon2SaltBytes = 16;
constexpr std::size_t kArgon2HashBytes = 32;

enum class Family : unsigned char { crypt, argon2id, argon2i, unknown };

struct Scheme {
  std::string_view name;
  Family family;
};
constexpr Scheme kSchemes[] = {
    {"", Family::crypt},
    {"CRYPT", Family::crypt},
    {"SHA256-CRYPT", Family::crypt},
    {"SHA512-CRYPT", Family::crypt},
    {"BLF-CRYPT", Family::crypt},
    {"MD5-CRYPT", Family::crypt},
    {"DES-CRYPT", Family::crypt},
    {"ARGON2ID", Family::argon2id},
    {"ARGON2I", Family::argon2i},
};

struct Parsed {
  Family family = Family::unknown;
  std::string_view setting;
};

// "{SHA512-CRYPT}$6$..." is how Dovecot writes what crypt(3) knows as "$6$...".
Parsed parse(std::string_view hash) {
  std::string_view name;
  if (hash.starts_with('{')) {
    const std::size_t end = hash.find('}');
    if (end == std::string_view::npos) return {};
    name = hash.substr(1, end - 1);
    hash.remove_prefix(end + 1);
  }
  if (name.empty() && hash.starts_with("$argon2id$")) return {Family::argon2id, hash};
  if (name.empty() && hash.starts_with("$argon2i$")) return {Family::argon2i, hash};
  const auto* known = std::ranges::find(kSchemes, name, &Scheme::name);
  return {known == std::end(kSchemes) ? Family::unknown : known->family, hash};
}

// "" when the setting is not one that crypt knows.
std::string crypted(std::string_view password, std::string_view setting) {
  const auto work = std::make_unique<crypt_data>();
  std::string phrase(password);
  const char* result = crypt_rn(phrase.c_str(), std::string(setting).c_str(), work.get(), sizeof(crypt_data));
  std::string hash = result == nullptr || result[0] == '*' ? std::string() : std::string(result);
  crypto::wipe(phrase);
  explicit_bzero(work.get(), sizeof(crypt_data));  // 32 KiB at each login: at the speed of memory
  return hash;
}

// "$argon2id$v=19$m=65536,t=3,p=1$..."; more than we give to one login is as good as no number.
bool has_sane_cost(std::string_view setting) {
  const std::size_t at = setting.find("$m=");
  if (at == std::string_view::npos) return false;
  const std::string_view text = setting.substr(at + 3);
  std::uint32_t memory = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), memory);
  return error == std::errc{} && memory <= kArgon2MemoryKiBMax;
}

bool check_argon2(std::string_view password, std::string_view setting, argon2_type type) {
  return has_sane_cost(setting) &&
         argon2_verify(std::string(setting).c_str(), password.data(), password.size(), type) == ARGON2_OK;
}

Result<std::string> hash_with_crypt(std::string_view password) {
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
  if (crypt_gensalt_rn(kYescrypt, 0, nullptr, 0, salt.data(), static_cast<int>(salt.size())) == nullptr)
    return fail_system(errno, "make a salt");
  std::string hash = crypted(password, salt.data());
  if (hash.empty()) return fail(ErrorKind::permanent, "the password cannot be hashed: it is too long");
  return hash;
}

Result<std::string> hash_with_argon2(std::string_view password) {
  std::array<std::byte, kArgon2SaltBytes> salt{};
  RP_CHECK(crypto::random_bytes(salt));
  std::string encoded(argon2_encodedlen(kArgon2Passes, kArgon2MemoryKiB, kArgon2Lanes, kArgon2SaltBytes,
                                        kArgon2HashBytes, Argon2_id),
                      '\0');
  const int made =
      argon2id_hash_encoded(kArgon2Passes, kArgon2MemoryKiB, kArgon2Lanes, password.data(), password.size(),
                            salt.data(), salt.size(), kArgon2HashBytes, encoded.data(), encoded.size());
  if (made != ARGON2_OK)
    return fail(ErrorKind::temporary, std::string("argon2: ") + argon2_error_message(made));
  encoded.resize(encoded.find('\0'));
  return "{ARGON2ID}" + encoded;
}

}  // namespace

Result<std::string> hash_password(std::string_view password, PasswordHash kind) {
  if (password.empty()) return fail(ErrorKind::permanent, "the password is empty");
  if (password.find('\0') != std::string_view::npos)
    return fail(ErrorKind::permanent, "a password cannot hold a zero byte");
  return kind == PasswordHash::argon2id ? hash_with_argon2(password) : hash_with_crypt(password);
}

bool check_password(std::string_view password, std::string_view hash) {
  if (password.find('\0') != std::string_view::npos) return false;
  const auto [family, setting] = parse(hash);
  switch (family) {
    case Family::crypt: {
      const std::string again = crypted(password, setting);
      return !again.empty() && crypto::equal_in_constant_time(again, setting);
    }
    case Family::argon2id:
      return check_argon2(password, setting, Argon2_id);
    case Family::argon2i:
      return check_argon2(password, setting, Argon2_i);
    case Family::unknown:
      break;
  }
  return false;
}

std::string hash_fault(std::string_view hash) {
  const auto [family, setting] = parse(hash);
  if (family == Family::unknown)
    return "its scheme is not known; CRYPT, SHA512-CRYPT, BLF-CRYPT, ARGON2ID and SCRAM-SHA-256 are";
  if (setting.empty()) return "there is no hash";
  if (setting.front() == '!' || setting.front() == '*') return "";  // locked on purpose
  if (family != Family::crypt)
    return has_sane_cost(setting) ? "" : "this is no hash of argon2, or it wants more than 1 GiB of memory";
  if (setting.front() != '$' && setting.front() != '_' && setting.size() != 13)
    return "this is no hash of crypt(5)";
  return "";
}

namespace {

// One letter is another than it was; not the last, of which some bits say nothing.
std::string spoilt_hash(PasswordHash kind) {
  auto made = hash_password("nobody has this password", kind);
  if (!made) return "*";
  char& letter = (*made)[made->size() - 2];
  letter = letter == 'A' ? 'B' : 'A';
  return *made;
}

}  // namespace

const std::string& hash_of_nobody(PasswordHash kind) {
  if (kind == PasswordHash::argon2id) {
    static const std::string hash = spoilt_hash(PasswordHash::argon2id);
    return hash;
  }
  static const std::string hash = spoilt_hash(PasswordHash::yescrypt);
  return hash;
}

Result<std::string> make_app_password() {
  constexpr std::string_view kLetters = "0123456789abcdefghjkmnpqrstvwxyz";  // 32, without i, l, o and u
  constexpr std::size_t kGroups = 4;
  constexpr std::size_t kGroupSize = 5;
  std::array<std::byte, kGroups * kGroupSize> random{};
  RP_CHECK(crypto::random_bytes(random));
  std::string password;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i > 0 && i % kGroupSize == 0) password += '-';
    password += kLetters[std::to_integer<std::size_t>(random[i]) % kLetters.size()];
  }
  crypto::wipe(std::span(random));
  return password;
}

}  // namespace ringpost::accounts
