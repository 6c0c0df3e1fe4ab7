// aliases(5) and .forward files.
//
// Layer:   pure: text in, table out. Nothing is opened; an :include: is a target for the caller to read.
// Owner:   an AliasTable is immutable and may be shared by cores.
// Limits:  kAliasFileSizeMax, kAliasTargetsMax, kAliasErrorsMax.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ringpost::mail {

enum class AliasTargetKind : std::uint8_t {
  address,       // user@domain, canonical
  local,         // a local name, which may be an alias again
  command,       // |command
  file,          // /path
  include_file,  // :include:/path
};
struct AliasTarget {
  AliasTargetKind kind = AliasTargetKind::local;
  std::string text;          // without '|' and ":include:"
  bool final_local = false;  // "\user" in .forward: that user's mailbox, no further forwarding
  bool operator==(const AliasTarget&) const = default;
};

struct AliasError {
  std::size_t line = 0;  // counts from 1
  std::string text;      // what is wrong
  std::string mend;      // how to put it right
};

class AliasTable {
 public:
  // The targets of `name`, any case; empty when it is no alias.
  std::span<const AliasTarget> find(std::string_view name) const;
  std::size_t size() const { return entries_.size(); }
  // All names, sorted, in lower case.
  std::vector<std::string_view> names() const;

 private:
  friend class AliasParser;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::vector<AliasTarget>, Hash, std::equal_to<>> entries_;
};

struct ParsedAliases {
  AliasTable table;
  std::vector<AliasError> errors;  // the table holds what was right
};
ParsedAliases parse_aliases(std::string_view text);

struct ParsedTargets {
  std::vector<AliasTarget> targets;
  std::vector<AliasError> errors;
};
// A .forward file, or an :include: file: targets by comma or line, comments by '#'.
ParsedTargets parse_forward(std::string_view text);
// The targets of one entry, as the command line and the configuration give them.
ParsedTargets parse_alias_targets(std::string_view text);

// "name: a, b" as parse_aliases reads it back.
std::string format_alias(std::string_view name, std::span<const AliasTarget> targets);

}  // namespace ringpost::mail
