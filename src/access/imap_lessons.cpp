// What a move into or out of Junk says of a mail.
#include "imap_steps.hpp"

namespace ringpost::access {

namespace {

bool is(const store::Mailbox& mailbox, store::SpecialUse use, std::string_view name) {
  return mailbox.special_use() == use ||
         (mailbox.special_use() == store::SpecialUse::none && mailbox.name() == name);
}
bool is_junk(const store::Mailbox& mailbox) {
  return is(mailbox, store::SpecialUse::junk, "Junk");
}

std::string text_of(const store::Content& content) {
  std::string text;
  text.reserve(content.size());
  for (const std::span<const std::byte> piece : content.pieces())
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  return text;
}

}  // namespace

// Into Junk: spam. Out of it: ham, but not when it goes to the trash.
std::optional<SpamTeacher::Lesson> ImapConversation::lesson_of(store::MailboxId from,
                                                               store::MailboxId to) const {
  const SpamTeacher* teacher = service_.parts().teacher;
  if (teacher == nullptr || !teacher->learns()) return std::nullopt;
  const store::Mailbox* source = mail_->find(from);
  const store::Mailbox* target = mail_->find(to);
  if (source == nullptr || target == nullptr || is_junk(*source) == is_junk(*target)) return std::nullopt;
  if (is_junk(*target)) return SpamTeacher::Lesson::spam;
  if (is(*target, store::SpecialUse::trash, "Trash")) return std::nullopt;
  return SpamTeacher::Lesson::ham;
}

// A message that goes meanwhile, or cannot be read, teaches nothing.
Task<void> ImapConversation::teach(SpamTeacher::Lesson lesson, store::MailboxId in, store::UidSet which) {
  std::vector<store::Message> messages;
  if (const store::Mailbox* mailbox = mail_->find(in))
    for (const store::Message& message : mailbox->messages())
      if (which.contains(message.uid)) messages.push_back(message);
  const std::size_t first = messages.size() - std::min(messages.size(), kLessonsPerMove);
  ToldSteps steps(*this, {.messages = messages.size() - first});
  for (std::size_t at = first; at < messages.size(); ++at) {
    const std::uint64_t size = std::min<std::uint64_t>(messages[at].size, kLessonSizeMax);
    std::string text;
    if (const auto content = co_await mail_->read(messages[at].blob, 0, size)) text = text_of(*content);
    if (!text.empty()) co_await service_.parts().teacher->teach(mail_->name(), lesson, std::move(text));
    if (steps.step() && !co_await steps.pause()) co_return;
  }
}

}  // namespace ringpost::access
