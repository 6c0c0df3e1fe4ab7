// APPEND: messages that a client stores. All of one command or none (RFC 3502).
#include "ringpost/store/limits.hpp"

#include "imap_conversation.hpp"

namespace ringpost::access {

namespace {

constexpr std::size_t kBlock = buffer::Pool::kClasses.back();

}  // namespace

Task<void> ImapConversation::begin_append() {
  const imap::AppendMessage& message = session_.append_message();
  if (message.index == 0) forget_append();
  const auto refuse = [&](std::string_view code, std::string_view text) {
    forget_append();
    session_.refuse_append({imap::Condition::no, code, text});
  };
  const store::Quota quota = mail_->quota();
  std::uint64_t coming = message.size;
  for (const Staged& staged : staged_) coming += staged.facts.size;
  if (mail_->find(message.mailbox) == nullptr)
    refuse(imap::codes::kTryCreate, "There is no such mailbox");
  else if (message.size > store::kMessageSizeMax.count)
    refuse(imap::codes::kTooBig, "The message is too large");
  else if (quota.bytes_max != 0 && mail_->bytes_used() + coming > quota.bytes_max)
    refuse(imap::codes::kOverQuota, "The quota is used up");
  else if (service_.core().buffers().tight())
    refuse(imap::codes::kLimit, "The server is short of memory, try again later");
  else {
    staged_.push_back({.facts = message, .blocks = {}, .reader = {}});
    session_.accept_append();
  }
  co_return;
}

// Dropped at the end when memory runs out: then none of them is stored.
void ImapConversation::stage(std::span<const std::byte> bytes) {
  if (short_of_memory_ || staged_.empty()) return;
  Staged& last = staged_.back();
  last.reader.write(text_of(bytes));
  while (!bytes.empty()) {
    if (last.blocks.empty() || last.blocks.back().room().empty()) {
      std::uint64_t left = last.facts.size;
      for (const buffer::Block& block : last.blocks) left -= block.size();
      last.blocks.push_back(service_.core().buffers().take(std::min<std::uint64_t>(left, kBlock)));
      if (!last.blocks.back()) {
        short_of_memory_ = true;
        return;
      }
    }
    bytes = bytes.subspan(last.blocks.back().append(bytes));
  }
}

void ImapConversation::forget_append() {
  staged_.clear();
  short_of_memory_ = false;
}

Task<void> ImapConversation::finish_append() {
  std::vector<Staged> staged = std::move(staged_);
  const bool short_of_memory = short_of_memory_;
  forget_append();
  const store::Mailbox* to = staged.empty() ? nullptr : mail_->find(staged.front().facts.mailbox);
  if (short_of_memory || to == nullptr) {
    finish(short_of_memory ? Answer::no(imap::codes::kLimit, "The server is short of memory, try again later")
                           : Answer::no(imap::codes::kTryCreate, "There is no such mailbox"));
    co_return;
  }
  std::vector<store::NewMessage> messages(staged.size());
  std::vector<std::vector<std::span<const std::byte>>> pieces(staged.size());
  std::vector<std::string> facts(staged.size());
  for (std::size_t i = 0; i < staged.size(); ++i) {
    for (const buffer::Block& block : staged[i].blocks) pieces[i].push_back(block.bytes());
    facts[i] = staged[i].reader.finish();
    if (facts[i].size() > store::kFactsSizeMax) facts[i].clear();
    messages[i].pieces = pieces[i];
    messages[i].facts = std::as_bytes(std::span(facts[i]));
    messages[i].flags = to_store(staged[i].facts.flags.system);
    messages[i].keywords = staged[i].facts.flags.keywords;
    if (const auto date = staged[i].facts.internal_date) {
      messages[i].internal_date = date->seconds();
      messages[i].zone_minutes = static_cast<std::int16_t>(staged[i].facts.zone_minutes);
    }
  }
  auto appended = co_await mail_->append(to->id(), messages);
  if (!appended) {
    finish(Answer::refused(appended.error(), imap::codes::kTryCreate));
    co_return;
  }
  imap::NumberSet uids;
  for (const store::Uid uid : appended->uids) uids.add(uid.value);
  tell_news(true);
  finish(Answer::ok("Stored", imap::codes::append_uid(appended->uid_validity, uids)));
}

}  // namespace ringpost::access
