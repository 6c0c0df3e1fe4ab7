// Real mail from disk: a folder of files, a Maildir, an mbox, a tar archive of mails.
#include <algorithm>
#include <filesystem>

#include "limits.hpp"
#include "mail_archive.hpp"
#include "process.hpp"
#include "stock.hpp"

namespace ringpost::loadgen {

namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->is_regular_file(error)) paths.push_back(at->path().string());
  if (error) return fail_system(error.value(), "read folder " + folder);
  if (paths.size() > kCorpusFilesMax) return fail(ErrorKind::permanent, folder + " has too many files");
  std::ranges::sort(paths);
  return paths;
}

bool is_maildir(const std::string& folder) {
  std::error_code error;
  return fs::is_directory(folder + "/cur", error) && fs::is_directory(folder + "/new", error);
}

// What is taken of a corpus, within the bounds.
class Corpus {
 public:
  Corpus(std::string path, const StockOptions& options) : path_(std::move(path)), options_(options) {}

  Result<void> add(std::string_view mail) {
    if (mails_.size() >= kCorpusFilesMax) return fail(ErrorKind::permanent, path_ + " has too many mails");
    mails_.push_back(sample_of_mail(mail, options_));
    bytes_ += mails_.back().size();
    if (bytes_ > kCorpusBytesMax.count) return fail(ErrorKind::exhausted, path_ + " is too large for memory");
    return {};
  }
  Result<void> add_folder(const std::string& folder) {
    for (const std::string& path : RP_TRY(files_of(folder))) {
      const std::string mail = RP_TRY(read_file(path, static_cast<std::size_t>(kMessageSizeMax.count)));
      RP_CHECK(add(mail));
    }
    return {};
  }
  Result<void> add_archive() {
    const std::string whole = RP_TRY(read_file(path_, static_cast<std::size_t>(kCorpusBytesMax.count)));
    if (is_tar(whole)) return for_each_of_tar(whole, [this](std::string_view mail) { return add(mail); });
    if (whole.starts_with("From "))
      return for_each_of_mbox(whole, [this](std::string_view mail) { return add(mail); });
    return fail(ErrorKind::permanent, path_ + " is neither a folder nor an mbox nor a tar archive");
  }
  Result<Stock> stock() && {
    if (mails_.empty()) return fail(ErrorKind::permanent, path_ + " has no mails");
    Stock stock;
    stock.add(1, std::move(mails_));
    return stock;
  }

 private:
  std::string path_;
  const StockOptions& options_;
  std::vector<Sample> mails_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<Stock> read_corpus(const std::string& path, const StockOptions& options) {
  Corpus corpus(path, options);
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    RP_CHECK(corpus.add_archive());
  } else if (is_maildir(path)) {
    RP_CHECK(corpus.add_folder(path + "/new"));
    RP_CHECK(corpus.add_folder(path + "/cur"));
  } else {
    RP_CHECK(corpus.add_folder(path));
  }
  return std::move(corpus).stock();
}

}  // namespace ringpost::loadgen
