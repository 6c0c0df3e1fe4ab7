// spool dump, export, repair: for who must get mail out of a spool whose server does not run. Only repair writes into it.
#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>

#include "ringpost/io/backend.hpp"
#include "ringpost/journal/part.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/spool/archive.hpp"
#include "ringpost/spool/repair.hpp"
#include "ringpost/store/store.hpp"

#include "families.hpp"
#include "files.hpp"
#include "spool_progress.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

// ---- dump ----

struct DumpWish {
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
  const auto loaded = load_good(context);
  if (!loaded) return kFindings;
  const auto only = parse_message_id(wish.id);
  if (!wish.id.empty() && !only) {
    complain(context, "--id is not a queue id", "it has 13 characters, as in ringpost queue list");
    return kUsage;
  }
  const auto backend = io::make_backend({.choice = "epoll"});
  if (!backend) return fail_with(context, backend.error());
  std::vector<spool::InspectedShard> shards;
  const auto done = spool::dump((*backend)->files(), loaded->configuration->spool.directory.text,
                                [&](const spool::DumpedRecord& record) {
                                  if (only && record.view.id != *only) return;
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
  if (damages == 0) return kDone;
  complain(context, fmt::format("{} damages", damages), "ringpost spool check names them");
  return kFindings;
}

// ---- export ----

struct ExportWish {
  std::string to, id;
};

constexpr std::array<std::string_view, 5> kOutcomes{"pending", "delivered", "bounced", "expired",
                                                    "cancelled"};

Json envelope_json(MessageId id, const spool::Archive::Stored& stored, bool whole) {
  Json::List recipients;
  for (const spool::Outcome& outcome : stored.outcomes)
    recipients.push_back(Json()
                             .set("address", stored.envelope.recipient(outcome.recipient).address)
                             .set("state", kOutcomes[static_cast<std::size_t>(outcome.state)])
                             .set("attempts", unsigned{outcome.attempts})
                             .set("code", unsigned{outcome.code}));
  const mail::ArrivalFacts& facts = stored.envelope.facts();
  return Json()
      .set("id", to_string(id))
      .set("sender", stored.envelope.reverse_path())
      .set("arrival", mail::format_date(facts.arrival))
      .set("peer", facts.peer_address)
      .set("whole", whole)
      .set("recipients", std::move(recipients));
}

// The text as it would be sent, and beside it the envelope.
Result<void> export_one(spool::Archive& archive, MessageId id, const std::string& base) {
  const auto stored = RP_TRY(archive.read(id));
  std::ofstream text(base + ".eml", std::ios::binary | std::ios::trunc);
  if (!text) return fail(ErrorKind::permanent, "cannot write " + base + ".eml");
  const auto body = archive.read_body(id, [&](std::span<const std::byte> bytes) -> Result<void> {
    text.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!text) return fail(ErrorKind::permanent, "cannot write " + base + ".eml");
    return {};
  });
  text.close();
  std::ofstream(base + ".json") << admin::to_string(envelope_json(id, stored, body.has_value())) << "\n";
  return body;
}

int export_all(Context& context, const ExportWish& wish) {
  const auto loaded = load_good(context);
  if (!loaded) return kFindings;
  const auto backend = io::make_backend({.choice = "epoll"});
  if (!backend) return fail_with(context, backend.error());
  if (auto made = make_folder(wish.to, 0700); !made) return fail_with(context, made.error());
  auto archive = [&] {
    SpoolProgress progress(context, "reading");
    return spool::Archive::open((*backend)->files(), loaded->configuration->spool.directory.text,
                                [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); });
  }();
  if (!archive) return fail_with(context, archive.error());
  std::uint64_t written = 0, damaged = 0;
  const std::uint64_t total = (*archive)->inspection().messages();
  {
    SpoolProgress progress(context, "writing");
    (*archive)->for_each([&](const spool::InspectedMessage& message) {
      const std::string id = to_string(message.id);
      if (!wish.id.empty() && id != wish.id) return;
      const auto done = export_one(**archive, message.id, wish.to + "/" + id);
      ++(done ? written : damaged);
      if (!done) complain(context, fmt::format("{}: {}", id, printable(done.error().text)));
      progress.show(written + damaged, total);
    });
  }
  const std::string line = fmt::format("{} written to {}", plural(written, "message"), wish.to);
  context.out(context.json ? admin::to_string(Json().set("written", written).set("damaged", damaged)) + "\n"
                           : line + (damaged == 0 ? "\n" : fmt::format(", {} damaged\n", damaged)));
  return damaged == 0 && (written != 0 || wish.id.empty()) ? kDone : kFindings;
}

// ---- repair ----

int repair(Context& context, bool write) {
  const auto loaded = load_good(context);
  if (!loaded) return kFindings;
  const auto backend = io::make_backend({.choice = "epoll"});
  if (!backend) return fail_with(context, backend.error());
  const auto done = spool::repair(
      (*backend)->files(), loaded->configuration->spool.directory.text, write, [&](std::string_view text) {
        context.out(context.json ? admin::to_string(Json().set("finding", text)) + "\n"
                                 : printable(text) + "\n");
      });
  if (!done) return fail_with(context, done.error());
  if (context.json) return done->findings == 0 || write ? kDone : kFindings;
  if (done->findings == 0) {
    context.out("nothing to mend\n");
    return kDone;
  }
  context.out(write ? "mended; see with ringpost spool check what is left\n"
                    : "nothing was changed; --write mends it\n");
  return write ? kDone : kFindings;
}

}  // namespace

void add_spool_tools(CLI::App& spool, Registry& registry) {
  Context& context = registry.context;
  const auto dump_wish = std::make_shared<DumpWish>();
  CLI::App* dumping = registry.leaf(spool, "dump", "Every record, one line each; changes nothing",
                                    "  ringpost spool dump --id 0000000000014",
                                    [&context, dump_wish] { return dump(context, *dump_wish); });
  dumping->add_option("--id", dump_wish->id, "Records of this message only");

  const auto export_wish = std::make_shared<ExportWish>();
  CLI::App* exporting = registry.leaf(
      spool, "export", "Writes each message of the queue as .eml, its envelope beside it; changes nothing",
      "  ringpost spool export --to /root/saved",
      [&context, export_wish] { return export_all(context, *export_wish); });
  exporting->add_option("--to", export_wish->to, "The folder; made when it is not there")->required();
  exporting->add_option("--id", export_wish->id, "This message only");

  const auto write = std::make_shared<bool>(false);
  CLI::App* repairing = registry.leaf(
      spool, "repair", "Says what of headers and tables can be mended, and with --write does so",
      "  ringpost stop && ringpost spool repair --write",
      [&context, write] { return repair(context, *write); });
  repairing->add_flag("--write", *write, "Mend; without it nothing is changed");
}

}  // namespace ringpost::command
