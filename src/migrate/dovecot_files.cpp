#include "ringpost/migrate/dovecot_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "ringpost/imap/mailbox_name.hpp"
#include "ringpost/migrate/limits.hpp"

#include "words.hpp"

namespace ringpost::migrate {

namespace {

using imap::SystemFlags;

constexpr std::string_view kForwarded = "$Forwarded";
constexpr std::string_view kEscapedDot = "&AC4-";
constexpr std::array<std::pair<char, std::uint8_t>, 5> kLetters{{{'D', SystemFlags::kDraft},
                                                                 {'F', SystemFlags::kFlagged},
                                                                 {'R', SystemFlags::kAnswered},
                                                                 {'S', SystemFlags::kSeen},
                                                                 {'T', SystemFlags::kDeleted}}};

std::unexpected<Error> wrong_line(std::string_view file, std::size_t number, std::string_view line) {
  return fail(ErrorKind::permanent,
              fmt::format("{} line {} is broken: \"{}\"", file, number, line.substr(0, 80)));
}

}  // namespace

MaildirName split_maildir_name(std::string_view file_name) {
  const std::size_t colon = file_name.rfind(':');
  if (colon == std::string_view::npos) return {file_name, {}};
  std::string_view info = file_name.substr(colon + 1);
  if (!info.starts_with("2,")) return {file_name.substr(0, colon), {}};
  info.remove_prefix(2);
  return {file_name.substr(0, colon), info.substr(0, info.find(','))};
}

imap::FlagList maildir_flags(std::string_view letters, std::span<const std::string> keywords) {
  imap::FlagList flags;
  for (const char letter : letters) {
    const auto known = std::ranges::find(kLetters, letter, &std::pair<char, std::uint8_t>::first);
    if (known != kLetters.end()) flags.system.bits |= known->second;
    if (letter == 'P') flags.keywords.emplace_back(kForwarded);
    const auto number = static_cast<std::size_t>(letter - 'a');
    if (letter < 'a' || letter > 'z' || number >= keywords.size() || keywords[number].empty()) continue;
    if (std::ranges::none_of(flags.keywords,
                             [&](const std::string& k) { return same_word(k, keywords[number]); }))
      flags.keywords.push_back(keywords[number]);
  }
  return flags;
}

MaildirLetters maildir_letters(const imap::FlagList& flags, std::span<const std::string> keywords) {
  MaildirLetters out;
  for (const auto& [letter, bit] : kLetters)
    if (flags.system.has(bit)) out.letters += letter;
  for (const std::string& keyword : flags.keywords) {
    const auto found =
        std::ranges::find_if(keywords, [&](const std::string& k) { return same_word(k, keyword); });
    const auto number = static_cast<std::size_t>(found - keywords.begin());
    const bool has_letter = number < std::min(keywords.size(), kMaildirKeywordsMax);
    const bool forwarded = same_word(keyword, kForwarded);
    if (forwarded) out.letters += 'P';
    if (has_letter) out.letters += static_cast<char>('a' + number);
    if (!forwarded && !has_letter) ++out.keywords_lost;
  }
  std::ranges::sort(out.letters);
  return out;
}

Result<std::vector<std::string>> parse_dovecot_keywords(std::string_view text) {
  std::vector<std::string> names;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    const auto [first, name] = split_word(line);
    const auto index = parse_number(first);
    if (!index || name.empty() || !imap::is_keyword(name))
      return wrong_line("dovecot-keywords", number, line);
    if (*index >= kMaildirKeywordsMax) continue;  // no letter says it
    names.resize(std::max(names.size(), static_cast<std::size_t>(*index) + 1));
    names[*index] = name;
  }
  return names;
}

