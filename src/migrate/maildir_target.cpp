#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>

#include "ringpost/migrate/dovecot_files.hpp"
#include "ringpost/migrate/limits.hpp"
#include "ringpost/migrate/maildir.hpp"

#include "file.hpp"
#include "words.hpp"

namespace ringpost::migrate {

namespace {

namespace fs = std::filesystem;

class MaildirTarget final : public Target {
 public:
  MaildirTarget(std::string root, Note note) : root_(std::move(root)), note_(std::move(note)) {}

  Result<void> begin(const MailboxFacts& mailbox) override {
    mailbox_ = mailbox;
    folder_ = mailbox.name == "INBOX" ? root_ : root_ + "/" + maildir_folder_of(mailbox.name);
    keywords_.clear();
    uids_ = dovecot_uidlist_head(mailbox.uid_validity, mailbox.uid_next);
    lost_ = 0;
    if (mailbox.subscribed) subscriptions_ += maildir_folder_of(mailbox.name).substr(1) + "\n";
    if (folder_ != root_) RP_CHECK(make(folder_));
    for (const char* part : {"/cur", "/new", "/tmp"}) RP_CHECK(make(folder_ + part));
    if (folder_ == root_) return {};
    return write_small(folder_ + "/maildirfolder", "");
  }

  Result<void> put(const MessageFacts& message, std::string_view bytes) override {
    const std::string text = with_lf(bytes);
    for (const std::string& keyword : message.flags.keywords) learn(keyword);
    const MaildirLetters letters = maildir_letters(message.flags, keywords_);
    lost_ += letters.keywords_lost;
    const std::string base = fmt::format("{}.M0P{}V{}.ringpost,S={},W={}", message.date, message.uid,
                                         mailbox_.uid_validity, text.size(), bytes.size());
    NewFile file = RP_TRY(NewFile::make(fmt::format("{}/cur/{}:2,{}", folder_, base, letters.letters)));
    RP_CHECK(file.write(text));
    RP_CHECK(file.close(message.date));
    uids_ += fmt::format("{} :{}\n", message.uid, base);
    return {};
  }

  Result<void> end() override {
    if (lost_ != 0)
      note_(fmt::format("{}: {} keywords of messages are left out: a Maildir has room for {} different ones",
                        mailbox_.name, lost_, kMaildirKeywordsMax));
    std::string keywords;
    for (std::size_t i = 0; i < keywords_.size(); ++i) keywords += fmt::format("{} {}\n", i, keywords_[i]);
    if (!keywords.empty()) RP_CHECK(write_small(folder_ + "/dovecot-keywords", keywords));
    RP_CHECK(write_small(folder_ + "/dovecot-uidlist", uids_));
    return sync_file_system(folder_);
  }

  Result<void> finish() override {
    if (!subscriptions_.empty()) RP_CHECK(write_small(root_ + "/subscriptions", subscriptions_));
    return sync_file_system(root_);
  }

 private:
  static Result<void> make(const std::string& path) {
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_system(errno, "make the folder " + path);
    return {};
  }
  static Result<void> write_small(const std::string& path, std::string_view text) {
    NewFile file = RP_TRY(NewFile::make(path));
    RP_CHECK(file.write(text));
    return file.close();
  }
  void learn(const std::string& keyword) {
    if (keywords_.size() == kMaildirKeywordsMax) return;
    if (std::ranges::none_of(keywords_, [&](const std::string& k) { return same_word(k, keyword); }))
      keywords_.push_back(keyword);
  }

  std::string root_;
  Note note_;
  MailboxFacts mailbox_;
  std::string folder_;
  std::vector<std::string> keywords_;
  std::string uids_, subscriptions_;
  std::size_t lost_ = 0;
};

}  // namespace

Result<std::unique_ptr<Target>> write_maildir(const std::string& path, const Note& note) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_empty(path, error))
    return fail(ErrorKind::permanent, path + " is not empty; name a folder that is not there yet");
  if (!error) fs::create_directories(path, error);
  if (error) return fail_system(error.value(), "make the folder " + path);
  if (chmod(path.c_str(), 0700) != 0) return fail_system(errno, "make the folder " + path);
  return std::make_unique<MaildirTarget>(path, note);
}

}  // namespace ringpost::migrate
