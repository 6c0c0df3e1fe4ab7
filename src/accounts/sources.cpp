#include "sources.hpp"

#include <array>
#include <charconv>

#include <pwd.h>

#include "password.hpp"

namespace ringpost::accounts {

namespace {

// The user that "nobody" is on Debian; it owns nothing and gets no mail.
constexpr std::uint32_t kNobody = 65534;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::size_t kFieldsMax = 8;  // name hash uid gid gecos home shell extra
struct Fields {
  std::array<std::string_view, kFieldsMax> part;
  std::size_t count = 0;
};

// The extra fields are the rest of the line: a colon in them is theirs.
Fields split(std::string_view line) {
  Fields fields;
  while (fields.count + 1 < kFieldsMax) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    fields.part[fields.count++] = line.substr(0, colon);
    if (colon == line.size()) return fields;
    line.remove_prefix(colon + 1);
  }
  fields.part[fields.count++] = line;
  return fields;
}

// "*:storage=1G", as Dovecot's quota rules are written; only what holds for the whole mailbox is known here.
std::optional<std::uint64_t> quota_of(std::string_view rule) {
  constexpr std::string_view kStorage = "*:storage=";
  constexpr std::string_view kBytes = "*:bytes=";
  std::uint64_t unit = 1;
  if (rule.starts_with(kStorage)) {
    rule.remove_prefix(kStorage.size());
    unit = 1024;  // a bare number
  } else if (rule.starts_with(kBytes)) {
    rule.remove_prefix(kBytes.size());
  } else {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(rule.data(), rule.data() + rule.size(), value);
  const std::string_view suffix(end, static_cast<std::size_t>(rule.data() + rule.size() - end));
  constexpr std::string_view kUnits = "BKMGT";
  if (error != std::errc{} || suffix.size() > 1) return std::nullopt;
  if (!suffix.empty()) {
    const std::size_t power = kUnits.find(suffix);
    if (power == std::string_view::npos) return std::nullopt;
    unit = std::uint64_t{1} << (10 * power);
  }
  return value > (std::uint64_t{1} << 62) / unit ? std::nullopt : std::optional(value * unit);
}

// What the extra fields say; the name of one that cannot be obeyed, or "". Those of userdb_* that only tell Dovecot where mail is
// are passed over; one that restricts logins in a way that we do not know must not be.
std::string_view read_extra(std::string_view text, Entry& entry) {
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const std::string_view field = text.substr(0, space);
    text.remove_prefix(std::min(space + 1, text.size()));
    if (field.empty()) continue;
    const std::string_view name = field.substr(0, field.find('='));
    if (name == "nologin") {
      entry.locked = true;
    } else if (name == "userdb_quota_rule" || name == "quota_rule") {
      entry.user.quota = quota_of(field.substr(std::min(name.size() + 1, field.size())));
      if (!entry.user.quota) return field;
    } else if (!name.starts_with("userdb_")) {
      return field;
    }
  }
  return {};
}

// "{SCRAM-SHA-256}4096,..." has no hash, but keys; everything else has a hash.
bool read_hash(std::string_view text, Entry& entry) {
  constexpr std::string_view kScheme = "{SCRAM-SHA-256}";
  if (!text.starts_with(kScheme)) {
    entry.hash = text;
    return true;
  }
  auto keys = sasl::parse_scram_keys(text.substr(kScheme.size()));
  if (!keys) return false;
  entry.keys = std::move(*keys);
  entry.has_main_key = true;
  return true;
}

}  // namespace

Result<void> read_passwd_file(std::string_view text, std::string_view path, Snapshot& into) {
  for (std::size_t line_number = 1; !text.empty(); ++line_number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto refuse = [&](std::string_view why) {
      return fail(ErrorKind::permanent, std::string(path) + ":" + std::to_string(line_number) + ": " +
                                            std::string(why) +
                                            "; write name:hash:uid:gid:gecos:home:shell:extra");
    };
    const Fields fields = split(line);
    if (fields.count < 2 || fields.part[0].empty()) return refuse("name or hash is missing");
    Entry entry{.user = {.name = std::string(fields.part[0]), .home = std::string(fields.part[5])},
                .source = Source::passwd_file};
    if (!read_hash(fields.part[1], entry)) return refuse("these are no keys of SCRAM-SHA-256");
    const std::string fault = entry.has_main_key ? std::string() : hash_fault(fields.part[1]);
    if (!fault.empty()) return refuse(fault);
    for (const auto& [part, id] : {std::pair{2, &entry.user.uid}, std::pair{3, &entry.user.gid}}) {
      const std::string_view written = fields.part[static_cast<std::size_t>(part)];
      if (written.empty()) continue;
      *id = number(written);
      if (!*id) return refuse("\"" + std::string(written) + "\" is no id");
    }
    if (const std::string_view unknown = read_extra(fields.part[7], entry); !unknown.empty())
      return refuse("\"" + std::string(unknown) + "\" is no extra field that is obeyed here");
    into.add(std::move(entry));
  }
  return {};
}

void read_system_users(std::uint32_t uid_min, Snapshot& into) {
  setpwent();
  while (const passwd* entry = getpwent()) {
    if (entry->pw_uid < uid_min || entry->pw_uid == kNobody) continue;
    into.add(
        {.user = {.name = entry->pw_name, .home = entry->pw_dir, .uid = entry->pw_uid, .gid = entry->pw_gid},
         .source = Source::system});
  }
  endpwent();
}

}  // namespace ringpost::accounts
