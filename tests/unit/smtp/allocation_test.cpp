// The second transaction of a session allocates nothing. Counts every allocation of this test program.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "ringpost/scan/find.hpp"
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

}  // namespace
}  // namespace ringpost::smtp::testing
