// spool export: the mail of a spool whose server does not run, as files. What it says it has written is on stable storage.
#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "ringpost/io/backend.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/spool/archive.hpp"

#include "exported_file.hpp"
#include "files.hpp"
#include "spool_families.hpp"
#include "spool_progress.hpp"
#include "text_table.hpp"

namespace ringpost::command {

namespace {

using admin::Json;

struct ExportWish {
  SpoolWish where;
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

// Nothing else will fit, or be kept, either.
bool is_over(const Error& error) {
  return error.system == ENOSPC || error.system == EDQUOT || error.system == EROFS || error.system == EIO;
}

class Exporting {
 public:
  Exporting(const Context& context, spool::Archive& archive, std::string to)
      : context_(context), archive_(archive), to_(std::move(to)) {}

  void message(MessageId id) {
    if (stopped_) {
      ++not_written_;
      return;
    }
    Result<void> damage;
    if (const auto done = write(id, damage); !done) {
      ++not_written_;
      stopped_ = is_over(done.error());
      complain(context_, fmt::format("{} is not written: {}", to_string(id), printable(done.error().text)),
               stopped_ ? "nothing more is tried; when the folder takes files again, run it once more" : "");
    } else if (damage) {
      ++written_;
    } else {
      ++damaged_;
      complain(context_, fmt::format("{}: {}", to_string(id), printable(damage.error().text)));
    }
  }
  std::uint64_t seen() const { return written_ + damaged_ + not_written_; }
  void folder_failed(const Error& error) {
    complain(context_, printable(error.text));
    not_written_ += std::exchange(written_, 0);
  }
  int end() const {
    if (context_.json) {
      context_.out(
          admin::to_string(
              Json().set("written", written_).set("damaged", damaged_).set("not_written", not_written_)) +
          "\n");
    } else {
      std::string line = fmt::format("{} written to {}", plural(written_, "message"), printable(to_));
      if (damaged_ != 0) line += fmt::format(", {} damaged", damaged_);
      if (not_written_ != 0) line += fmt::format(", {} not written", not_written_);
      context_.out(line + "\n");
    }
    return damaged_ + not_written_ == 0 ? kDone : kFindings;
  }

 private:
  // The text as it would be sent, and beside it the envelope. Of a damaged one as much as there is.
  Result<void> write(MessageId id, Result<void>& damage) const {
    auto stored = archive_.read(id);
    if (!stored) {
      damage = fail(std::move(stored).error());
      return {};
    }
    const std::string base = to_ + "/" + to_string(id);
    auto text = RP_TRY(ExportedFile::make(base + ".eml"));
    Result<void> written;
    damage = archive_.read_body(id, [&](std::span<const std::byte> bytes) -> Result<void> {
      written = text.write(bytes);
      return written ? Result<void>{} : fail(written.error());
    });
    RP_CHECK(std::move(written));
    auto envelope = RP_TRY(ExportedFile::make(base + ".json"));
    const std::string line = admin::to_string(envelope_json(id, *stored, damage.has_value())) + "\n";
    RP_CHECK(envelope.write(std::as_bytes(std::span(line))));
    RP_CHECK(envelope.finish());
    return text.finish();  // last: where it is, its envelope is too
  }

  const Context& context_;
  spool::Archive& archive_;
  std::string to_;
  std::uint64_t written_ = 0, damaged_ = 0, not_written_ = 0;
  bool stopped_ = false;
};

// Symbolic links followed, as far as there is something.
std::filesystem::path real_path(const std::string& path) {
  std::error_code ignored;
  const auto real = std::filesystem::weakly_canonical(whole_path(path), ignored);
  return ignored ? std::filesystem::path(whole_path(path)) : real;
}

bool is_inside(const std::string& path, const std::string& directory) {
  const auto inner = real_path(path), outer = real_path(directory);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
}

int export_all(Context& context, const ExportWish& wish) {
  const auto only = parse_message_id(wish.id);
  if (!wish.id.empty() && !only) return complain_of_id(context);
  const auto directory = directory_of(context, wish.where);
  if (!directory) return kFindings;
  if (is_inside(wish.to, *directory)) {
    complain(context, fmt::format("{} is in the spool", printable(wish.to)), "choose a folder elsewhere");
    return kUsage;
  }
  const auto backend = io::make_backend({.choice = "epoll"});
  if (!backend) return fail_with(context, backend.error());
  auto archive = [&] {
    SpoolProgress progress(context, "reading");
    return spool::Archive::open((*backend)->files(), *directory,
                                [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); });
  }();
  if (!archive) return fail_with(context, archive.error());
  if (only && !(*archive)->contains(*only)) {
    complain(context, fmt::format("{} is not in the queue", to_string(*only)),
             "ringpost spool dump --id shows what is left of it");
    return kFindings;
  }
  if (auto made = make_folder(wish.to, 0700); !made) return fail_with(context, made.error());
  Exporting exporting(context, **archive, wish.to);
  {
    SpoolProgress progress(context, "writing");
    const std::uint64_t total = (*archive)->inspection().messages();
    (*archive)->for_each([&](const spool::InspectedMessage& message) {
      if (only && message.id != *only) return;
      exporting.message(message.id);
      progress.show(exporting.seen(), total);
    });
  }
  if (const auto synced = sync_folder(wish.to); !synced) exporting.folder_failed(synced.error());
  const int health = end_by_health(context, (*archive)->inspection());
  return std::max(exporting.end(), health);
}

}  // namespace

void add_spool_export(CLI::App& spool, Registry& registry) {
  Context& context = registry.context;
  const auto wish = std::make_shared<ExportWish>();
  CLI::App* exporting = registry.leaf(
      spool, "export", "Writes each message of the queue as .eml, its envelope beside it; changes nothing",
      "  ringpost spool export --to /root/saved", [&context, wish] { return export_all(context, *wish); });
  add_directory(*exporting, wish->where);
  exporting->add_option("--to", wish->to, "The folder; made when it is not there")->required();
  exporting->add_option("--id", wish->id, "This message only");
}

}  // namespace ringpost::command
