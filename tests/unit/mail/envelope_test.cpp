#include "ringpost/mail/envelope.hpp"

#include <random>

#include <gtest/gtest.h>

#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/mail/limits.hpp"

namespace ringpost::mail {
namespace {

TEST(Notify, reads_its_words_and_refuses_never_beside_others) {
  EXPECT_EQ(parse_notify("NEVER")->bits, Notify::kNever);
  EXPECT_EQ(parse_notify("success,Failure")->bits, Notify::kSuccess | Notify::kFailure);
  for (const char* value : {"", "NEVER,DELAY", "DELAY,DELAY", "DELAY,", ",DELAY", "MAYBE"})
    EXPECT_FALSE(parse_notify(value)) << value;
  std::string out;
  append_notify(Notify{Notify::kFailure | Notify::kDelay}, out);
  EXPECT_EQ(out, "FAILURE,DELAY");
}

TEST(Notify, means_failure_and_delay_when_it_is_not_given) {
  EXPECT_TRUE(Notify{}.failure());
  EXPECT_TRUE(Notify{}.delay());
  EXPECT_FALSE(Notify{}.success());
  EXPECT_FALSE(Notify{Notify::kNever}.failure());
  EXPECT_FALSE(Notify{Notify::kSuccess}.delay());
}

void fill(Envelope& envelope) {
  envelope.body = BodyKind::eight_bit_mime;
  envelope.body_given = true;
  envelope.smtputf8 = true;
  envelope.dsn_return = DsnReturn::headers;
  envelope.set_reverse_path("sender@example.org");
  envelope.set_envid("QQ314159");
  envelope.set_auth_submitter("<>");
  envelope.add_recipient({"bob@example.com", Notify{Notify::kSuccess}, "rfc822;Bob@Example.COM"});
  envelope.add_recipient({"carol@ivory.example", {}, {}});
}

TEST(Envelope, holds_what_it_was_given) {
  Envelope envelope;
  fill(envelope);
  EXPECT_EQ(envelope.reverse_path(), "sender@example.org");
  EXPECT_EQ(envelope.envid(), "QQ314159");
  ASSERT_EQ(envelope.recipient_count(), 2U);
  EXPECT_EQ(envelope.recipient(0).original_recipient, "rfc822;Bob@Example.COM");
  EXPECT_EQ(envelope.recipient(1).address, "carol@ivory.example");
  EXPECT_TRUE(envelope.has_recipient("bob@example.com"));
  EXPECT_FALSE(envelope.has_recipient("dave@example.com"));
  EXPECT_TRUE(envelope.uses_dsn());
}

TEST(Envelope, tells_the_null_path_from_none) {
  Envelope envelope;
  EXPECT_FALSE(envelope.has_reverse_path());
  envelope.set_reverse_path("");
  EXPECT_TRUE(envelope.has_reverse_path());
  EXPECT_EQ(envelope.reverse_path(), "");
  EXPECT_FALSE(envelope.uses_dsn());
}

TEST(Envelope, is_new_after_clear) {
  Envelope envelope;
  fill(envelope);
  envelope.clear();
  EXPECT_FALSE(envelope.has_reverse_path());
  EXPECT_FALSE(envelope.smtputf8 || envelope.body_given || envelope.uses_dsn());
  EXPECT_EQ(envelope.recipient_count(), 0U);
  EXPECT_EQ(envelope.text_size(), 0U);
}

TEST(Envelope, has_the_room_of_recipients_that_were_taken_back) {
  Envelope envelope;
  envelope.set_reverse_path("anna@example.com");
  envelope.add_recipient({.address = "kept@example.org", .original_recipient = "rfc822;kept"});
  const std::size_t size = envelope.text_size();
  envelope.add_recipient({.address = "refused@example.org", .original_recipient = "rfc822;refused"});
  envelope.truncate_recipients(1);
  EXPECT_EQ(envelope.text_size(), size);
  envelope.add_recipient({.address = "late@example.org"});
  envelope.set_envid("late");  // behind a recipient: its text stays
  envelope.truncate_recipients(1);
  EXPECT_EQ(envelope.envid(), "late");
  EXPECT_EQ(envelope.recipient(0).original_recipient, "rfc822;kept");
  EXPECT_EQ(envelope.reverse_path(), "anna@example.com");
}

TEST(Envelope, keeps_its_memory_over_clear) {
  Envelope envelope;
  for (int i = 0; i < 40; ++i) envelope.add_recipient({"somebody@example.com", {}, {}});
  envelope.clear();
  envelope.add_recipient({"a@example.com", {}, {}});
  const char* place = envelope.recipient(0).address.data();
  for (int i = 0; i < 39; ++i) envelope.add_recipient({"somebody@example.com", {}, {}});
  EXPECT_EQ(envelope.recipient(0).address.data(), place);
}

ArrivalFacts some_facts() {
  ArrivalFacts facts;
  facts.arrival = {1'700'000'000'000'000'000};
  facts.expiry = {1'700'432'000'000'000'000};
  facts.durability = Durability::relaxed;
  facts.priority = 3;
  facts.received_count = 7;
  facts.flags = 0x1234;
  facts.peer_address = "2001:db8::1";
  facts.peer_name = "mail.example.org";
  facts.helo = "mail";
  facts.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  facts.auth_user = "alice";
  facts.listener = "submission";
  facts.tenant = "news";
  facts.body.size = 5000;
  facts.body.separator_offset = 300;
  facts.body.longest_line = 78;
  facts.body.bare_cr = 1;
  facts.body.bare_lf = 2;
  facts.body.crc32c = 0xDEADBEEF;
  facts.body.eight_bit = true;
  facts.body.ends_with_crlf = true;
  facts.body.dot_count = 2;
  facts.body.dots[0] = 400;
  facts.body.dots[1] = 500;
  return facts;
}

std::vector<std::byte> encode(const Envelope& envelope, const ArrivalFacts& facts) {
  std::vector<std::byte> bytes(encoded_envelope_size(envelope, facts));
  EXPECT_EQ(encode_envelope(envelope, facts, bytes), bytes.size());
  return bytes;
}

TEST(EnvelopeRecord, gives_back_what_was_written) {
  Envelope envelope;
  fill(envelope);
  const auto bytes = encode(envelope, some_facts());
  const auto record = EnvelopeRecord::decode(bytes);
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_EQ(record->reverse_path(), "sender@example.org");
  EXPECT_EQ(record->envid(), "QQ314159");
  EXPECT_EQ(record->auth_submitter(), "<>");
  EXPECT_EQ(record->body(), BodyKind::eight_bit_mime);
  EXPECT_EQ(record->dsn_return(), DsnReturn::headers);
  EXPECT_TRUE(record->smtputf8() && record->body_given());
  ASSERT_EQ(record->recipient_count(), 2U);
  EXPECT_EQ(record->recipient(0).address, "bob@example.com");
  EXPECT_EQ(record->recipient(0).notify.bits, Notify::kSuccess);
  EXPECT_EQ(record->recipient(0).original_recipient, "rfc822;Bob@Example.COM");
  EXPECT_EQ(record->recipient(1).address, "carol@ivory.example");

  const ArrivalFacts& facts = record->facts();
  const ArrivalFacts expected = some_facts();
  EXPECT_EQ(facts.arrival, expected.arrival);
  EXPECT_EQ(facts.expiry, expected.expiry);
  EXPECT_EQ(facts.durability, Durability::relaxed);
  EXPECT_EQ(facts.priority, 3);
  EXPECT_EQ(facts.received_count, 7);
  EXPECT_EQ(facts.flags, 0x1234);
  EXPECT_EQ(facts.peer_address, expected.peer_address);
  EXPECT_EQ(facts.peer_name, expected.peer_name);
  EXPECT_EQ(facts.helo, expected.helo);
  EXPECT_EQ(facts.tls, expected.tls);
  EXPECT_EQ(facts.auth_user, expected.auth_user);
  EXPECT_EQ(facts.listener, expected.listener);
  EXPECT_EQ(facts.tenant, expected.tenant);
  EXPECT_EQ(facts.body.size, 5000U);
  EXPECT_EQ(facts.body.separator_offset, 300U);
  EXPECT_EQ(facts.body.crc32c, 0xDEADBEEFU);
  EXPECT_TRUE(facts.body.eight_bit && facts.body.ends_with_crlf);
  EXPECT_FALSE(facts.body.nul || facts.body.dots_overflow);
  EXPECT_THAT(facts.body.known_dots(), testing::ElementsAre(400U, 500U));

  Envelope copy;
  record->copy_to(copy);
  EXPECT_EQ(copy.recipient_count(), 2U);
  EXPECT_EQ(copy.declared_size, 5000U);
  EXPECT_EQ(copy.reverse_path(), "sender@example.org");
}

// What was written before the record became shorter.
std::vector<std::byte> encode_as_version_1(const Envelope& envelope, const ArrivalFacts& facts) {
  std::vector<std::byte> bytes;
  const auto put = [&bytes](auto value) {
    const auto raw = std::as_bytes(std::span(&value, 1));
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  const std::vector<std::string_view> texts{envelope.reverse_path(),
                                            envelope.envid(),
                                            envelope.auth_submitter(),
                                            facts.peer_address,
                                            facts.peer_name,
                                            facts.helo,
                                            facts.tls,
                                            facts.auth_user,
                                            facts.listener,
                                            facts.tenant};
  std::string text;
  for (const std::string_view each : texts) text += each;
  const std::size_t fixed = text.size();
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i)
    text +=
        std::string(envelope.recipient(i).address) + std::string(envelope.recipient(i).original_recipient);
  put(std::uint32_t{0x31455052});
  put(std::uint16_t{1});
  put(std::uint16_t{152});
  put(static_cast<std::uint32_t>(envelope.recipient_count()));
  put(static_cast<std::uint32_t>(text.size()));
  put(facts.arrival.nanoseconds);
  put(facts.expiry.nanoseconds);
  for (const std::uint64_t number : {facts.body.size, facts.body.separator_offset, facts.body.longest_line,
                                     facts.body.bare_cr, facts.body.bare_lf})
    put(number);
  put(facts.body.crc32c);
  put(std::uint32_t{1 + 4 + 16 + 32});  // 8-bit, ends with CRLF, SMTPUTF8, BODY given
  put(facts.received_count);
  put(facts.flags);
  put(static_cast<std::uint8_t>(facts.durability));
  put(facts.priority);
  put(static_cast<std::uint8_t>(std::to_underlying(envelope.body) |
                                (std::to_underlying(envelope.dsn_return) << 4U)));
  put(static_cast<std::uint8_t>(facts.body.dot_count));
  std::uint32_t offset = 0;
  for (const std::string_view each : texts) {
    put(offset);
    put(static_cast<std::uint32_t>(each.size()));
    offset += static_cast<std::uint32_t>(each.size());
  }
  for (const std::uint32_t dot : facts.body.known_dots()) put(dot);
  offset = static_cast<std::uint32_t>(fixed);
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
    const Recipient recipient = envelope.recipient(i);
    put(offset);
    put(static_cast<std::uint16_t>(recipient.address.size()));
    put(static_cast<std::uint16_t>(recipient.original_recipient.size()));
    put(recipient.notify.bits);
    for (int zero = 0; zero < 7; ++zero) put(std::uint8_t{0});
    offset += static_cast<std::uint32_t>(recipient.address.size() + recipient.original_recipient.size());
  }
  const auto raw = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
  return bytes;
}

TEST(EnvelopeRecord, reads_the_first_version_and_writes_a_shorter_one) {
  Envelope envelope;
  fill(envelope);
  const auto old_bytes = encode_as_version_1(envelope, some_facts());
  const auto old = EnvelopeRecord::decode(old_bytes);
  ASSERT_TRUE(old) << old.error().text;
  const auto bytes = encode(envelope, some_facts());
  EXPECT_EQ(old_bytes.size() - bytes.size(), 80U + 2 * 4);
  const auto now = EnvelopeRecord::decode(bytes);
  Envelope copy;
  old->copy_to(copy);
  EXPECT_EQ(encode(copy, old->facts()), bytes);
  EXPECT_EQ(old->recipient(1).address, now->recipient(1).address);
}

TEST(EnvelopeRecord, keeps_that_a_message_has_no_separator) {
  Envelope envelope;
  fill(envelope);
  ArrivalFacts facts = some_facts();
  facts.body.separator_offset = scan::BodyFacts::kNoSeparator;
  facts.body.size = std::uint64_t{1} << 30;
  const auto record = EnvelopeRecord::decode(encode(envelope, facts));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->facts().body.separator_offset, scan::BodyFacts::kNoSeparator);
  EXPECT_EQ(record->facts().body.size, std::uint64_t{1} << 30);
}

