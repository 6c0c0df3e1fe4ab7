// Passwords of the users of the system, by PAM. Blocking, and it may take seconds: for the offload pool.
//
// Layer: durable.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::accounts {

struct PamService {
  std::string name;    // of the service: a file in /etc/pam.d
  std::string folder;  // "" or another folder with service files
};

enum class PamAnswer : unsigned char { accepted, refused, unavailable };

// The password is right, and the account may log in now. A module that asks for anything but one password is refused.
PamAnswer check_by_pam(const PamService& service, std::string_view user, std::string_view password);

}  // namespace ringpost::accounts
