#include "ringpost/mail/aliases.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/header_address.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

constexpr std::string_view kInclude = ":include:";

struct Fault {
  std::string text;
  std::string mend;
};

// Bytes up to the first `wanted` outside of quotes; all of `text` when there is none, npos when a quote stays open.
std::size_t find_unquoted(std::string_view text, char wanted) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && quoted)
      ++i;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (text[i] == wanted && !quoted)
      return i;
  }
  return quoted ? std::string_view::npos : text.size();
}

// All of `text` in one pair of quotes.
bool is_quoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' &&
         find_unquoted(text.substr(0, text.size() - 1), '"') == std::string_view::npos && text.back() == '"';
}

std::string unquoted(std::string_view text) {
  return is_quoted(text) ? unquote_local_part(text) : std::string(text);
}

std::expected<AliasTarget, Fault> to_address(std::string_view text) {
  // "Name <user@example.com>" is read as a header would.
  std::string spec(text);
  if (text.ends_with('>')) {
    const HeaderAddressList list = parse_address_list(text);
    if (list.addresses.size() == 1 && list.refused == 0) spec = list.addresses.front().address;
  }
  auto address = canonical_address(spec, {.allow_bare_local_part = true, .smtputf8 = true});
  if (!address)
    return std::unexpected(
        Fault{"\"" + std::string(text) + "\" is no target: " + std::string(to_string(address.error())),
              "write user@example.com, a local name, \"|command\", /file or :include:/file"});
  const bool local = split_address(*address).domain.empty();
  return AliasTarget{local ? AliasTargetKind::local : AliasTargetKind::address, *std::move(address)};
}

std::expected<AliasTarget, Fault> to_target(std::string_view text) {
  if (text.size() > kAliasTargetSizeMax)
    return std::unexpected(Fault{"a target is longer than " + std::to_string(kAliasTargetSizeMax) + " bytes",
                                 "put the command into a script"});
  const std::string plain = unquoted(text);
  const std::string_view bare = trim(plain);
  if (bare.starts_with('|')) {
    std::string command = unquoted(trim(bare.substr(1)));
    if (command.empty())
      return std::unexpected(Fault{"'|' without a command", "write \"|/path/to/command\""});
    return AliasTarget{AliasTargetKind::command, std::move(command)};
  }
  if (bare.starts_with('/')) return AliasTarget{AliasTargetKind::file, std::string(bare)};
  if (equal_ignoring_case(bare.substr(0, kInclude.size()), kInclude)) {
    std::string path = unquoted(trim(bare.substr(kInclude.size())));
    if (!path.starts_with('/'))
      return std::unexpected(Fault{":include: needs a path from the root", "write :include:/path/to/list"});
    return AliasTarget{AliasTargetKind::include_file, std::move(path)};
  }
  if (bare.starts_with('\\')) {
    auto target = to_address(bare.substr(1));
    if (target) target->final_local = target->kind == AliasTargetKind::local;
    return target;
  }
  return to_address(text);
}

// Splits at commas outside of quotes and takes each target. `fault` gets what is wrong.
template <class OnFault>
void take_targets(std::string_view text, std::vector<AliasTarget>& targets, OnFault fault) {
  while (true) {
    const std::size_t comma = find_unquoted(text, ',');
    if (comma == std::string_view::npos)
      return fault(Fault{"a quote is not closed",
                         "put a '\"' at its end; a target cannot go over several lines inside quotes"});
    if (const std::string_view item = trim(text.substr(0, comma)); !item.empty()) {
      if (targets.size() == kAliasTargetsMax)
        return fault(Fault{"more than " + std::to_string(kAliasTargetsMax) + " targets",
                           "split the list with :include:"});
      auto target = to_target(item);
      if (target)
        targets.push_back(*std::move(target));
      else
        fault(std::move(target).error());
    }
    if (comma >= text.size()) return;
    text.remove_prefix(comma + 1);
  }
}

void note(std::vector<AliasError>& errors, std::size_t line, Fault fault) {
  if (errors.size() < kAliasErrorsMax) errors.push_back({line, std::move(fault.text), std::move(fault.mend)});
}

// Physical lines, without their ends.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : text_(text) {}
  std::optional<std::string_view> next() {
    if (text_.empty()) return std::nullopt;
    const std::size_t newline = text_.find('\n');
    std::string_view line = text_.substr(0, newline);
    text_.remove_prefix(newline == std::string_view::npos ? text_.size() : newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return line;
  }
  std::size_t number() const { return number_; }

 private:
  std::string_view text_;
  std::size_t number_ = 0;
};

bool is_comment_or_empty(std::string_view line) {
  const std::string_view bare = trim(line);
  return bare.empty() || bare.front() == '#';
}

std::optional<Fault> too_large(std::string_view text) {
  if (text.size() <= kAliasFileSizeMax) return std::nullopt;
  return Fault{"the file is larger than 256MiB", "keep so many aliases in the user database"};
}

}  // namespace

