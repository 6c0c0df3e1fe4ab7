#include "local_location.hpp"

#include <cctype>

#include "ringpost/deliver/local_limits.hpp"

namespace ringpost::deliver {

namespace {

constexpr std::string_view kMend =
    "write store, maildir:PATH, mbox:PATH, pipe:COMMAND or lmtp:HOST:PORT, as maildir:~/Maildir";

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(ErrorKind::permanent, "mailboxes.location \"" + std::string(text) + "\" " + std::string(why));
}

Result<void> check_placeholders(std::string_view whole, std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 2)) {
    if (at + 1 == text.size() || std::string_view("udn%").find(text[at + 1]) == std::string_view::npos)
      return wrong(whole, "has a '%' that is none of %u (user), %d (domain), %n (local part), %%");
  }
  return {};
}

Result<void> check_path(std::string_view whole, std::string_view path) {
  if (!path.starts_with('/') && !path.starts_with("~/"))
    return wrong(whole, "needs a path that begins with / or ~/");
  for (const std::string_view part : {"/../", "/./"})
    if ((std::string(path) + "/").find(part) != std::string::npos)
      return wrong(whole, "must not climb with ..");
  return {};
}

Result<void> check_server(std::string_view whole, std::string_view server) {
  const std::size_t colon = server.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? "" : server.substr(colon + 1);
  bool digits = !port.empty() && port.size() <= 5 && colon != 0;
  for (const char c : port) digits = digits && c >= '0' && c <= '9';
  if (!digits) return wrong(whole, "needs a host and a port, as lmtp:127.0.0.1:24");
  return {};
}

// One folder or file name: no way up, no way elsewhere, nothing hidden, nothing that a terminal would act on.
Result<void> check_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::permanent,
                "no mailbox may be called \"" + std::string(name.substr(0, 80)) + "\": " + std::string(why));
  };
  if (name.empty()) return refuse("it is empty");
  if (name.size() > kMailboxNameMax) return refuse("it is too long");
  if (name.starts_with('.')) return refuse("it begins with a dot");
  for (const char c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return refuse("it has a character for no name");
  return {};
}

// Nothing that a shell takes for more than a letter, quoted or not, and no option.
std::string shell_word(std::string_view name) {
  std::string word(name.substr(0, kMailboxNameMax));
  for (char& c : word) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("@-_=+:,.").find(c) != std::string_view::npos;
    if (!plain) c = '_';
  }
  if (word.starts_with('-')) word.front() = '_';
  return word;
}

}  // namespace

Result<Location> parse_location(std::string_view text) {
  if (text == "store") return Location{.kind = Location::Kind::store, .text = {}};
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  Location location{.text = std::string(rest)};
  if (rest.empty() || rest.size() > kMailboxPathMax)
    return wrong(text, "is no place for mail: " + std::string(kMend));
  RP_CHECK(check_placeholders(text, rest));
  if (kind == "maildir" || kind == "mbox") {
    RP_CHECK(check_path(text, rest));
    location.kind = kind == "mbox" ? Location::Kind::mbox : Location::Kind::maildir;
    while (location.text.size() > 1 && location.text.ends_with('/')) location.text.pop_back();
  } else if (kind == "pipe") {
    location.kind = Location::Kind::command;
  } else if (kind == "lmtp") {
    RP_CHECK(check_server(text, rest));
    location.kind = Location::Kind::lmtp;
  } else {
    return wrong(text, "is no place for mail: " + std::string(kMend));
  }
  return location;
}

Result<void> check_location(std::string_view text) {
  (void)RP_TRY(parse_location(text));
  return {};
}

LocationNames names_for(const std::string& user, const std::string& home,
                        const std::string& recipient_domain) {
  const std::size_t at = user.rfind('@');
  return {.user = user,
          .domain = at == std::string::npos ? recipient_domain : user.substr(at + 1),
          .name = user.substr(0, at),
          .home = home};
}

Result<std::string> expand_location(const Location& location, const LocationNames& names) {
  const bool shell = location.kind == Location::Kind::command;
  std::string_view text = location.text;
  std::string out;
  if (!shell && location.needs_home()) {
    if (!names.home.starts_with('/'))
      return fail(ErrorKind::temporary,
                  "the account \"" + names.user + "\" has no home, and mailboxes.location needs one");
    out = names.home;
    text.remove_prefix(1);
  }
  while (!text.empty()) {
    const std::size_t at = text.find('%');
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    const char which = text[at + 1];
    text.remove_prefix(at + 2);
    if (which == '%') {
      out += '%';
      continue;
    }
    const std::string& name = which == 'u' ? names.user : which == 'd' ? names.domain : names.name;
    if (!shell) RP_CHECK(check_name(name));
    out += shell ? shell_word(name) : name;
  }
  if (out.size() > kMailboxPathMax) return fail(ErrorKind::permanent, "the path of the mailbox is too long");
  return out;
}

}  // namespace ringpost::deliver
