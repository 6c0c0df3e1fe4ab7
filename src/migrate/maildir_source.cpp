#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

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

class MaildirSource final : public Source {
 public:
  MaildirSource(std::string root, const MaildirWishes& wishes, Note note)
      : root_(std::move(root)), wishes_(wishes), note_(std::move(note)) {}

  Result<std::vector<MailboxFacts>> mailboxes() override {
    RP_CHECK(find_folders(root_, "", 0));
    std::vector<std::string> subscribed;
    if (auto text = read_file(root_ + "/subscriptions", kSmallFileMax))
      subscribed = parse_subscriptions(*text);
    std::vector<MailboxFacts> all;
    for (const auto& [name, path] : folders_) {
      MailboxFacts facts{.name = name};
      facts.subscribed = std::ranges::find(subscribed, name) != subscribed.end();
      all.push_back(std::move(facts));
    }
    return all;
  }

  Result<std::vector<MessageFacts>> open(MailboxFacts& mailbox, bool) override {
    folder_ = folders_.at(mailbox.name);
    const UidList list = RP_TRY(read_uidlist());
    const std::vector<std::string> keywords = RP_TRY(read_keywords());
    mailbox.uid_validity = list.uid_validity;
    mailbox.uid_next = list.uid_next;
    std::vector<MessageFacts> messages;
    for (const char* part : {"cur", "new"}) RP_CHECK(add_messages(part, list, keywords, messages));
    std::ranges::sort(messages, {}, [](const MessageFacts& message) {
      return std::pair(message.uid == 0 ? ~std::uint32_t{0} : message.uid,
                       std::string_view(message.reference));
    });
    return messages;
  }

  Result<void> read(std::span<const MessageFacts> messages, const Take& take, const Note& note) override {
    for (const MessageFacts& message : messages) {
      auto bytes = read_file(folder_ + "/" + message.reference, Bytes{kMessageBytesMax});
      if (!bytes && bytes.error().system == ENOENT) bytes = read_renamed(message.reference);
      if (bytes && bytes->empty()) bytes = fail(ErrorKind::permanent, message.reference + " is empty");
      if (!bytes)
        note(bytes.error().text);
      else
        RP_CHECK(take(message, with_crlf(std::move(*bytes))));
    }
    return {};
  }

 private:
  // A folder is a mailbox when it has cur and new. Other folders may hold some.
  Result<void> find_folders(const std::string& path, const std::string& name, std::size_t depth) {
    if (is_maildir(path)) folders_.emplace(name.empty() ? "INBOX" : name, path);
    if (depth == kFolderDepthMax) return {};
    std::error_code error;
    std::vector<std::string> below;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      const std::string file = at->path().filename().string();
      if (file != "cur" && file != "new" && file != "tmp" && at->is_directory(error)) below.push_back(file);
    }
    if (error) return fail_system(error.value(), "read " + path);
    std::ranges::sort(below);
    for (const std::string& file : below) {
      std::string next = file.starts_with('.') ? name_of_maildir_folder(file).value_or("") : file;
      if (next.empty()) continue;
      if (same_word(next, "INBOX") && name.empty() && !is_maildir(path)) next = "INBOX";
      RP_CHECK(find_folders(path + "/" + file, name.empty() ? next : name + "/" + next, depth + 1));
    }
    return {};
  }

  Result<UidList> read_uidlist() const {
    if (wishes_.new_uids) return UidList{};
    const auto text = read_file(folder_ + "/dovecot-uidlist", kUidListMax);
    if (!text && text.error().system == ENOENT) return UidList{};
    if (!text) return fail(text.error());
    auto list = parse_dovecot_uidlist(*text);
    if (list) return list;
    Error error = std::move(list.error());
    error.text = folder_ + "/" + error.text + "; mend it, or give new UIDs with --new-uids";
    return fail(std::move(error));
  }

  Result<std::vector<std::string>> read_keywords() const {
    const auto text = read_file(folder_ + "/dovecot-keywords", kSmallFileMax);
    if (!text && text.error().system == ENOENT) return std::vector<std::string>{};
    if (!text) return fail(text.error());
    auto keywords = parse_dovecot_keywords(*text);
    if (!keywords) return fail(std::move(keywords.error()).in(folder_));
    return keywords;
  }

  Result<void> add_messages(const std::string& part, const UidList& list,
                            std::span<const std::string> keywords, std::vector<MessageFacts>& messages) {
    std::error_code error;
    fs::directory_iterator at(folder_ + "/" + part, error);
    for (const fs::directory_iterator end; !error && at != end; at.increment(error)) {
      const std::string file = at->path().filename().string();
      struct stat status{};
      if (file.starts_with('.') || stat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode))
        continue;
      const MaildirName name = split_maildir_name(file);
      MessageFacts message{.flags = maildir_flags(name.letters, keywords), .date = status.st_mtim.tv_sec};
      if (const auto uid = list.uids.find(std::string(name.base)); uid != list.uids.end())
        message.uid = uid->second;
      message.reference = part + "/" + file;
      messages.push_back(std::move(message));
    }
    if (error) return fail_system(error.value(), "read " + folder_ + "/" + part);
    return {};
  }

  // Somebody has read or flagged it since we looked.
  Result<std::string> read_renamed(const std::string& reference) const {
    const std::string base(split_maildir_name(reference.substr(reference.find('/') + 1)).base);
    std::error_code error;
    for (const char* part : {"/cur", "/new"})
      for (fs::directory_iterator at(folder_ + part, error), end; !error && at != end; at.increment(error))
        if (split_maildir_name(at->path().filename().string()).base == base)
          return read_file(at->path().string(), Bytes{kMessageBytesMax});
    return fail(ErrorKind::permanent, folder_ + "/" + reference + " has gone");
  }

  std::string root_;
  MaildirWishes wishes_;
  Note note_;
  std::map<std::string, std::string> folders_;  // by name
  std::string folder_;                          // that is open
};

}  // namespace

bool is_maildir(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path + "/cur", ignored) && fs::is_directory(path + "/new", ignored);
}

Result<std::unique_ptr<Source>> read_maildir(const std::string& path, const MaildirWishes& wishes,
                                             const Note& note) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return fail(ErrorKind::permanent, path + (error ? ": " + error.message() : " is no folder"));
  return std::make_unique<MaildirSource>(path, wishes, note);
}

}  // namespace ringpost::migrate
