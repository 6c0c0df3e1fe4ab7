// The spool's figures: durable appends against what the disk gives to bare writes, recovery, and memory for each message.
//
//   bench_spool [--seconds S] [--waiters N] [--messages N] [--size BYTES] [--large no] [--directory DIR]
//   bench_spool --fill DIR [--messages N] [--size BYTES] [--domains D] [--cores C] [--wait HOURS]
//
// The second makes a spool for a server of C cores in DIR, and measures nothing: N messages to D domains, tried once and
// deferred for so many hours.
//
// The files lie in DIR, or RINGPOST_BENCH_DIR, or the current folder: not in a tmpfs, where durable means nothing.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include "spool_station.hpp"

namespace ringpost::spool {

std::uint64_t resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  unsigned long long total = 0, resident = 0;
  if (file == nullptr || std::fscanf(file, "%llu %llu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

namespace {

int run(Wanted wanted) {
  if (!wanted.fill.empty()) return fill(wanted);
  if (wanted.directory.empty()) {
    const char* const folder = std::getenv("RINGPOST_BENCH_DIR");
    wanted.directory = folder != nullptr ? folder : ".";
  }
  wanted.directory += "/bench-spool-XXXXXX";
  if (::mkdtemp(wanted.directory.data()) == nullptr) {
    fmt::print(stderr, "cannot make a folder in {}\n", wanted.directory);
    return 1;
  }
  if (wanted.seconds > 0) measure_appends(wanted);
  if (wanted.messages > 0) measure_recovery(wanted);
  if (wanted.large) measure_large(wanted);
  std::filesystem::remove_all(wanted.directory);
  return 0;
}

}  // namespace
}  // namespace ringpost::spool

int main(int argc, char** argv) {
  ringpost::spool::Wanted wanted;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--messages") wanted.messages = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--size") wanted.size = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seconds") wanted.seconds = std::strtod(argv[i + 1], nullptr);
    if (name == "--waiters") wanted.waiters = {static_cast<unsigned>(std::max(1, std::atoi(argv[i + 1])))};
    if (name == "--large") wanted.large = std::string_view(argv[i + 1]) != "no";
    if (name == "--fill") wanted.fill = argv[i + 1];
    if (name == "--domains") wanted.domains = static_cast<unsigned>(std::max(1, std::atoi(argv[i + 1])));
    if (name == "--cores") wanted.cores = static_cast<unsigned>(std::max(1, std::atoi(argv[i + 1])));
    if (name == "--wait") wanted.wait = static_cast<unsigned>(std::max(0, std::atoi(argv[i + 1])));
    if (name == "--directory") wanted.directory = argv[i + 1];
  }
  return ringpost::spool::run(wanted);
}
