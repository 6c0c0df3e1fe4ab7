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

std::string protocol_of(const SmtpOptions& options) {
  std::string text = options.protocol == Protocol::lmtp         ? "lmtp"
                     : options.protocol == Protocol::submission ? "submission"
                                                                : "smtp";
  if (options.tls == TlsUse::starttls) text += " + STARTTLS";
  if (options.tls == TlsUse::implicit) text += " + TLS";
  if (options.login) text += " + AUTH";
  return text + (options.bdat ? ", BDAT" : ", DATA");
}

std::string load_of(const SmtpOptions& options) {
  const std::string_view spacing = options.spacing == Spacing::poisson ? "Poisson, " : "";
  if (options.ramp_to)
    return fmt::format("open, {}{:.0f} to {:.0f}/s", spacing, options.rate, *options.ramp_to);
  if (options.rate > 0) return fmt::format("open, {}{:.0f}/s", spacing, options.rate);
  return "closed";
}

std::string sizes_of(const SmtpOptions& options) {
  if (!options.corpus.empty()) return "mails of " + options.corpus;
  std::string text;
  for (const SizeShare& share : options.size.shares) {
    if (!text.empty()) text += ", ";
    text += to_string(share.smallest);
    if (share.largest != share.smallest) text += "-" + to_string(share.largest);
    if (options.size.shares.size() > 1) text += fmt::format(":{:g}", share.weight);
  }
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Never the password.
Json options_json(const SmtpOptions& options) {
  return Json()
      .set("to", joined(options.to))
      .set("protocol", protocol_of(options))
      .set("load", load_of(options))
      .set("connections", options.connections)
      .set("messages_per_connection", options.messages_per_connection)
      .set("in_flight", options.in_flight)
      .set("size", sizes_of(options))
      .set("recipients", options.recipients.empty() ? options.recipient_count : options.recipients.size())
      .set("domains", options.domains * options.recipient_domains.size())
      .set("seed", options.common.seed);
}

}  // namespace

Json run_json(const RunParts& parts) {
  const SmtpOptions& options = parts.options;
  return Json()
      .set("format", kRunFormat)
      .set("version", kRunVersion)
      .set("name", options.name.empty() ? protocol_of(options) + ", " + load_of(options) : options.name)
      .set("loop", options.rate > 0 || options.ramp_to ? "open" : "closed")
      .set("started", mail::format_date(parts.started))
      .set("machine", parts.machine)
      .set("kernel", kernel())
      .set("options", options_json(options))
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
