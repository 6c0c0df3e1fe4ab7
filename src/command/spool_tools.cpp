// spool dump, repair: for who must look into a spool whose server does not run. Only repair writes into it.
#include <memory>

#include <fmt/format.h>

#include "ringpost/io/backend.hpp"
#include "ringpost/journal/part.hpp"
#include "ringpost/spool/archive.hpp"
#include "ringpost/spool/repair.hpp"
#include "ringpost/store/store.hpp"

#include "files.hpp"
#include "spool_families.hpp"
#include "spool_progress.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

// ---- dump ----

struct DumpWish {
  SpoolWish where;
  std::string id;
};

void print_record(const Context& context, const spool::DumpedRecord& record) {
  const journal::RecordView& view = record.view;
  if (context.json) {
    context.out(admin::to_string(Json()
                                     .set("shard", record.shard)
                                     .set("segment", view.where.segment)
                                     .set("offset", view.where.offset)
                                     .set("size", view.where.size)
                                     .set("type", unsigned{view.type})
                                     .set("flags", unsigned{view.flags})
                                     .set("id", to_string(view.id))
                                     .set("text", record.text)) +
                "\n");
    return;
  }
  context.out(fmt::format("{} {:06} {:>9} {:>8} {} {}\n", record.shard, view.where.segment, view.where.offset,
                          view.where.size, to_string(view.id), printable(record.text)));
}

int dump(Context& context, const DumpWish& wish) {
  const auto only = parse_message_id(wish.id);
  if (!wish.id.empty() && !only) return complain_of_id(context);
  const auto directory = directory_of(context, wish.where);
  if (!directory) return kFindings;
  const auto backend = io::make_backend({.choice = "epoll"});
  if (!backend) return fail_with(context, backend.error());
  std::vector<spool::InspectedShard> shards;
  std::uint64_t shown = 0;
  const auto done = spool::dump((*backend)->files(), *directory,
                                [&](const spool::DumpedRecord& record) {
                                  if (only && record.view.id != *only) return;
                                  ++shown;
                                  if (!journal::Part::has_type(record.view.type))
                                    return print_record(context, record);
                                  spool::DumpedRecord of_mailboxes = record;
                                  of_mailboxes.text = store::describe(record.view);
                                  print_record(context, of_mailboxes);
                                },
                                shards);
  if (!done) return fail_with(context, done.error());
  std::uint64_t damages = 0;
  for (const spool::InspectedShard& shard : shards) damages += shard.report.damages;
  if (only && shown == 0) complain(context, fmt::format("no record of {} is there", to_string(*only)));
  if (damages != 0) complain(context, plural(damages, "damage"), "ringpost spool check names them");
  return damages == 0 && (!only || shown != 0) ? kDone : kFindings;
}

// ---- repair ----

struct RepairWish {
  SpoolWish where;
  bool write = false;
};

// What is left is a finding, however much was mended.
int say_repaired(const Context& context, const spool::Repaired& done, bool write) {
  const std::size_t mended = done.findings - done.left;
  std::string line = done.findings == 0 ? "nothing to mend"
                     : mended == 0      ? "nothing of this can be mended"
                     : write            ? "mended; see with ringpost spool check what is left"
                                        : "nothing was changed; --write mends it";
  if (mended != 0 && done.left != 0) line += fmt::format("; {} of these cannot be mended", done.left);
  if (!context.json) context.out(line + "\n");
  return done.findings == 0 || (write && done.left == 0) ? kDone : kFindings;
}

int repair(Context& context, const RepairWish& wish) {
  const auto directory = directory_of(context, wish.where);
  if (!directory) return kFindings;
  const auto backend = io::make_backend({.choice = "epoll"});
  if (!backend) return fail_with(context, backend.error());
  const auto done = spool::repair((*backend)->files(), *directory, wish.write, [&](std::string_view text) {
    context.out(context.json ? admin::to_string(Json().set("finding", text)) + "\n" : printable(text) + "\n");
  });
  if (!done) return fail_with(context, done.error());
  return say_repaired(context, *done, wish.write);
}

}  // namespace

int complain_of_id(const Context& context) {
  complain(context, "--id is not a queue id", "it has 13 characters, as in ringpost queue list");
  return kUsage;
}

void add_directory(CLI::App& leaf, SpoolWish& wish) {
  leaf.add_option("--directory", wish.directory, "The spool; else the one that the configuration names");
}

std::optional<std::string> directory_of(const Context& context, const SpoolWish& wish) {
  if (!wish.directory.empty()) return whole_path(wish.directory);
  const auto loaded = load_good(context);
  if (loaded) return loaded->configuration->spool.directory.text;
  complain(context, "the configuration does not say where the spool is", "--directory DIR needs none");
  return std::nullopt;
}

int end_by_health(const Context& context, const spool::Inspection& found) {
  if (!found.damaged()) return kDone;
  complain(context, "the spool is damaged", "ringpost spool check says what and where");
  return kFindings;
}

void add_spool_tools(CLI::App& spool, Registry& registry) {
  Context& context = registry.context;
  const auto dump_wish = std::make_shared<DumpWish>();
  CLI::App* dumping = registry.leaf(spool, "dump", "Every record, one line each; changes nothing",
                                    "  ringpost spool dump --id 0000000000014",
                                    [&context, dump_wish] { return dump(context, *dump_wish); });
  add_directory(*dumping, dump_wish->where);
  dumping->add_option("--id", dump_wish->id, "Records of this message only");

  const auto repair_wish = std::make_shared<RepairWish>();
  CLI::App* repairing = registry.leaf(
      spool, "repair", "Says what of headers and tables can be mended, and with --write does so",
      "  ringpost stop && ringpost spool repair --write",
      [&context, repair_wish] { return repair(context, *repair_wish); });
  add_directory(*repairing, repair_wish->where);
  repairing->add_flag("--write", repair_wish->write, "Mend; without it nothing is changed");
}

}  // namespace ringpost::command
