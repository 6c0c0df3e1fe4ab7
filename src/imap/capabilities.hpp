// The words of CAPABILITY, by state, and the names of ENABLE.
//
// Layer:   private to `imap`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/imap/capability.hpp"
#include "ringpost/imap/server_settings.hpp"

namespace ringpost::imap {

struct CapabilityState {
  bool authenticated = false;
  bool secure = false;
  bool compressed = false;
  sasl::MechanismSet mechanisms;
};
// "IMAP4rev1 IMAP4rev2 ...", without "CAPABILITY".
void append_capabilities(const ServerSettings& settings, CapabilityState state, std::string& out);

std::string_view name_of(Capability capability);

}  // namespace ringpost::imap
