#include "server_memory.hpp"

#include <charconv>
#include <cstddef>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "process.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kProcBytesMax = std::size_t{1} << 20;
constexpr std::size_t kProcessesMax = 100'000;

std::uint64_t number_at(std::string_view text) {
  const std::size_t first = text.find_first_of("0123456789");
  std::uint64_t number = 0;
  if (first != std::string_view::npos)
    std::from_chars(text.data() + first, text.data() + text.size(), number);
  return number;
}

// The sum of the lines that begin with `name`, in bytes.
std::uint64_t kilobytes_of(std::string_view rollup, std::string_view name) {
  const std::size_t at = rollup.find(name);
  return at == std::string_view::npos ? 0 : number_at(rollup.substr(at + name.size())) * 1024;
}

Result<std::uint64_t> private_of(std::uint64_t pid) {
  const std::string rollup = RP_TRY(read_file(fmt::format("/proc/{}/smaps_rollup", pid), kProcBytesMax));
  return kilobytes_of(rollup, "Private_Clean:") + kilobytes_of(rollup, "Private_Dirty:");
}

// "12 13 14 "
void add_children(std::uint64_t pid, std::vector<std::uint64_t>& pids) {
  const auto text = read_file(fmt::format("/proc/{0}/task/{0}/children", pid), kProcBytesMax);
  if (!text) return;
  std::string_view rest = *text;
  while (!rest.empty() && pids.size() < kProcessesMax) {
    const std::size_t space = rest.find(' ');
    if (const std::uint64_t child = number_at(rest.substr(0, space)); child != 0) pids.push_back(child);
    if (space == std::string_view::npos) return;
    rest.remove_prefix(space + 1);
  }
}

}  // namespace

Result<std::uint64_t> private_memory(std::uint64_t pid) {
  std::uint64_t sum = 0;
  std::vector<std::uint64_t> pids{pid};
  for (std::size_t i = 0; i < pids.size(); ++i) {
    const auto own = private_of(pids[i]);
    if (!own && i == 0) return own;
    sum += own.value_or(0);  // a child may have ended meanwhile
    add_children(pids[i], pids);
  }
  return sum;
}

}  // namespace ringpost::loadgen
