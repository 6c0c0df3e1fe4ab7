#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "ringpost/mail/header.hpp"
#include "ringpost/mail/mbox.hpp"
#include "ringpost/migrate/mbox.hpp"

#include "file.hpp"
#include "mbox_form.hpp"

namespace ringpost::migrate {

namespace {

namespace fs = std::filesystem;

class MboxTarget final : public Target {
 public:
  MboxTarget(std::string root, bool uids) : root_(std::move(root)), uids_(uids) {}

  Result<void> begin(const MailboxFacts& mailbox) override {
    mailbox_ = mailbox;
    first_ = true;
    // The ending lets a mailbox have others below it: those are in the folder of its name.
    const fs::path path = fs::path(root_) / (file_name_of(mailbox.name) + std::string(kMboxEnding));
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return fail_system(error.value(), "make the folder " + path.parent_path().string());
    file_.reset();
    file_.emplace(RP_TRY(NewFile::make(path.string())));
    return {};
  }

  Result<void> put(const MessageFacts& message, std::string_view bytes) override {
    std::string out;
    mail::MboxWriter writer;
    writer.begin(sender_of(bytes), WallTime{message.date * 1'000'000'000}, out);
    mail::HeaderReader header(bytes);
    while (header.next()) {
    }
    const std::size_t end = header.end_offset();
    writer.write(bytes.substr(0, end), out);
    writer.write(mbox_marks(mailbox_, message, {.uids = uids_, .first = std::exchange(first_, false)}), out);
    writer.write(bytes.substr(end), out);
    writer.finish(out);
    return file_->write(out);
  }

  Result<void> end() override {
    RP_CHECK(file_->close());
    return sync_file_system(root_);
  }

 private:
  // No level is hidden, and none leads out of the folder.
  static std::string file_name_of(const std::string& name) {
    std::string path;
    for (const char c : name) {
      if (c == '.' && (path.empty() || path.back() == '/')) path += '_';
      path += c;
    }
    return path;
  }
  static std::string sender_of(std::string_view bytes) {
    const auto field = mail::find_field(bytes, "Return-Path");
    if (!field) return {};
    std::string path(mail::trim(field->value));
    if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
    return path;
  }

  std::string root_;
  bool uids_;
  MailboxFacts mailbox_;
  bool first_ = true;
  std::optional<NewFile> file_;
};

}  // namespace

Result<std::unique_ptr<Target>> write_mbox(const std::string& path, bool uids, const Note&) {
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_empty(path, error))
    return fail(ErrorKind::permanent, path + " is not empty; name a folder that is not there yet");
  if (!error) fs::create_directories(path, error);
  if (error) return fail_system(error.value(), "make the folder " + path);
  return std::make_unique<MboxTarget>(path, uids);
}

}  // namespace ringpost::migrate
