// The steps of a command that an IMAP client waits for.
//
// Layer:  services. Owner: one command of an ImapConversation.
#pragma once

#include "ringpost/shard/await.hpp"

#include "imap_conversation.hpp"

namespace ringpost::access {

class ImapConversation::ToldSteps final : public Steps {
 public:
  ToldSteps(ImapConversation& conversation, Plan plan)
      : Steps(conversation.service_.core().now(), plan), conversation_(conversation) {}

  Task<bool> pause() override {
    co_await shard::Yield{conversation_.service_.core()};
    if (conversation_.connection_.aborted()) co_return false;
    imap::ServerSession& session = conversation_.session_;
    if (!session.settings().capabilities.has(imap::Capability::in_progress)) co_return true;
    const auto code = due(conversation_.service_.core().now(), session.tag());
    if (!code) co_return true;
    session.respond().status({imap::Condition::ok, *code, "Still at it"});
    co_return co_await conversation_.send();
  }
  friend FramePool& frame_pool(ToldSteps& steps) { return frame_pool(steps.conversation_); }

 private:
  ImapConversation& conversation_;
};

}  // namespace ringpost::access
