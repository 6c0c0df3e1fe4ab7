// What every command gets: how it was called, where its words go, and how it reaches the server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/admin/client.hpp"
#include "ringpost/command/command.hpp"

namespace ringpost::command {

inline constexpr int kDone = 0;
inline constexpr int kFindings = 1;
inline constexpr int kUsage = 2;
inline constexpr int kUnreachable = 75;

inline constexpr const char* kConfigDefault = "/etc/ringpost/ringpost.toml";

using Print = std::function<void(std::string_view)>;

struct Context {
  Program program;
  Print out, err;  // standard output and standard error; tests have other ones
  std::string config = kConfigDefault;
  bool json = false;
  bool wide = false;  // no cell of a table is cut: the output is no terminal
};

// The configuration without errors; else its findings go to `err` and there is none.
std::optional<server::LoadedConfiguration> load_good(const Context& context);

// "ringpost: text" and the mend on a line of its own.
void complain(const Context& context, std::string_view text, std::string_view mend = {});
// A text, and the mend that it carries after "; ".
struct Mended {
  std::string_view text, mend;
};
Mended split_mend(std::string_view text);
// The same for an error whose text carries its mend.
int fail_with(const Context& context, const Error& error);

// Asks the server that the configuration names. With --json each line of the answer goes out as it came, the last too.
// Nothing: it was complained about, and `exit_code` says how to end.
struct Asked {
  std::optional<admin::Json> last;
  int exit_code = kDone;
};
Asked ask_server(const Context& context, std::string_view verb, admin::Json arguments,
                 const std::function<void(const admin::Json&)>& line);
// For what a running server should know and a stopped one will read at its start: silent when it is not reachable.
enum class Told { yes, no_server, refused };
Told tell_server(const Context& context, const std::string& socket, std::string_view verb);

}  // namespace ringpost::command
