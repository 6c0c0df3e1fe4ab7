// alias: other names of accounts, in the database. They work while the server is stopped; a running one is told.
#include <memory>

#include "account_access.hpp"
#include "families.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

int list_aliases(Context& context) {
  return with_accounts(context, [&](const accounts::Accounts& accounts) -> Result<void> {
    TextTable table({"ALIAS", "TARGETS"}, std::string::npos);
    for (const auto& alias : RP_TRY(accounts.list_aliases())) {
      admin::Json::List targets;
      std::string text;
      for (const std::string& target : alias.targets) {
        targets.emplace_back(target);
        text += (text.empty() ? "" : ", ") + target;
      }
      table.add({alias.address, text});
      if (context.json)
        context.out(
            admin::to_string(admin::Json().set("address", alias.address).set("targets", std::move(targets))) +
            "\n");
    }
    if (!context.json)
      context.out(table.empty() ? "there is no alias in the database; see also the file domains.aliases\n"
                                : table.text());
    return {};
  });
}

}  // namespace

void add_alias_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  CLI::App* alias =
      Registry::family(app, "alias", "Addresses that are other addresses; the file domains.aliases has more");
  const auto address = std::make_shared<std::string>();
  const auto targets = std::make_shared<std::vector<std::string>>();
  CLI::App* adding =
      registry.leaf(*alias, "add", "Makes an alias, or gives it other targets",
                    "  ringpost alias add info@example.com anna@example.com bea@example.org\n"
                    "  ringpost alias add @example.com anna@example.com    # all names that nobody has",
                    [&context, address, targets] {
                      return change_accounts(
                          context, [&](accounts::Accounts& a) { return a.add_alias(*address, *targets); },
                          *address + " is an alias now");
                    });
  adding->add_option("ADDRESS", *address, "info, info@example.com, or @example.com for the rest of a domain")
      ->required();
  adding->add_option("TARGET", *targets, "Where its mail goes; one or more")->required();
  registry.leaf(*alias, "list", "The aliases of the database", "  ringpost alias list",
                [&context] { return list_aliases(context); });
  CLI::App* deleting = registry.leaf(
      *alias, "delete", "Deletes an alias", "  ringpost alias delete info@example.com", [&context, address] {
        return change_accounts(
            context, [&](accounts::Accounts& a) { return a.delete_alias(*address); },
            *address + " is no alias any more");
      });
  deleting->add_option("ADDRESS", *address, "The alias")->required();
}

}  // namespace ringpost::command
