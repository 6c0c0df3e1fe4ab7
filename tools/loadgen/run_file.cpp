#include "run_file.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/mail/date.hpp"

#include "limits.hpp"
#include "process.hpp"
#include "run_check.hpp"

namespace ringpost::loadgen {

namespace {

using admin::Json;

std::string kernel() {
  utsname name{};
  return uname(&name) == 0 ? fmt::format("{} {}", name.sysname, name.release) : "unknown";
}

}  // namespace

Json run_json(const RunParts& parts) {
  const LoadPlan& plan = parts.plan;
  auto summary = admin::parse_json(parts.summary);
  RP_ASSERT(summary.has_value());
  return Json()
      .set("format", kRunFormat)
      .set("version", kRunVersion)
      .set("name", plan.load().name.empty() ? plan.protocol() + ", " + plan.load_text() : plan.load().name)
      .set("loop", plan.open() ? "open" : "closed")
      .set("unit", plan.unit())
      .set("started", mail::format_date(parts.started))
      .set("machine", parts.machine)
      .set("kernel", kernel())
      .set("options", plan.options_json())
      .set("summary", std::move(*summary))
      .set("histogram_ns", buckets_json(parts.latency))
      .set("seconds_cut", parts.series.cut())
      .set("seconds", series_json(parts.series));
}

namespace {

Result<void> write_in_place(const std::string& path, std::string_view text) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail_system(errno, "write " + path);
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  if (std::fclose(file) != 0 || !whole) return fail_system(whole ? errno : error, "write " + path);
  return {};
}

// The file itself where `path` is a link to it, and a name beside it; no second name: it is no plain file.
struct Places {
  std::string path;
  std::optional<std::string> beside;
};

Places places_of(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    return {path, std::nullopt};
  const std::string real =
      std::filesystem::exists(status) ? std::filesystem::canonical(path, error).string() : path;
  return {real, fmt::format("{}.{}.new", real, getpid())};
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view text) {
  const Places places = places_of(path);
  if (!places.beside) return write_in_place(path, text);
  auto done = write_in_place(*places.beside, text);
  if (done && std::rename(places.beside->c_str(), places.path.c_str()) != 0)
    done = fail_system(errno, "write " + path);
  if (!done) std::remove(places.beside->c_str());
  return done;
}

Result<void> can_write(const std::string& path) {
  const Places places = places_of(path);
  if (!places.beside) {
    if (std::filesystem::is_directory(path)) return fail_system(EISDIR, "write " + path);
    return {};
  }
  auto done = write_in_place(*places.beside, "");
  std::remove(places.beside->c_str());
  if (!done) done.error().text = system_error(done.error().system, "write " + path).text;
  return done;
}

Result<Json> read_run(const std::string& path) {
  const std::string text = RP_TRY(read_file(path, kRunFileBytesMax));
  auto json = admin::parse_json(text);
  if (!json) return fail(std::move(json).error().in(path));
  if ((*json)["format"].text() != kRunFormat)
    return fail(ErrorKind::permanent, path + " is no run of loadgen; --run-file makes one");
  if ((*json)["version"] != Json(kRunVersion))
    return fail(ErrorKind::permanent, path + " is of another version of loadgen");
  if (const std::string wrong = fault_of(*json); !wrong.empty())
    return fail(ErrorKind::permanent, path + ": " + wrong);
  return std::move(*json);
}

}  // namespace ringpost::loadgen
