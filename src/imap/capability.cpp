#include "ringpost/imap/capability.hpp"

#include <array>

#include <fmt/format.h>

#include "capabilities.hpp"

namespace ringpost::imap {

namespace {

struct Row {
  Capability capability;
  std::string_view name;
  bool before_login;
};
constexpr std::array<Row, kCapabilityCount> kRows{{
    {Capability::imap4rev1, "IMAP4rev1", true},                            // RFC 3501
    {Capability::imap4rev2, "IMAP4rev2", true},                            // RFC 9051
    {Capability::literal_plus, "LITERAL+", true},                          // RFC 7888
    {Capability::sasl_ir, "SASL-IR", true},                                // RFC 4959
    {Capability::id, "ID", true},                                          // RFC 2971
    {Capability::enable, "ENABLE", true},                                  // RFC 5161
    {Capability::idle, "IDLE", false},                                     // RFC 2177
    {Capability::namespaces, "NAMESPACE", false},                          // RFC 2342
    {Capability::children, "CHILDREN", false},                             // RFC 3348
    {Capability::unselect, "UNSELECT", false},                             // RFC 3691
    {Capability::uidplus, "UIDPLUS", false},                               // RFC 4315
    {Capability::move, "MOVE", false},                                     // RFC 6851
    {Capability::special_use, "SPECIAL-USE", false},                       // RFC 6154
    {Capability::create_special_use, "CREATE-SPECIAL-USE", false},         // RFC 6154
    {Capability::list_extended, "LIST-EXTENDED", false},                   // RFC 5258
    {Capability::list_status, "LIST-STATUS", false},                       // RFC 5819
    {Capability::status_size, "STATUS=SIZE", false},                       // RFC 8438
    {Capability::condstore, "CONDSTORE", false},                           // RFC 7162
    {Capability::qresync, "QRESYNC", false},                               // RFC 7162
    {Capability::esearch, "ESEARCH", false},                               // RFC 4731
    {Capability::searchres, "SEARCHRES", false},                           // RFC 5182
    {Capability::within, "WITHIN", false},                                 // RFC 5032
    {Capability::compress_deflate, "COMPRESS=DEFLATE", false},             // RFC 4978
    {Capability::append_limit, "APPENDLIMIT", false},                      // RFC 7889
    {Capability::quota, "QUOTA", false},                                   // RFC 9208
    {Capability::quota_set, "QUOTASET", false},                            // RFC 9208
    {Capability::utf8_accept, "UTF8=ACCEPT", false},                       // RFC 6855
    {Capability::binary, "BINARY", false},                                 // RFC 3516
    {Capability::multi_append, "MULTIAPPEND", false},                      // RFC 3502
    {Capability::sort, "SORT", false},                                     // RFC 5256
    {Capability::sort_display, "SORT=DISPLAY", false},                     // RFC 5957
    {Capability::esort, "ESORT", false},                                   // RFC 5267
    {Capability::thread_ordered_subject, "THREAD=ORDEREDSUBJECT", false},  // RFC 5256
    {Capability::thread_references, "THREAD=REFERENCES", false},           // RFC 5256
    {Capability::object_id, "OBJECTID", false},                            // RFC 8474
    {Capability::preview, "PREVIEW", false},                               // RFC 8970
    {Capability::save_date, "SAVEDATE", false},                            // RFC 8514
    {Capability::unauthenticate, "UNAUTHENTICATE", false},                 // RFC 8437
    {Capability::replace, "REPLACE", false},                               // RFC 8508
    {Capability::in_progress, "INPROGRESS", false},                        // RFC 9585
    {Capability::partial, "PARTIAL", false},                               // RFC 9394
    {Capability::uid_only, "UIDONLY", false},                              // RFC 9586
    {Capability::metadata, "METADATA", false},                             // RFC 5464
    {Capability::notify, "NOTIFY", false},                                 // RFC 5465
    {Capability::acl, "ACL", false},                                       // RFC 4314
    {Capability::list_my_rights, "LIST-MYRIGHTS", false},                  // RFC 8440
    {Capability::restore, "X-RINGPOST-RESTORE", false},                    // see docs/mailboxes.md
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].capability) != i) return false;
  return true;
}
static_assert(in_order());

void append_offered(const Row& row, const ServerSettings& settings, std::string& out) {
  out += ' ';
  out += row.name;
  if (row.capability == Capability::append_limit)
    fmt::format_to(std::back_inserter(out), "={}", settings.append_limit.count);
  if (row.capability == Capability::acl) out += " RIGHTS=kxte";
  if (row.capability == Capability::quota)
    for (const std::string& resource : settings.quota_resources) out.append(" QUOTA=RES-").append(resource);
}

void append_logins(const ServerSettings& settings, const CapabilityState& state, std::string& out) {
  if (settings.starttls && !state.secure) out += " STARTTLS";
  if (settings.auth_needs_tls && !state.secure) {
    out += " LOGINDISABLED";
    return;
  }
  for (const sasl::MechanismTraits& mechanism : sasl::kMechanisms)
    if (state.mechanisms.has(mechanism.mechanism)) out.append(" AUTH=").append(mechanism.name);
}

}  // namespace

std::string_view name_of(Capability capability) {
  return kRows[static_cast<std::size_t>(capability)].name;
}

void append_capabilities(const ServerSettings& settings, CapabilityState state, std::string& out) {
  const std::size_t begin = out.size();
  for (const Row& row : kRows) {
    if (!settings.capabilities.has(row.capability) || (!state.authenticated && !row.before_login)) continue;
    if (row.capability == Capability::sasl_ir && state.authenticated) continue;
    const bool ends_compression =
        row.capability == Capability::compress_deflate || row.capability == Capability::unauthenticate;
    if (ends_compression && state.compressed) continue;
    append_offered(row, settings, out);
  }
  if (!state.authenticated) append_logins(settings, state, out);
  if (out.size() > begin) out.erase(begin, 1);
}

}  // namespace ringpost::imap
