// What a server offers, by name: one table for CAPABILITY, ENABLE and the commands that need it.
//
// Layer:   pure.
// RFCs:    9051 section 7.2.2; each row of src/imap/capability.cpp names its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ringpost::imap {

enum class Capability : std::uint8_t {
  imap4rev1,
  imap4rev2,
  literal_plus,
  sasl_ir,
  id,
  enable,
  idle,
  namespaces,
  children,
  unselect,
  uidplus,
  move,
  special_use,
  create_special_use,
  list_extended,
  list_status,
  status_size,
  condstore,
  qresync,
  esearch,
  searchres,
  within,
  compress_deflate,
  append_limit,
  quota,
  quota_set,
  utf8_accept,
  binary,
  multi_append,
  sort,
  sort_display,
  esort,
  thread_ordered_subject,
  thread_references,
  object_id,
  preview,
  save_date,
  unauthenticate,
  replace,
  in_progress,
  partial,
  uid_only,
  metadata,
  notify,
  acl,  // with RIGHTS=
  list_my_rights,
  restore,  // our own, for `ringpost mailbox import` alone: messages come with the UIDs that they had elsewhere
};
inline constexpr std::uint8_t kCapabilityCount = static_cast<std::uint8_t>(Capability::restore) + 1;

class CapabilitySet {
 public:
  constexpr CapabilitySet() = default;
  // All that are for clients.
  static constexpr CapabilitySet all() {
    CapabilitySet set;
    set.bits_ = (std::uint64_t{1} << kCapabilityCount) - 1;
    set.remove(Capability::restore);
    return set;
  }
  constexpr bool has(Capability capability) const { return (bits_ & bit(capability)) != 0; }
  constexpr void add(Capability capability) { bits_ |= bit(capability); }
  constexpr void remove(Capability capability) { bits_ &= ~bit(capability); }
  constexpr bool operator==(const CapabilitySet&) const = default;

 private:
  static constexpr std::uint64_t bit(Capability capability) {
    return std::uint64_t{1} << static_cast<std::uint8_t>(capability);
  }
  std::uint64_t bits_ = 0;
};

}  // namespace ringpost::imap
