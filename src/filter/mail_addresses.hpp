// Mail addresses in text, by the letters that they may have.
//
// Layer:   private to `filter`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ringpost/filter/registrar.hpp"

namespace ringpost::filter {

struct MailAddressPlace {
  std::size_t begin = 0;
  std::size_t size = 0;  // 0: there is none
};
// The first from `from` on: a local part of at most 64, and a host with a valid top-level domain.
MailAddressPlace find_mail_address(std::string_view text, std::size_t from,
                                   const RegistrarBoundaries& registrars);

// Without URLs that hold an '@', and without addresses that a quotation or the next header line shows to be somebody's else.
std::string without_quoted_addresses(std::string_view text, const RegistrarBoundaries& registrars);

}  // namespace ringpost::filter
