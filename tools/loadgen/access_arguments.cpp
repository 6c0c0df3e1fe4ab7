#include "access_arguments.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "access_deeds.hpp"
#include "argument_types.hpp"
#include "limits.hpp"
#include "load_arguments.hpp"
#include "option_rules.hpp"

namespace ringpost::loadgen {

namespace {

std::vector<DeedShare> mix_of(AccessProtocol protocol) {
  std::vector<DeedShare> shares;
  const auto deeds = deeds_of(protocol);
  for (std::size_t i = 0; i < deeds.size(); ++i)
    if (deeds[i].weight > 0) shares.push_back({i, deeds[i].weight});
  return shares;
}

std::string known_deeds(AccessProtocol protocol) {
  std::string text;
  for (const Deed& deed : deeds_of(protocol)) text.append(deed.name).append(", ");
  return text + "mix";
}

// "fetch", "append:3,fetch:20", "mix"
Result<std::vector<DeedShare>> parse_deeds(const std::string& text, AccessProtocol protocol) {
  if (text == "mix") return mix_of(protocol);
  const auto deeds = deeds_of(protocol);
  return list_of<DeedShare>(text, [&](const std::string& word) -> Result<DeedShare> {
    const auto [name, weight] = RP_TRY(parse_weight(word));
    const auto found = std::ranges::find(deeds, name, &Deed::name);
    if (found == deeds.end())
      return fail(ErrorKind::permanent, name + " is none of " + known_deeds(protocol));
    return DeedShare{static_cast<std::size_t>(found - deeds.begin()), weight};
  });
}

std::string about_deeds(AccessProtocol protocol) {
  std::string text =
      "What clients do, one of these or several with weights (fetch:20,append:3), or mix: all by "
      "the weights behind them\n";
  for (const Deed& deed : deeds_of(protocol))
    text += fmt::format("  {:<9} {}{}\n", deed.name, deed.about,
                        deed.weight > 0 ? fmt::format(" ({:g})", deed.weight) : "");
  return text;
}

const Choices<LiteralUse> kLiterals{{"auto", LiteralUse::automatic}, {"sync", LiteralUse::synchronizing}};

void add_imap_only(CLI::App& app, AccessOptions& options) {
  app.add_option("--folder", options.folder, "To select and to append to")->capture_default_str();
  count_option(app, "--batch", options.batch, "Messages of one FETCH or STORE; 0: all of the folder");
  app.add_option("--criteria", options.criteria, "Of SEARCH")->capture_default_str();
  option(app, "--idle-for", options.idle_for, parse_duration,
         "How long an IDLE is held [until the end of the run; beside other operations 1s]")
      ->type_name("TIME");
  choice(app, "--literals", options.literals, kLiterals,
         "auto: LITERAL+ or LITERAL- where it is offered; sync: always wait for the server's + [auto]");
  option(app, "--size", options.size, parse_sizes, "Of an appended message, or a mix as smtp has it [4KiB]")
      ->type_name("SIZES");
  app.add_option("--corpus", options.corpus,
                 "Append real mails instead, in turn: a folder, a Maildir, an mbox, a tar archive")
      ->check(CLI::ExistingPath);
}

bool has_line_end(const std::string& text) {
  return text.find_first_of("\r\n") != std::string::npos || text.find('\0') != std::string::npos;
}

}  // namespace

void add_access(CLI::App& app, AccessOptions& options) {
  add_target(app, options);
  app.get_option("--auth")->required();
  count_option(app, "--users", options.users,
               "Connections log in as %d = 0, 1, ... in turn: --auth user%d@example.org:secret --users 100",
               {1, kMailboxesMax});
  option(
      app, "--do", options.deeds,
      [&options](const std::string& text) { return parse_deeds(text, options.protocol); },
      about_deeds(options.protocol))
      ->required()
      ->type_name("LIST");
  add_load(app, options, "operations");
  if (options.protocol == AccessProtocol::imap) add_imap_only(app, options);
  add_outputs(app, options);
  add_common(app, options.common);
  hold_rules(app, kLoadRules);
}

std::string complaint(const AccessOptions& options) {
  if (options.users > 1 && options.login->user.find("%d") == std::string::npos)
    return "--users wants a %d in the user of --auth";
  for (const std::string& text :
       {options.login->user, options.login->password, options.folder, options.criteria})
    if (has_line_end(text)) return "names, passwords and criteria are one line each";
  return load_complaint(options);
}

}  // namespace ringpost::loadgen