namespace {

// "3 V1275660208 N25022 G3085f01b": letters and values in any order; or "1 1275660208 25022".
bool read_head(std::string_view line, UidList& list, bool& named) {
  const auto [version, rest] = split_word(line);
  named = version == "3";
  if (version != "1" && version != "3") return false;
  std::string_view left = rest;
  for (std::size_t place = 0; !left.empty(); ++place) {
    const auto [word, behind] = split_word(left);
    left = behind;
    const char letter = named ? word.front() : place == 0 ? 'V' : 'N';
    const auto value = parse_number(named ? word.substr(1) : word);
    if (letter == 'V' && value) list.uid_validity = *value;
    if (letter == 'N' && value) list.uid_next = *value;
  }
  return list.uid_validity != 0 && list.uid_next != 0;
}

}  // namespace

Result<UidList> parse_dovecot_uidlist(std::string_view text) {
  UidList list;
  bool named = false;
  std::size_t number = 0;
  std::uint32_t last = 0;
  if (!text.empty() && !text.ends_with('\n'))
    return fail(ErrorKind::permanent, "dovecot-uidlist is cut off in its last line");
  for (const std::string_view line : lines_of(text)) {
    if (++number == 1) {
      if (!read_head(line, list, named)) return wrong_line("dovecot-uidlist", number, line);
      continue;
    }
    const auto [first, rest] = split_word(line);
    const auto uid = parse_number(first);
    const std::size_t colon = named ? rest.find(':') : 0;
    if (!uid || *uid <= last || colon == std::string_view::npos || rest.empty())
      return wrong_line("dovecot-uidlist", number, line);
    last = *uid;
    list.uids[std::string(split_maildir_name(rest.substr(named ? colon + 1 : 0)).base)] = *uid;
  }
  if (number == 0) return fail(ErrorKind::permanent, "dovecot-uidlist is empty");
  // Lines are added without the head being written anew.
  list.uid_next = std::max(list.uid_next, last == ~std::uint32_t{0} ? last : last + 1);
  return list;
}

std::string dovecot_uidlist_head(std::uint32_t uid_validity, std::uint32_t uid_next) {
  return fmt::format("3 V{} N{} G{:08x}{:08x}{:016x}\n", uid_validity, uid_next, uid_validity, uid_next,
                     std::hash<std::uint64_t>{}(std::uint64_t{uid_validity} << 32U | uid_next));
}

std::vector<std::string> parse_subscriptions(std::string_view text) {
  std::vector<std::string> names;
  const bool by_tabs = text.starts_with("V\t2\n");
  for (const std::string_view line : lines_of(text)) {
    if (line.empty() || line == "V\t2") continue;
    std::string name(line);
    std::ranges::replace(name, by_tabs ? '\t' : '.', '/');
    names.push_back(imap::decode_modified_utf7(name).value_or(name));
  }
  return names;
}

std::optional<std::string> name_of_maildir_folder(std::string_view folder) {
  if (!folder.starts_with('.') || folder.size() < 2) return std::nullopt;
  std::string name;
  for (folder.remove_prefix(1);;) {
    const std::size_t dot = folder.find('.');
    std::string level;
    std::string_view wire = folder.substr(0, dot);
    for (std::size_t at = wire.find(kEscapedDot); at != std::string_view::npos; at = wire.find(kEscapedDot)) {
      level.append(imap::decode_modified_utf7(wire.substr(0, at)).value_or(std::string(wire.substr(0, at))));
      level += '.';
      wire.remove_prefix(at + kEscapedDot.size());
    }
    level.append(imap::decode_modified_utf7(wire).value_or(std::string(wire)));
    if (level.empty()) return std::nullopt;
    name += level;
    if (dot == std::string_view::npos) return name;
    name += '/';
    folder.remove_prefix(dot + 1);
  }
}

std::string maildir_folder_of(std::string_view name) {
  std::string folder = ".";
  for (const char c : imap::modified_utf7(name)) {
    if (c == '.')
      folder += kEscapedDot;
    else
      folder += c == '/' ? '.' : c;
  }
  return folder;
}

}  // namespace ringpost::migrate
