#include "ringpost/access/mail_check.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "ringpost/access/limits.hpp"
#include "ringpost/mail/mime.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/store/limits.hpp"

#include "message_parts.hpp"

namespace ringpost::access {

namespace {

// One page while it is made.
class Checking {
 public:
  Checking(shard::Core& core, std::shared_ptr<store::UserMail> mail, bool mend)
      : core_(core), mail_(std::move(mail)), mend_(mend) {}
  friend FramePool& frame_pool(Checking& checking) { return checking.core_.frames(); }

  Task<CheckPage> run(CheckPosition from) {
    for (const store::MailboxId id : ids_from(from.mailbox)) {
      const store::Uid first = id == from.mailbox ? from.uid : store::Uid{1};
      if (first <= store::Uid{1}) check_counts(id);
      if (!co_await check_messages(id, first)) co_return std::move(page_);
    }
    page_.next = {};
    co_return std::move(page_);
  }

 private:
  std::vector<store::MailboxId> ids_from(store::MailboxId first) const {
    std::vector<store::MailboxId> ids;
    for (const store::Mailbox* box : mail_->mailboxes())
      if (box->id() >= first) ids.push_back(box->id());
    return ids;
  }

  void find(const store::Mailbox& box, store::Uid uid, std::string text, bool mended = false) {
    page_.findings.push_back({box.name(), uid, std::move(text), mended});
  }

  void check_counts(store::MailboxId id) {
    const store::Mailbox* const box = mail_->find(id);
    if (box == nullptr) return;
    std::uint64_t size = 0;
    std::size_t unseen = 0;
    store::Uid last;
    bool rising = true;
    for (const store::Message& message : box->messages()) {
      size += message.size;
      unseen += has(message.flags, store::Flags::seen) ? 0 : 1;
      rising = rising && last < message.uid;
      last = message.uid;
    }
    if (!rising || box->uid_next() <= last) find(*box, {}, "UIDs do not rise");
    if (size != box->size() || unseen != box->unseen()) find(*box, {}, "its counts do not fit its messages");
  }

  // The mailbox may change meanwhile: each message is looked up anew. False: the page is full.
  Task<bool> check_messages(store::MailboxId id, store::Uid first) {
    for (store::Uid at = first;;) {
      const store::Mailbox* const box = mail_->find(id);
      if (box == nullptr) co_return true;
      const std::size_t index = box->lower_bound(at);
      if (index == box->count()) co_return true;
      const store::Message message = box->messages()[index];
      if (page_.messages >= kCheckedMessages || page_.bytes >= kCheckedBytes ||
          page_.findings.size() >= kCheckFindings) {
        page_.next = {id, message.uid};
        co_return false;
      }
      co_await check_message(id, message);
      at = {message.uid.value + 1};
      co_await shard::Yield{core_};
    }
  }

  Task<void> check_message(store::MailboxId id, store::Message message) {
    ++page_.messages;
    page_.bytes += message.size;
    mail::MimeReader reader;
    const auto read = co_await read_all(message, reader);
    const auto facts = co_await mail_->facts(message.blob);
    // Who expunged it meanwhile takes the finding along.
    const auto still = [&]() -> const store::Mailbox* {
      const store::Mailbox* const box = mail_->find(id);
      return box != nullptr && box->find(message.uid) != nullptr ? box : nullptr;
    };
    if (const store::Mailbox* box = still(); box != nullptr && !read)
      co_return find(*box, message.uid, read.error().text);
    std::string prepared = reader.finish();
    if (prepared.size() > store::kFactsSizeMax) prepared.clear();
    if (facts && text_of(*facts) == prepared) co_return;
    const bool absent =
        facts && facts->empty();  // it could not be kept, or an older server had it delivered: no fault
    if (absent) ++page_.unprepared;
    const Result<void> mended = co_await mend(message, prepared);
    if (absent && mended) co_return;
    if (const store::Mailbox* box = still())
      find(*box, message.uid,
           "its prepared structure is not that of its bytes" + (mended ? "" : ": " + mended.error().text),
           mend_ && mended.has_value());
  }

  Task<Result<void>> mend(store::Message message, const std::string& prepared) {
    if (!mend_ || prepared.empty()) co_return Result<void>{};
    co_return co_await mail_->prepare(message.blob, std::as_bytes(std::span(prepared)));
  }

  Task<Result<void>> read_all(store::Message message, mail::MimeReader& reader) {
    std::uint64_t at = 0;
    while (at < message.size) {
      const store::Content part = RP_CO_TRY(co_await mail_->read(message.blob, at, kReadPiece));
      if (part.size() == 0) break;
      for (const auto piece : part.pieces()) reader.write(text_of(piece));
      at += part.size();
    }
    if (at == message.size) co_return Result<void>{};
    co_return fail(ErrorKind::permanent,
                   fmt::format("it has {} bytes, and the index says {}", at, message.size));
  }

  shard::Core& core_;
  std::shared_ptr<store::UserMail> mail_;
  bool mend_;
  CheckPage page_;
};

}  // namespace

Task<Result<CheckPage>> check_mail(shard::Core& core, store::Store& store, std::string user,
                                   CheckPosition from, bool mend) {
  Checking checking(core, RP_CO_TRY(co_await store.open(user)), mend);
  co_return co_await checking.run(from);
}

}  // namespace ringpost::access
