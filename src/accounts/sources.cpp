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

struct Fields {
  std::array<std::string_view, 6> part;
  std::size_t count = 0;
};

Fields split(std::string_view line) {
  Fields fields;
  while (fields.count < fields.part.size()) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    fields.part[fields.count++] = line.substr(0, colon);
    if (colon == line.size()) break;
    line.remove_prefix(colon + 1);
  }
  return fields;
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
                                            std::string(why) + "; write name:hash:uid:gid:gecos:home");
    };
    const Fields fields = split(line);
    if (fields.count < 2 || fields.part[0].empty()) return refuse("name or hash is missing");
    if (const std::string fault = hash_fault(fields.part[1]); !fault.empty()) return refuse(fault);
    User user{.name = std::string(fields.part[0]), .home = std::string(fields.part[5])};
    for (const auto& [part, id] : {std::pair{2, &user.uid}, std::pair{3, &user.gid}}) {
      const std::string_view written = fields.part[static_cast<std::size_t>(part)];
      if (written.empty()) continue;
      *id = number(written);
      if (!*id) return refuse("\"" + std::string(written) + "\" is no id");
    }
    into.add(std::move(user), "passwd_file", std::string(fields.part[1]));
  }
  return {};
}

void read_system_users(std::uint32_t uid_min, Snapshot& into) {
  setpwent();
  while (const passwd* entry = getpwent()) {
    if (entry->pw_uid < uid_min || entry->pw_uid == kNobody) continue;
    into.add({.name = entry->pw_name, .home = entry->pw_dir, .uid = entry->pw_uid, .gid = entry->pw_gid},
             "system", "");
  }
  endpwent();
}

}  // namespace ringpost::accounts
