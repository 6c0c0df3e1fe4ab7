// spool check, spool stats: the spool on disk, looked at without the server. Nothing is written, no lock is taken.
#include <array>
#include <span>

#include <fmt/format.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/spool/archive.hpp"
#include "ringpost/spool/limits.hpp"

#include "spool_families.hpp"
#include "spool_progress.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

// How many messages have so many bytes, and of how many recipients they wait for.
struct Sizes {
  static constexpr std::array<std::uint64_t, 5> kBounds{4096, 65'536, 1'048'576, 16'777'216,
                                                        ~std::uint64_t{0}};
  std::array<std::uint64_t, kBounds.size()> counts{};
  std::uint64_t recipients = 0, pending = 0;

  void add(const spool::InspectedMessage& message) {
    std::size_t at = 0;
    while (message.size > kBounds[at]) ++at;
    ++counts[at];
    recipients += message.recipients;
    pending += message.pending;
  }
};

Result<spool::Inspection> inspect(const Context& context, const std::string& directory, Sizes& sizes) {
  const auto backend = RP_TRY(io::make_backend({.choice = "epoll"}));
  SpoolProgress progress(context, "reading");
  const auto archive =
      RP_TRY(spool::Archive::open(backend->files(), directory, [&](std::uint64_t done, std::uint64_t total) {
        progress.show(done, total);
      }));
  archive->for_each([&](const spool::InspectedMessage& message) { sizes.add(message); });
  return archive->inspection();
}

Json damage_json(const journal::Damage& damage) {
  return Json()
      .set("segment", damage.segment)
      .set("offset", damage.offset)
      .set("size", damage.size)
      .set("torn_tail", damage.torn_tail)
      .set("id", damage.id ? to_string(damage.id) : "")
      .set("text", damage.text);
}

// By class of expiry, the shortest first.
std::span<const std::uint64_t> cold_segments(const spool::InspectedShard& shard) {
  return std::span(shard.report.stream_segments).subspan(1);
}

Json shard_json(const spool::InspectedShard& shard) {
  const journal::RecoveryReport& report = shard.report;
  Json::List damage;
  for (const journal::Damage& each : report.damage) damage.push_back(damage_json(each));
  Json::List cold;
  for (const std::uint64_t count : cold_segments(shard)) cold.push_back(count);
  return Json()
      .set("shard", shard.shard)
      .set("messages", shard.messages)
      .set("tried", shard.tried)
      .set("body_bytes", shard.body_bytes)
      .set("without_body", shard.without_body)
      .set("unreadable", shard.unreadable)
      .set("segments", report.segments)
      .set("free_segments", report.free_segments)
      .set("cold_segments", std::move(cold))
      .set("tables", report.tables)
      .set("frames", report.frames)
      .set("records", report.records)
      .set("bytes", report.bytes)
      .set("voided_frames", report.voided_frames)
      .set("torn_tails", report.torn_tails)
      .set("damages", report.damages)
      .set("damage", std::move(damage));
}

void print_damages(const Context& context, const spool::InspectedShard& shard) {
  for (const journal::Damage& damage : shard.report.damage)
    context.out(fmt::format("shard {} segment {} at {} ({} bytes{}): {}{}\n", shard.shard, damage.segment,
                            damage.offset, damage.size, damage.id ? " of " + to_string(damage.id) : "",
                            printable(damage.text),
                            damage.torn_tail ? "; a crash leaves this, nothing was promised" : ""));
  if (const auto left = shard.report.torn_tails + shard.report.damages; left > shard.report.damage.size())
    context.out(fmt::format("shard {}: and {} more\n", shard.shard, left - shard.report.damage.size()));
  if (shard.without_body > 0)
    context.out(fmt::format("shard {}: {} messages have lost their body\n", shard.shard, shard.without_body));
  if (shard.unreadable > 0)
    context.out(
        fmt::format("shard {}: {} envelopes or states cannot be read\n", shard.shard, shard.unreadable));
}

void print_damaged_messages(const Context& context, const spool::Inspection& found) {
  if (found.spool_id == 0)
    context.out("the file SPOOL is damaged or missing; ringpost spool repair makes it from the segments\n");
  for (const std::string& text : found.left_alone)
    context.out(context.json ? admin::to_string(Json().set("left_alone", text)) + "\n"
                             : printable(text) + "\n");
  for (const MessageId id : found.damaged_messages) {
    if (context.json)
      context.out(admin::to_string(Json().set("damaged_message", to_string(id))) + "\n");
    else
      context.out(fmt::format("message {} is damaged\n", to_string(id)));
  }
}

