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

bool has_mail(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path + "/cur", ignored) || fs::is_directory(path + "/new", ignored);
}

class MaildirSource final : public Source {
 public:
  MaildirSource(std::string root, Folder files, const MaildirWishes& wishes, Note note)
      : root_(std::move(root)), files_(std::move(files)), wishes_(wishes), note_(std::move(note)) {}

  Result<std::vector<MailboxFacts>> mailboxes() override {
    folders_.clear();
    RP_CHECK(find_folders("", "", 0));
    std::vector<std::string> subscribed;
    if (auto text = files_.read("subscriptions", kSmallFileMax)) subscribed = parse_subscriptions(*text);
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
      auto bytes = files_.read(folder_ + message.reference, Bytes{kMessageBytesMax});
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
  // A folder is a mailbox when it has cur or new (copies without empty folders lack one). Other folders may hold some. `path` is
  // relative, and ends with "/" unless it is empty.
  Result<void> find_folders(const std::string& path, const std::string& name, std::size_t depth) {
    if (has_mail(root_ + "/" + path) && !folders_.emplace(name.empty() ? "INBOX" : name, path).second)
      leave_out(path, "another folder has the same name here");
    std::vector<std::string> below;
    for (const auto& [file, type] : RP_TRY(entries(path))) {
      if (file == "cur" || file == "new" || file == "tmp") continue;
      if (type == fs::file_type::symlink && leads_to_folder(path + file))
        leave_out(path + file, "a symbolic link");
      if (type == fs::file_type::directory) below.push_back(file);
    }
    std::ranges::sort(below);
    for (const std::string& file : below) {
      if (depth == kFolderDepthMax) {
        leave_out(path + file, "it lies too deep");
        continue;
      }
      std::string next = file.starts_with('.') ? name_of_maildir_folder(file).value_or("") : file;
      if (next.empty()) {
        if (has_mail(root_ + "/" + path + file)) leave_out(path + file, "its name is no name of a mailbox");
        continue;
      }
      if (same_word(next, "INBOX") && name.empty() && !has_mail(root_ + "/" + path)) next = "INBOX";
      RP_CHECK(find_folders(path + file + "/", name.empty() ? next : name + "/" + next, depth + 1));
    }
    return {};
  }

  using Entry = std::pair<std::string, fs::file_type>;  // of itself, where it is a symbolic link
  Result<std::vector<Entry>> entries(const std::string& path) const {
    std::error_code error;
    std::vector<Entry> all;
    for (fs::directory_iterator at(root_ + "/" + path, error), end; !error && at != end; at.increment(error))
      all.emplace_back(at->path().filename().string(), at->symlink_status(error).type());
    if (error) return fail_system(error.value(), "read " + root_ + "/" + path);
    return all;
  }
  bool leads_to_folder(const std::string& path) const {
    std::error_code ignored;
    return fs::is_directory(root_ + "/" + path, ignored);
  }
  void leave_out(const std::string& path, std::string_view why) const {
    note_(fmt::format("{}/{} is left out: {}", root_, path, why));
  }

  Result<UidList> read_uidlist() const {
    if (wishes_.new_uids) return UidList{};
    const auto text = files_.read(folder_ + "dovecot-uidlist", kUidListMax);
    if (!text && text.error().system == ENOENT) return UidList{};
    if (!text) return fail(text.error());
    auto list = parse_dovecot_uidlist(*text);
    if (list) return list;
    Error error = std::move(list.error());
    error.text = root_ + "/" + folder_ + error.text + "; mend it, or give new UIDs with --new-uids";
    return fail(std::move(error));
  }

  Result<std::vector<std::string>> read_keywords() const {
    const auto text = files_.read(folder_ + "dovecot-keywords", kSmallFileMax);
    if (!text && text.error().system == ENOENT) return std::vector<std::string>{};
    if (!text) return fail(text.error());
    auto keywords = parse_dovecot_keywords(*text);
    if (!keywords) return fail(std::move(keywords.error()).in(root_ + "/" + folder_));
    return keywords;
  }

  Result<void> add_messages(const std::string& part, const UidList& list,
                            std::span<const std::string> keywords, std::vector<MessageFacts>& messages) {
    if (!leads_to_folder(folder_ + part)) return {};
    std::error_code error;
    if (fs::is_symlink(root_ + "/" + folder_ + part, error)) {
      leave_out(folder_ + part, "a symbolic link");
      return {};
    }
    for (const auto& [file, type] : RP_TRY(entries(folder_ + part))) {
      if (file.starts_with('.')) continue;
      if (type != fs::file_type::regular) {
        leave_out(folder_ + part + "/" + file,
                  type == fs::file_type::symlink ? "a symbolic link" : "no file");
        continue;
      }
      struct stat status{};
      if (lstat((root_ + "/" + folder_ + part + "/" + file).c_str(), &status) != 0)
        continue;  // it has just gone
      const MaildirName name = split_maildir_name(file);
      MessageFacts message{.flags = maildir_flags(name.letters, keywords), .date = status.st_mtim.tv_sec};
      if (const auto uid = list.uids.find(std::string(name.base)); uid != list.uids.end())
        message.uid = uid->second;
      message.reference = part + "/" + file;
      messages.push_back(std::move(message));
    }
    return {};
  }

  // Somebody has read or flagged it since we looked.
  Result<std::string> read_renamed(const std::string& reference) const {
    const std::string base(split_maildir_name(reference.substr(reference.find('/') + 1)).base);
    for (const std::string part : {"cur", "new"}) {
      if (!leads_to_folder(folder_ + part)) continue;
      for (const auto& [file, type] : RP_TRY(entries(folder_ + part)))
        if (split_maildir_name(file).base == base)
          return files_.read(folder_ + part + "/" + file, Bytes{kMessageBytesMax});
    }
    return fail(ErrorKind::permanent, root_ + "/" + folder_ + reference + " has gone");
  }

  std::string root_;
  Folder files_;  // of it
  MaildirWishes wishes_;
  Note note_;
  std::map<std::string, std::string> folders_;  // by name: below the root
  std::string folder_;                          // that is open
};

}  // namespace

bool is_maildir(const std::string& path) {
  return has_mail(path);
}

Result<std::unique_ptr<Source>> read_maildir(const std::string& path, const MaildirWishes& wishes,
                                             const Note& note) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return fail(ErrorKind::permanent, path + (error ? ": " + error.message() : " is no folder"));
  return std::make_unique<MaildirSource>(path, RP_TRY(Folder::open(path)), wishes, note);
}

}  // namespace ringpost::migrate
