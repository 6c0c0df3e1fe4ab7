#include "run_file.hpp"

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>
#include <sys/utsname.h>

#include "ringpost/mail/date.hpp"

#include "limits.hpp"
#include "process.hpp"

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
      .set("summary", admin::parse_json(parts.summary).value_or(Json()))
      .set("histogram_ns", buckets_json(parts.latency))
      .set("seconds_cut", parts.series.cut())
      .set("seconds", series_json(parts.series));
}

Result<void> write_file(const std::string& path, std::string_view text) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail_system(errno, "write " + path);
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const int error = errno;
  if (std::fclose(file) != 0 || !whole) return fail_system(whole ? errno : error, "write " + path);
  return {};
}

Result<Json> read_run(const std::string& path) {
  const std::string text = RP_TRY(read_file(path, kRunFileBytesMax));
  auto json = admin::parse_json(text);
  if (!json) return fail(std::move(json).error().in(path));
  if ((*json)["format"].text() != kRunFormat)
    return fail(ErrorKind::permanent, path + " is no run of loadgen; --run-file makes one");
  if ((*json)["version"].number() != kRunVersion)
    return fail(ErrorKind::permanent, path + " is of another version of loadgen");
  return std::move(*json);
}

}  // namespace ringpost::loadgen
