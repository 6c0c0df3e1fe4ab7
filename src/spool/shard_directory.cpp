#include "shard_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace ringpost::spool {

namespace {

constexpr std::string_view kPrefix = "shard-";
constexpr std::string_view kNameIt = "name the directory of the spool: spool.directory, or --directory";

std::optional<unsigned> shard_of(std::string_view name) {
  name.remove_prefix(kPrefix.size());
  unsigned shard = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), shard);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  if (fmt::to_string(shard) != name) return std::nullopt;  // no second way to write it
  return shard;
}

bool is_no_directory(const Error& error) {
  return error.system == ENOTDIR || error.system == ENOENT || error.system == ELOOP;
}

Error with_mend(Error error) {
  if (error.system == ENOENT || error.system == ENOTDIR || error.system == ELOOP)
    error.text += fmt::format("; {}", kNameIt);
  if (error.system == EACCES || error.system == EPERM) error.text += "; be root, or the user of the server";
  return error;
}

Result<std::optional<Identity>> identity_in(io::Files& files, const std::string& directory) {
  const std::string path = spool_file(directory);
  auto file = files.open(path, {});
  if (!file && (file.error().system == EACCES || file.error().system == EPERM))
    return fail(with_mend(std::move(file).error()));
  if (!file) return std::optional<Identity>{};
  auto identity = read_identity(files, file->handle, path);
  files.close(file->handle);
  return identity;
}

}  // namespace

Result<std::vector<unsigned>> shards_in(io::Files& files, const std::string& directory,
                                        std::vector<std::string>& left_alone) {
  std::vector<unsigned> shards;
  auto names = files.list(directory);
  if (!names) return fail(with_mend(std::move(names).error()));
  for (const std::string& name : *names) {
    if (!name.starts_with(kPrefix)) continue;
    const auto shard = shard_of(name);
    const auto inside = shard ? files.list(shard_directory(directory, *shard)) : std::vector<std::string>{};
    if (!shard)
      left_alone.push_back(fmt::format("{}/{} is no name of a shard; left alone", directory, name));
    else if (!inside && is_no_directory(inside.error()))
      left_alone.push_back(fmt::format("{}/{} is no directory; left alone", directory, name));
    else
      shards.push_back(*shard);
  }
  std::ranges::sort(shards);
  return shards;
}

Result<void> note_unread(const Result<void>& done, InspectedShard& seen) {
  if (done) return {};
  if (done.error().system == 0) return fail(done.error());
  seen.report.add({0, 0, 0, false, with_mend(done.error()).text, {}});
  return {};
}

Result<SpoolDirectory> read_directory(io::Files& files, const std::string& directory) {
  SpoolDirectory found;
  found.shards = RP_TRY(shards_in(files, directory, found.left_alone));
  found.identity = RP_TRY(identity_in(files, directory));
  if (!found.identity && found.shards.empty())
    return fail(
        ErrorKind::permanent,
        fmt::format("{} is no spool: neither a whole SPOOL nor a shard is in it; {}", directory, kNameIt));
  return found;
}

}  // namespace ringpost::spool
