// ACL (RFC 4314): not offered yet, so none of these is asked.
#include "imap_conversation.hpp"

namespace ringpost::access {

namespace {

constexpr const char* kNone = "There are no access lists";

}  // namespace

Task<ImapConversation::Answer> ImapConversation::run(imap::GetAcl&) {
  co_return Answer::no(imap::codes::kCannot, kNone);
}
Task<ImapConversation::Answer> ImapConversation::run(imap::SetAcl&) {
  co_return Answer::no(imap::codes::kCannot, kNone);
}
Task<ImapConversation::Answer> ImapConversation::run(imap::DeleteAcl&) {
  co_return Answer::no(imap::codes::kCannot, kNone);
}
Task<ImapConversation::Answer> ImapConversation::run(imap::ListRights&) {
  co_return Answer::no(imap::codes::kCannot, kNone);
}
Task<ImapConversation::Answer> ImapConversation::run(imap::MyRights&) {
  co_return Answer::no(imap::codes::kCannot, kNone);
}

}  // namespace ringpost::access
