// The loop of an IMAP and of a POP3 conversation: what both sessions ask of their driver is answered here, what is a protocol's own
// in the class that derives from it.
//
// Layer:   services. Owner: the coroutine of one connection.
// Session: imap::ServerSession with imap::Event, or pop3::ServerSession with pop3::Event.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "conversation.hpp"

namespace ringpost::access {

template <class Session, class Event>
class SessionConversation : public Conversation {
 public:
  void take_session(Passage& passage) override { session_ = std::move(std::get<Session>(passage.session)); }

 protected:
  using Kind = typename Event::Kind;

  SessionConversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
                      net::Connection& connection, Session session)
      : Conversation(service, std::move(snapshot), index, connection), session_(std::move(session)) {}

  // An event of this protocol alone. False: the conversation is over.
  virtual Task<bool> answer(Event event) = 0;
  // The bytes of an event: they go with the input.
  virtual void take_bytes(const Event& /*event*/) {}
  // There is something to say that nobody has asked for.
  virtual bool has_news() const { return false; }
  virtual Task<void> tell_unasked() { co_return; }
  // How many bytes of a message are in the event.
  virtual std::size_t mail_in(const Event& /*event*/) const { return 0; }
  // Before and after the flow waits for the client.
  virtual void before_wait() {}
  virtual void after_wait() {}

  void greet() override {
    session_.offer_mechanisms(mechanisms());
    session_.greet();
  }
  std::string_view output() const override { return session_.output(); }
  void output_sent(std::size_t size) override { session_.output_sent(size); }
  void refuse_login(const accounts::LoginVerdict& why) override { why.tell(session_); }
  void give_session(Passage& passage) override { passage.session = std::move(session_); }
  Task<void> talk() override;

  Session session_;

 private:
  Event next();
};

template <class Session, class Event>
Event SessionConversation<Session, Event>::next() {
  std::span<const std::byte> input = connection_.input();
  const std::size_t before = input.size();
  const std::byte* const begin = input.data();
  const Event event = session_.next(input);
  trace_input({begin, before - input.size()}, mail_in(event));
  take_bytes(event);
  connection_.consume(before - input.size());
  return event;
}

template <class Session, class Event>
Task<void> SessionConversation<Session, Event>::talk() {
  for (;;) {
    const Event event = next();
    switch (event.kind) {
      case Kind::need_input: {
        if (has_news()) co_await tell_unasked();
        before_wait();
        if (!co_await wait_for_input()) co_return;
        after_wait();
        break;
      }
      case Kind::flush:
        if (!co_await send()) co_return;
        break;
      case Kind::start_tls:
        if (!co_await send()) co_return;
        connection_.discard_input();
        if (!co_await start_tls()) co_return;
        session_.offer_mechanisms(mechanisms());
        session_.tls_started();
        break;
      case Kind::auth_keys:
        co_await service_.desk().give_keys(session_, login_client(), connection_.channel_binding());
        break;
      case Kind::auth:
        co_await authenticate(std::move(session_.credentials()));
        if (destination()) co_return;
        break;
      case Kind::closed:
        service_.figures().protocol_errors.add(session_.protocol_errors());
        (void)co_await send();
        co_return;
      default:
        if (!co_await answer(event)) co_return;
        break;
    }
  }
}

}  // namespace ringpost::access