TEST(EnvelopeRecord, cuts_a_text_that_a_peer_made_too_long) {
  Envelope envelope;
  envelope.set_reverse_path("");
  ArrivalFacts facts = some_facts();
  const std::string helo(kFactTextMax + 1, 'h');
  facts.helo = helo;
  const auto bytes = encode(envelope, facts);
  EXPECT_EQ(EnvelopeRecord::decode(bytes)->facts().helo.size(), kFactTextMax);
}

TEST(EnvelopeRecord, refuses_every_cut) {
  Envelope envelope;
  fill(envelope);
  const auto bytes = encode(envelope, some_facts());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // Exactly sized, so that the address sanitizer sees a byte too far.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(EnvelopeRecord::decode(cut)) << size;
  }
}

TEST(EnvelopeRecord, survives_every_changed_byte) {
  Envelope envelope;
  fill(envelope);
  const auto bytes = encode(envelope, some_facts());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const unsigned value : {0x00U, 0x01U, 0x7FU, 0x80U, 0xFFU}) {
      auto changed = bytes;
      changed[i] = static_cast<std::byte>(value);
      const auto record = EnvelopeRecord::decode(changed);
      if (!record) {
        ++refused;
        continue;
      }
      Envelope copy;
      record->copy_to(copy);
      ASSERT_LE(copy.text_size(), bytes.size() * 5);
    }
  EXPECT_GT(refused, 100U);
}

TEST(EnvelopeRecord, survives_random_bytes_behind_a_right_beginning) {
  std::mt19937 random(3);
  Envelope envelope;
  fill(envelope);
  const auto good = encode(envelope, some_facts());
  for (int round = 0; round < 5000; ++round) {
    auto bytes = good;
    for (int i = 0; i < 8; ++i)
      bytes[8 + random() % (bytes.size() - 8)] = static_cast<std::byte>(random() & 0xFFU);
    const auto record = EnvelopeRecord::decode(bytes);
    if (!record) continue;
    for (std::size_t i = 0; i < record->recipient_count(); ++i)
      ASSERT_LE(record->recipient(i).address.size(), bytes.size());
  }
}

}  // namespace
}  // namespace ringpost::mail
