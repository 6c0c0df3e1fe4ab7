#include "context.hpp"

#include <fmt/format.h>

namespace ringpost::command {

void complain(const Context& context, std::string_view text, std::string_view mend) {
  std::string lines = fmt::format("ringpost: {}\n", text);
  if (!mend.empty()) lines += fmt::format("  mend: {}\n", mend);
  context.err(lines);
}

Mended split_mend(std::string_view text) {
  const std::size_t at = text.find("; ");
  return {text.substr(0, at), at == std::string_view::npos ? std::string_view() : text.substr(at + 2)};
}

int fail_with(const Context& context, const Error& error) {
  const Mended split = split_mend(error.text);
  complain(context, split.text, split.mend);
  return kFindings;
}

std::optional<server::LoadedConfiguration> load_good(const Context& context) {
  server::LoadedConfiguration loaded = context.program.load(context.config);
  if (loaded.loaded.ok()) return loaded;
  for (const config::Finding& finding : loaded.loaded.findings)
    if (finding.severity == config::Severity::error) context.err(config::to_string(finding) + "\n");
  return std::nullopt;
}

Asked ask_server(const Context& context, std::string_view verb, admin::Json arguments,
                 const std::function<void(const admin::Json&)>& line) {
  const auto loaded = load_good(context);
  if (!loaded) return {std::nullopt, kFindings};
  const auto show = [&](const admin::Json& json) {
    if (context.json)
      context.out(admin::to_string(json) + "\n");
    else
      line(json);
  };
  auto last = admin::ask(loaded->configuration->admin.socket.text, verb, std::move(arguments), show);
  if (last) {
    if (context.json) context.out(admin::to_string(*last) + "\n");
    return {std::move(*last), kDone};
  }
  complain(context, last.error().text, last.error().mend);
  return {std::nullopt, last.error().unreachable ? kUnreachable : kFindings};
}

Told tell_server(const Context& context, const std::string& socket, std::string_view verb) {
  const auto told = admin::ask(socket, verb, {}, [](const admin::Json&) {});
  if (told) return Told::yes;
  if (told.error().unreachable) return Told::no_server;
  complain(context, told.error().text, told.error().mend);
  return Told::refused;
}

}  // namespace ringpost::command