int check(Context& context, const SpoolWish& wish) {
  const auto directory = directory_of(context, wish);
  if (!directory) return kFindings;
  Sizes sizes;
  const auto found = inspect(context, *directory, sizes);
  if (!found) return fail_with(context, found.error());
  std::uint64_t frames = 0;
  for (const spool::InspectedShard& shard : found->shards) {
    if (context.json)
      context.out(admin::to_string(shard_json(shard)) + "\n");
    else
      print_damages(context, shard);
    frames += shard.report.frames;
  }
  print_damaged_messages(context, *found);
  if (!context.json)
    context.out(fmt::format("{}: {} shards, {} frames, {} messages: {}\n", *directory, found->shards.size(),
                            frames, found->messages(), found->damaged() ? "damaged" : "good"));
  return found->damaged() ? kFindings : kDone;
}

// Moved mail by what it still had to live.
void print_cold(const Context& context, const spool::Inspection& found) {
  TextTable table({"COLD SEGMENTS OF MAIL FOR", ">COUNT"}, kCellWidthMax);
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < spool::kColdClasses.size(); ++i) {
    std::uint64_t count = 0;
    for (const spool::InspectedShard& shard : found.shards) count += cold_segments(shard)[i];
    table.add({to_string(spool::kColdClasses[i]) + " and longer", fmt::to_string(count)});
    all += count;
  }
  if (all != 0) context.out(table.text());
}

void print_stats(const Context& context, const spool::Inspection& found, const Sizes& sizes) {
  TextTable shards(
      {"SHARD", ">MESSAGES", ">TRIED", ">BODIES", ">SEGMENTS", ">FREE", ">FRAMES", ">RECORDS", ">ON DISK"},
      kCellWidthMax);
  for (const spool::InspectedShard& shard : found.shards)
    shards.add({fmt::to_string(shard.shard), fmt::to_string(shard.messages), fmt::to_string(shard.tried),
                size_text(static_cast<std::int64_t>(shard.body_bytes)), fmt::to_string(shard.report.segments),
                fmt::to_string(shard.report.free_segments), fmt::to_string(shard.report.frames),
                fmt::to_string(shard.report.records),
                size_text(static_cast<std::int64_t>(shard.report.bytes))});
  context.out(shards.text());
  TextTable table({"MESSAGES OF", ">COUNT"}, kCellWidthMax);
  for (std::size_t i = 0; i < Sizes::kBounds.size(); ++i) {
    const bool last = i + 1 == Sizes::kBounds.size();
    const auto bound = static_cast<std::int64_t>(Sizes::kBounds[last ? i - 1 : i]);
    table.add({(last ? "over " : "up to ") + size_text(bound), fmt::to_string(sizes.counts[i])});
  }
  context.out(table.text());
  print_cold(context, found);
  context.out(fmt::format("{}; {} of {} recipients wait; epoch {}\n", plural(found.messages(), "message"),
                          sizes.pending, sizes.recipients, found.epoch));
}

int show_stats(Context& context, const SpoolWish& wish) {
  const auto directory = directory_of(context, wish);
  if (!directory) return kFindings;
  Sizes sizes;
  const auto found = inspect(context, *directory, sizes);
  if (!found) return fail_with(context, found.error());
  if (!context.json) {
    print_stats(context, *found, sizes);
    return end_by_health(context, *found);
  }
  for (const spool::InspectedShard& shard : found->shards)
    context.out(admin::to_string(shard_json(shard)) + "\n");
  context.out(admin::to_string(Json()
                                   .set("messages", found->messages())
                                   .set("recipients", sizes.recipients)
                                   .set("pending", sizes.pending)
                                   .set("epoch", found->epoch)) +
              "\n");
  return end_by_health(context, *found);
}

}  // namespace

void add_spool_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  CLI::App* spool =
      Registry::family(app, "spool", "Looks at the spool on disk; also while the server is stopped");
  const auto check_wish = std::make_shared<SpoolWish>();
  add_directory(
      *registry.leaf(*spool, "check", "Reads every frame, and says what is damaged; changes nothing",
                     "  ringpost spool check && echo whole",
                     [&context, check_wish] { return check(context, *check_wish); }),
      *check_wish);
  const auto stats_wish = std::make_shared<SpoolWish>();
  add_directory(*registry.leaf(*spool, "stats", "What is in the spool: messages, sizes, segments",
                               "  ringpost spool stats",
                               [&context, stats_wish] { return show_stats(context, *stats_wish); }),
                *stats_wish);
  add_spool_tools(*spool, registry);
  add_spool_export(*spool, registry);
}

}  // namespace ringpost::command
