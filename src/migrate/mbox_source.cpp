#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

#include <fmt/format.h>
#include <unistd.h>

#include "ringpost/mail/header.hpp"
#include "ringpost/migrate/limits.hpp"
#include "ringpost/migrate/mbox.hpp"

#include "file.hpp"
#include "mbox_form.hpp"
#include "words.hpp"

namespace ringpost::migrate {

namespace {

namespace fs = std::filesystem;

// Where a message is in its file, and when it came.
struct Place {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::int64_t date = 0;
};

// From_ lines count at the start and behind an empty line, which then belongs to them.
class Finder {
 public:
  void line(std::string_view line, std::uint64_t offset) {
    if ((offset == 0 || blank_) && line.starts_with("From ")) {
      const auto date = from_line_date(line);
      if (date || offset == 0) {
        end(offset);
        places_.push_back({offset + line.size(), 0, date.value_or(0)});
      }
    }
    blank_size_ = line == "\n" || line == "\r\n" ? line.size() : 0;
    blank_ = blank_size_ != 0;
  }
  std::vector<Place> finish(std::uint64_t size) {
    end(size);
    return std::move(places_);
  }

 private:
  void end(std::uint64_t offset) {
    if (places_.empty()) return;
    Place& last = places_.back();
    last.size = offset - last.offset;
    if (blank_ && last.size >= blank_size_) last.size -= blank_size_;
  }
  std::vector<Place> places_;
  std::size_t blank_size_ = 0;
  bool blank_ = false;
};

class MboxSource final : public Source {
 public:
  MboxSource(Folder folder, std::map<std::string, std::string> files, MboxWishes wishes, Note note)
      : folder_(std::move(folder)), files_(std::move(files)), wishes_(wishes), note_(std::move(note)) {}

  Result<std::vector<MailboxFacts>> mailboxes() override {
    std::vector<MailboxFacts> all;
    for (const auto& [name, path] : files_) all.push_back({.name = name});
    return all;
  }

  Result<std::vector<MessageFacts>> open(MailboxFacts& mailbox, bool) override {
    path_ = files_.at(mailbox.name);
    const int descriptor = RP_TRY(folder_.open_file(path_));
    in_ = std::ifstream("/proc/self/fd/" + std::to_string(descriptor), std::ios::binary);
    const int error = errno;
    ::close(descriptor);
    if (!in_) return fail_system(error, "read " + path_);
    const std::vector<Place> places = RP_TRY(find_messages());
    std::vector<MessageFacts> messages;
    std::uint32_t last = 0;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Place& place = places[i];
      if (place.size == 0 || place.size > kMessageBytesMax) {
        note_(fmt::format("{} at byte {}: {}", path_, place.offset,
                          place.size == 0 ? "a message without a byte" : "a message that is too large"));
        continue;
      }
      MboxMail mail = read_mbox_mail(RP_TRY(read_place(place)));
      if (messages.empty() && !wishes_.new_uids) {
        mailbox.uid_validity = mail.uid_validity;
        mailbox.uid_next = mail.uid_next;
      }
      MessageFacts message{.flags = std::move(mail.flags),
                           .date = date_of(std::span(places).subspan(i), mail.bytes)};
      // What does not rise has been put there by somebody else.
      if (mailbox.uid_validity != 0 && mail.uid > last && mail.uid != ~std::uint32_t{0})
        message.uid = last = mail.uid;
      message.key = key_of(mail.bytes, message.date);
      message.reference = fmt::format("{} {}", place.offset, place.size);
      messages.push_back(std::move(message));
    }
    if (last != 0) mailbox.uid_next = std::max(mailbox.uid_next, last + 1);
    std::vector<MessageFacts> sorted;
    std::ranges::copy_if(messages, std::back_inserter(sorted),
                         [](const MessageFacts& m) { return m.uid != 0; });
    std::ranges::copy_if(messages, std::back_inserter(sorted),
                         [](const MessageFacts& m) { return m.uid == 0; });
    return sorted;
  }

  Result<void> read(std::span<const MessageFacts> messages, const Take& take, const Note&) override {
    for (const MessageFacts& message : messages) {
      const std::size_t blank = message.reference.find(' ');
      const Place place{std::stoull(message.reference.substr(0, blank)),
                        std::stoull(message.reference.substr(blank + 1)), message.date};
      const std::string text = RP_TRY(read_place(place));
      RP_CHECK(take(message, read_mbox_mail(text).bytes));
    }
    return {};
  }

 private:
  // Of a first From_ line that says none, that of the header, or of the message behind it.
  static std::int64_t date_of(std::span<const Place> from, std::string_view bytes) {
    if (from.front().date != 0) return from.front().date;
    const std::int64_t own = date_in(bytes);
    return own == kNoDate && from.size() > 1 ? from[1].date : own;
  }

  Result<std::vector<Place>> find_messages() {
    Finder finder;
    std::string line;
    std::uint64_t offset = 0;
    bool whole = true;
    while (std::getline(in_, line)) {
      whole = !in_.eof();
      if (whole) line += '\n';
      if (offset == 0 && !line.starts_with("From "))
        return fail(ErrorKind::permanent, path_ + " is no mbox: it does not begin with \"From \"");
      finder.line(line, offset);
      offset += line.size();
    }
    if (in_.bad()) return fail_system(EIO, "read " + path_);
    if (!whole) note_(path_ + " ends in the middle of a line: its last message may be cut off");
    in_.clear();
    return finder.finish(offset);
  }

  Result<std::string> read_place(const Place& place) {
    std::string text(place.size, '\0');
    in_.seekg(static_cast<std::streamoff>(place.offset));
    in_.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in_) return fail(ErrorKind::permanent, path_ + " has changed while it was read; try again");
    return text;
  }

  Folder folder_;
  std::map<std::string, std::string> files_;  // by mailbox: in the folder
  MboxWishes wishes_;
  Note note_;
  std::string path_;  // of the open one
  std::ifstream in_;
};

}  // namespace

Result<std::unique_ptr<Source>> read_mbox(const std::string& path, const MboxWishes& wishes,
                                          const Note& note) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (error) return fail_system(error.value(), path);
  if (!fs::is_directory(status)) {
    const fs::path file = fs::canonical(path, error);
    if (error) return fail_system(error.value(), path);
    return std::make_unique<MboxSource>(
        RP_TRY(Folder::open(file.parent_path().string())),
        std::map<std::string, std::string>{{"INBOX", file.filename().string()}}, wishes, note);
  }
  std::map<std::string, std::string> files;
  fs::recursive_directory_iterator at(path, error), end;
  for (; !error && at != end; at.increment(error)) {
    const std::string file = at->path().lexically_relative(path).string();
    if (at->path().filename().string().starts_with('.')) {
      at.disable_recursion_pending();
    } else if (at->is_symlink(error)) {
      note(at->path().string() + " is left out: a symbolic link");
    } else if (at->is_regular_file(error)) {
      std::string name = file;
      if (name.ends_with(kMboxEnding)) name.resize(name.size() - kMboxEnding.size());
      if (same_word(name, "INBOX")) name = "INBOX";
      if (!files.emplace(name, file).second)
        note(at->path().string() + " is left out: another file has the same name here");
    }
  }
  if (error) return fail_system(error.value(), "read " + path);
  if (files.empty()) return fail(ErrorKind::permanent, path + " holds neither a Maildir nor an mbox");
  return std::make_unique<MboxSource>(RP_TRY(Folder::open(path)), std::move(files), wishes, note);
}

}  // namespace ringpost::migrate
