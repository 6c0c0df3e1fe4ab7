#include "mail_files.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

namespace ringpost::command {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceSize = 64 * 1024;

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

Result<void> add_folder(const fs::path& folder, std::vector<MailFile>& files) {
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error), end;
  for (; !error && at != end; at.increment(error)) {
    if (is_hidden(at->path())) {
      at.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;  // it may be gone by now
    if (!at->is_regular_file(ignored)) continue;
    const std::uintmax_t size = at->file_size(ignored);
    if (!ignored) files.push_back({at->path().string(), size});
  }
  if (error) return fail_system(error.value(), "read " + folder.string());
  return {};
}

// "From joe@example.com Sat Jan  3 01:05:34 2026": it ends in a year, or in a zone behind it.
bool is_separator(std::string_view line) {
  if (!line.starts_with("From ")) return false;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' '))
    line.remove_suffix(1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t at = line.find(':'); at != std::string_view::npos; at = line.find(':', at + 1)) {
    if (at == 0 || at + 2 >= line.size() || !is_digit(line[at - 1]) || !is_digit(line[at + 1])) continue;
    const std::string_view rest = line.substr(at);
    for (std::size_t n = 0; n + 4 <= rest.size(); ++n)
      if (std::ranges::all_of(rest.substr(n, 4), is_digit)) return true;
  }
  return false;
}

// ">From ", ">>From "
bool is_quoted(std::string_view line) {
  const std::size_t start = line.find_first_not_of('>');
  return start != 0 && start != std::string_view::npos && line.substr(start).starts_with("From ");
}

// The next line with its end, or of a longer one the next piece. False at the end of the file.
bool next_piece(std::istream& in, std::string& piece) {
  piece.resize(kPieceSize);
  in.getline(piece.data(), static_cast<std::streamsize>(piece.size()));
  const bool whole_line = in.good();
  piece.resize(static_cast<std::size_t>(in.gcount()));
  if (piece.empty()) return false;
  if (whole_line) piece.back() = '\n';  // getline() counts it and leaves it out
  if (in.fail() && !in.bad()) in.clear(in.rdstate() & ~std::ios::failbit);  // the line goes on
  return true;
}

}  // namespace

Result<std::vector<MailFile>> mail_files(const std::string& path) {
  std::vector<MailFile> files;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return fail_system(error.value(), path);
  if (!fs::is_directory(status)) {
    const std::uintmax_t size = fs::is_regular_file(status) ? fs::file_size(path, error) : 0;
    files.push_back({path, error ? 0 : size});
    return files;
  }
  const fs::path folder(path);
  if (fs::is_directory(folder / "cur", error) && fs::is_directory(folder / "new", error)) {
    for (const char* part : {"cur", "new"}) RP_CHECK(add_folder(folder / part, files));
  } else {
    RP_CHECK(add_folder(folder, files));
  }
  std::ranges::sort(files, {}, &MailFile::path);
  return files;
}

Result<void> regular_file(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return fail_system(error.value(), path);
  if (fs::is_regular_file(status)) return {};
  return fail(ErrorKind::permanent, path + " is no regular file; write the mail into one first");
}

Result<void> for_each_mail(const MailFile& file, std::size_t size_max,
                           const std::function<bool(const MailInFile&)>& take) {
  RP_CHECK(regular_file(file.path));
  std::ifstream in(file.path, std::ios::binary);
  if (!in) return fail_system(errno, "open " + file.path);
  std::string mail, line;
  std::uint64_t read = 0;
  bool mbox = false, blank_before = true, any = false, line_begins = true;
  const auto hand_over = [&] {
    const bool go_on = !any || take({mail, read});
    mail.clear();
    return go_on;
  };
  while (next_piece(in, line)) {
    const bool begins = std::exchange(line_begins, line.ends_with('\n'));
    if (read == 0) mbox = line.starts_with("From ");
    const bool separator = begins && mbox && blank_before && (read == 0 || is_separator(line));
    read += line.size();
    blank_before = begins && (line == "\n" || line == "\r\n");
    if (separator) {
      if (!hand_over()) return {};
      any = true;
      continue;
    }
    any = true;
    if (begins && mbox && is_quoted(line)) line.erase(0, 1);
    if (mail.size() < size_max) mail.append(line, 0, size_max - mail.size());
  }
  if (in.bad()) return fail_system(EIO, "read " + file.path);
  (void)hand_over();
  return {};
}

}  // namespace ringpost::command
