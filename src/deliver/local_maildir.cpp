// Delivery into a Maildir: written under tmp/, made durable, then renamed into new/, where readers look.
//
// Name: SECONDS.M<microseconds>P<process>R<random>.HOST,S=<size>, as the format's author proposes; the size lets readers
// count quotas without opening the file.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "local_file.hpp"

namespace ringpost::deliver {

namespace {

// '/' and ':' have a meaning in file names; the format gives these in octal.
std::string host_in_name(const std::string& hostname) {
  std::string out;
  for (const char c : hostname) {
    if (c == '/')
      out += "\\057";
    else if (c == ':')
      out += "\\072";
    else
      out += c;
  }
  return out.empty() ? "localhost" : out;
}

std::string unique_name(const DeliveryOrder& order) {
  return fmt::format("{}.M{}P{}R{:016x}.{}", order.arrival.seconds(),
                     order.arrival.nanoseconds % 1'000'000'000 / 1000, ::getpid(), order.random,
                     host_in_name(order.hostname));
}

// A folder of a Maildir++ says that it is one.
int mark_folder(const std::string& path) {
  const Descriptor file(
      ::open((path + "/maildirfolder").c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  return file ? 0 : errno;
}

int make_maildir(const std::string& path) {
  struct stat found{};
  if (::stat((path + "/new").c_str(), &found) == 0 && ::stat((path + "/tmp").c_str(), &found) == 0) return 0;
  for (const char* part : {"/tmp", "/cur", "/new"})
    if (const int error = make_directories(path + part); error != 0) return error;
  return path.ends_with(kJunkFolder) ? mark_folder(path) : 0;
}

// In one step, and never over another message.
int move_into_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // The file system knows no such rename.
  if (::link(from.c_str(), to.c_str()) != 0) return errno;
  ::unlink(from.c_str());
  return 0;
}

struct Written {
  int error = 0;
  std::uint64_t size = 0;
};
Written write_file(const std::string& path, const DeliveryOrder& order, Pieces body) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return {errno, 0};
  Written written;
  written.error = write_message(order, body, [&](std::string_view chunk) {
    written.size += chunk.size();
    return write_all(file.get(), chunk);
  });
  if (written.error == 0 && ::fsync(file.get()) != 0) written.error = errno;
  return written;
}

}  // namespace

DeliveryOutcome deliver_maildir(const DeliveryOrder& order, Pieces body) {
  const std::string& path = order.target;
  if (const int error = make_maildir(path); error != 0) return defer_system(error, "make " + path);
  const std::string name = unique_name(order);
  const std::string temporary = path + "/tmp/" + name;
  const Written written = write_file(temporary, order, body);
  if (written.error != 0) {
    ::unlink(temporary.c_str());
    return defer_system(written.error, "write into " + path);
  }
  const std::string final_name = path + "/new/" + name + ",S=" + std::to_string(written.size);
  if (const int error = move_into_new(temporary, final_name); error != 0) {
    ::unlink(temporary.c_str());
    return defer_system(error, "deliver into " + path);
  }
  if (const int error = sync_directory(path + "/new"); error != 0) {
    // It will be delivered again: better no copy now than two later.
    ::unlink(final_name.c_str());
    return defer_system(error, "deliver into " + path);
  }
  return DeliveryOutcome::done();
}

}  // namespace ringpost::deliver