class AliasParser {
 public:
  ParsedAliases parse(std::string_view text) {
    if (auto fault = too_large(text)) {
      note(parsed_.errors, 0, *std::move(fault));
      return std::move(parsed_);
    }
    LineReader lines(text);
    while (const auto line = lines.next()) {
      if (is_comment_or_empty(*line)) continue;
      if (is_blank(line->front())) {
        if (begun_ == 0)
          fault(lines.number(),
                {"a continuation of nothing", "begin the line with a name, without blanks before it"});
        else
          logical_.append(" ").append(trim(*line));
        continue;
      }
      end_entry();
      logical_ = *line;
      begun_ = lines.number();
    }
    end_entry();
    return std::move(parsed_);
  }

 private:
  void fault(std::size_t line, Fault found) { note(parsed_.errors, line, std::move(found)); }

  void end_entry() {
    if (begun_ == 0) return;
    const std::size_t line = std::exchange(begun_, 0);
    const std::string_view entry = logical_;
    const std::size_t colon = find_unquoted(entry, ':');
    if (colon >= entry.size())
      return fault(line, {"\"" + std::string(entry.substr(0, 40)) + "\" has no ':'",
                          "write \"name: target, target\""});
    std::string name = lower(unquoted(trim(entry.substr(0, colon))));
    if (name.empty()) return fault(line, {"the name is missing", "write \"name: target\""});

    std::vector<AliasTarget> targets;
    bool failed = false;
    take_targets(entry.substr(colon + 1), targets, [&](Fault found) {
      failed = true;
      fault(line, std::move(found));
    });
    if (targets.empty()) {
      if (!failed)
        fault(line, {"\"" + name + "\" has no target", "write \"" + name + ": target\", or remove the line"});
      return;
    }
    if (parsed_.table.entries_.contains(name))
      return fault(line,
                   {"\"" + name + "\" is set twice; the first counts", "remove one, or join their targets"});
    parsed_.table.entries_.emplace(std::move(name), std::move(targets));
  }

  ParsedAliases parsed_;
  std::string logical_;
  std::size_t begun_ = 0;  // the line that the entry began on; 0 when none has
};

std::span<const AliasTarget> AliasTable::find(std::string_view name) const {
  const auto entry = entries_.find(lower(name));
  if (entry == entries_.end()) return {};
  return entry->second;
}

std::vector<std::string_view> AliasTable::names() const {
  std::vector<std::string_view> names;
  names.reserve(entries_.size());
  for (const auto& entry : entries_) names.emplace_back(entry.first);
  std::ranges::sort(names);
  return names;
}

ParsedAliases parse_aliases(std::string_view text) {
  return AliasParser().parse(text);
}

ParsedTargets parse_forward(std::string_view text) {
  ParsedTargets parsed;
  if (auto fault = too_large(text)) {
    note(parsed.errors, 0, *std::move(fault));
    return parsed;
  }
  LineReader lines(text);
  while (const auto line = lines.next()) {
    if (is_comment_or_empty(*line)) continue;
    take_targets(*line, parsed.targets,
                 [&](Fault found) { note(parsed.errors, lines.number(), std::move(found)); });
  }
  return parsed;
}

ParsedTargets parse_alias_targets(std::string_view text) {
  ParsedTargets parsed;
  take_targets(text, parsed.targets, [&](Fault found) { note(parsed.errors, 1, std::move(found)); });
  return parsed;
}

namespace {

std::string format_target(const AliasTarget& target) {
  switch (target.kind) {
    case AliasTargetKind::command:
      return "|" + target.text;
    case AliasTargetKind::include_file:
      return std::string(kInclude) + target.text;
    default:
      return (target.final_local ? "\\" : "") + target.text;
  }
}

std::string quoted_if_needed(const std::string& text) {
  if (text.find_first_of(" \t,\"#:\\") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// "|a"@example.com is an address, and would read back as a command; likewise a file, an :include:, or "\\user".
bool looks_like_another_kind(std::string_view address) {
  if (address.starts_with('"')) address.remove_prefix(1);
  return !address.empty() && std::string_view("|/\\:").contains(address.front());
}

// An address has its own quotes, and :include: its colons.
std::string format_whole(const AliasTarget& target) {
  std::string text = format_target(target);
  const bool is_address = target.kind == AliasTargetKind::address || target.kind == AliasTargetKind::local;
  if (is_address && looks_like_another_kind(target.text))
    return (target.final_local ? "\\<" : "<") + target.text + ">";
  if (is_address) return text;
  return text.find_first_of(" \t,\"\\") == std::string::npos ? text : quoted_if_needed(text);
}

}  // namespace

std::string format_alias(std::string_view name, std::span<const AliasTarget> targets) {
  std::string out = quoted_if_needed(std::string(name)) + ":";
  for (std::size_t i = 0; i < targets.size(); ++i) out += (i == 0 ? " " : ", ") + format_whole(targets[i]);
  return out;
}

}  // namespace ringpost::mail
