// The second transaction of a session allocates nothing. Counts every allocation of this test program.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "ringpost/scan/find.hpp"
#include "ringpost/smtp/client_session.hpp"
#include "ringpost/smtp/server_session.hpp"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace ringpost::smtp::testing {
namespace {

// Answers yes to all, allocates nothing itself.
void converse(ServerSession& session, std::string_view bytes) {
  std::array<std::byte, 256> target;
  std::span<const std::byte> input = scan::as_bytes(bytes);
  for (;;) {
    const Event event = session.next(input, target);
    switch (event.kind) {
      case Event::Kind::helo:
      case Event::Kind::mail:
      case Event::Kind::recipient:
      case Event::Kind::data_begin:
        session.accept();
        break;
      case Event::Kind::message_end:
        session.accept_message("0123456789ABC");
        break;
      case Event::Kind::body:
        break;
      default:
        ASSERT_EQ(event.kind, Event::Kind::need_input);
        session.output_sent(session.output().size());
        return;
    }
  }
}

void transaction(ServerSession& session, bool chunked) {
  converse(session,
           "MAIL FROM:<somebody.with.a.long.name@sender.example.com> SIZE=1000 BODY=8BITMIME\r\n"
           "RCPT TO:<first.recipient@destination.example.org>\r\n");
  converse(session, "RCPT TO:<second.recipient@destinat");
  converse(session, "ion.example.org>\r\n");
  if (chunked) return converse(session, "BDAT 12 LAST\r\nSubject: x\r\n");
  converse(session, "DATA\r\n");
  converse(session, "Subject: x\r\n\r\nbody\r\n.\r\n");
}

TEST(ServerSessionMemory, second_transaction_allocates_nothing) {
  for (bool chunked : {false, true}) {
    const ServerSettings settings;
    ServerSession session(settings);
    session.greet();
    converse(session, "EHLO client.example.com\r\n");
    transaction(session, chunked);
    const std::size_t before = allocations.load();
    for (int i = 0; i < 10; ++i) transaction(session, chunked);
    EXPECT_EQ(allocations.load() - before, 0U);
    EXPECT_GT(before, 0U);
  }
}

// Gives the replies to the session; says what happened last.
ClientEvent feed(ClientSession& session, std::string_view replies, ClientEvent::Kind until) {
  std::span<const std::byte> input = scan::as_bytes(replies);
  for (;;) {
    const ClientEvent event = session.next(input);
    if (event.kind == ClientEvent::Kind::send_body) session.body_sent();
    if (event.kind == until || event.kind == ClientEvent::Kind::need_input ||
        event.kind == ClientEvent::Kind::closed) {
      session.output_sent(session.output().size());
      return event;
    }
  }
}

TEST(ClientSessionMemory, second_transaction_allocates_nothing) {
  const ClientSettings settings;
  mail::Envelope envelope;
  envelope.set_reverse_path("somebody.with.a.long.name@sender.example.com");
  envelope.add_recipient({.address = "first.recipient@destination.example.org"});
  for (const bool chunked : {false, true}) {
    ClientSession session(settings);
    const std::string_view hello =
        chunked ? "220 ready\r\n250-mx.example.org\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
                : "220 ready\r\n250-mx.example.org\r\n250 PIPELINING\r\n";
    ASSERT_EQ(feed(session, hello, ClientEvent::Kind::ready).kind, ClientEvent::Kind::ready);
    const auto transact = [&] {
      session.begin({.envelope = &envelope, .body_bytes = 4096, .timing = BodyTiming::with_envelope});
      (void)feed(session, {}, ClientEvent::Kind::need_input);
      const std::string_view replies =
          chunked ? "250 2.1.0 The sender is fine\r\n250 2.1.5 The recipient is fine\r\n250 2.0.0 Ok: queued "
                    "as X\r\n"
                  : "250 2.1.0 The sender is fine\r\n250 2.1.5 The recipient is fine\r\n"
                    "354 Start mail input; end with .\r\n250 2.0.0 Ok: queued as X\r\n";
      return feed(session, replies, ClientEvent::Kind::finished).kind;
    };
    ASSERT_EQ(transact(), ClientEvent::Kind::finished);
    ASSERT_EQ(transact(), ClientEvent::Kind::finished);  // now both memories of replies have grown
    const std::size_t before = allocations.load();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(transact(), ClientEvent::Kind::finished);
    EXPECT_EQ(allocations.load() - before, 0U);
  }
}

}  // namespace
}  // namespace ringpost::smtp::testing
