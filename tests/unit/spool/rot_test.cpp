// Bit rot: one byte of a spool changes, at a thousand places. Whoever looks finds every other message as it was, and the
// damaged one by name.
#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "ringpost/journal/format.hpp"
#include "ringpost/observe/event_ring.hpp"
#include "ringpost/spool/archive.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

struct Known {
  std::string sender;
  std::string text;
  std::vector<RecipientState> states;
};

class Rot {
 public:
  static constexpr unsigned kSegments = 3;
  static constexpr std::uint64_t kSegmentSize = 1024 * 1024;

  explicit Rot(bool moved = false) : machine_(std::make_shared<io::SimWorld>(9)), at_(machine_) {
    at_.options.compact_after = moved ? 0h : 1h;
    at_.options.segments_ahead = moved ? 4 : 2;
    at_.open();
    moved ? fill_cold() : fill();
    lose_or_seal();
  }

  // The numbers of the segments that hold what was moved.
  std::vector<unsigned> cold_segments() const {
    std::vector<unsigned> found;
    auto& files = const_cast<Machine&>(machine_).files();
    for (unsigned number = 1; number < 100; ++number) {
      const auto file = files.open(path(number), {});
      if (!file) break;
      std::array<std::byte, journal::kFirstFrame> head{};
      EXPECT_TRUE(files.read_at(file->handle, head, 0));
      files.close(file->handle);
      if (const auto header = journal::parse_segment_head(head).header; header && header->stream != 0)
        found.push_back(number);
    }
    return found;
  }

  void flip(unsigned segment, std::uint64_t offset, unsigned bit) {
    auto& files = machine_.files();
    const auto file = files.open(path(segment), {.write = true});
    ASSERT_TRUE(file);
    std::byte byte{};
    ASSERT_TRUE(files.read_at(file->handle, {&byte, 1}, offset));
    byte ^= static_cast<std::byte>(1U << bit);
    ASSERT_TRUE(files.write_at(file->handle, {&byte, 1}, offset));
    files.close(file->handle);
  }

  // What is not as it was must be named. Gives how many messages were named.
  std::size_t compare() {
    const auto archive = Archive::open(machine_.files(), at_.options.directory.text);
    EXPECT_TRUE(archive) << archive.error().text;
    if (!archive) return 0;
    const auto& named = (*archive)->inspection().damaged_messages;
    for (const auto& [id, known] : known_)
      if (!is_as_it_was(**archive, id, known) && !std::ranges::binary_search(named, id))
        ADD_FAILURE() << to_string(id) << " is damaged and was not named";
    (*archive)->for_each([&](const InspectedMessage& message) {
      if (!known_.contains(message.id) && !std::ranges::binary_search(named, message.id))
        ADD_FAILURE() << to_string(message.id) << " came back and was not named";
    });
    return named.size();
  }
  bool finds_damage() const {
    const auto seen = inspect(const_cast<Machine&>(machine_).files(), at_.options.directory.text);
    return seen && seen->damaged();
  }

 private:
  std::string path(unsigned segment) const {
    return at_.options.directory.text + fmt::format("/shard-0/segment-{:06}", segment);
  }
  std::uint64_t random(std::uint64_t below) {
    seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;
    return (seed_ >> 33) % below;
  }
  // Two sealed segments with their tables, and one that a power cut left open.
  void fill() {
    while (at_.spool->log().space().live_bytes < 2'400'000) add();
  }
  // Mail that waits long, moved out of segments in which all else has ended.
  void fill_cold() {
    const auto pass = [&] { at_.record(at_.accept(std::string(40'000, 'x')), 0, RecipientState::delivered); };
    for (unsigned i = 0; i < 160; ++i) {
      add(i % 2 == 0 ? 20h : 100h);
      pass();
    }
    for (unsigned i = 0; i < 500 && moved() < known_.size(); ++i) {
      pass();
      machine_.turns(20);
    }
    EXPECT_GE(moved(), known_.size());
  }
  std::uint64_t moved() { return machine_.figure("spool_moved_cold"); }
  void add(Duration life = {}) {
    Station::Mail mail{.sender = "s" + std::to_string(random(100'000)) + "@example.org", .life = life};
    if (random(3) == 0) mail.recipients.push_back("second@example.net");
    mail.in_pieces = random(60) == 0;
    std::string text;
    const std::uint64_t size = random(mail.in_pieces ? 150'000 : random(10) == 0 ? 30'000 : 4'000);
    while (text.size() < size) text += static_cast<char>('a' + random(26));
    const MessageId id = at_.accept(text, mail);
    if (random(4) == 0) {
      for (std::uint32_t i = 0; i < mail.recipients.size(); ++i) at_.record(id, i, RecipientState::delivered);
      return;
    }
    Known& known = known_[id];
    known = {mail.sender, text, std::vector<RecipientState>(mail.recipients.size(), RecipientState::pending)};
    if (random(3) != 0) return;
    at_.record(id, 0, RecipientState::pending, 3);
    if (mail.recipients.size() > 1) {
      at_.record(id, 1, RecipientState::bounced);
      known.states[1] = RecipientState::bounced;
    }
  }
  void lose_or_seal() {
    EXPECT_TRUE(at_.flush());
    at_.lose_power();
  }
  static bool is_as_it_was(Archive& archive, MessageId id, const Known& known) {
    const auto stored = archive.read(id);
    if (!stored || stored->envelope.reverse_path() != known.sender) return false;
    if (stored->outcomes.size() != known.states.size()) return false;
    for (std::size_t i = 0; i < known.states.size(); ++i)
      if (stored->outcomes[i].state != known.states[i]) return false;
    std::string text;
    const auto read = archive.read_body(id, [&](std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return Result<void>{};
    });
    return read && text == known.text;
  }

  Machine machine_;
  Station at_;
  std::uint64_t seed_ = 4;
  std::map<MessageId, Known> known_;
};

TEST(SpoolRot, names_the_damaged_message_and_recovers_every_other_one_wherever_a_byte_changes) {
  Rot rot;
  ASSERT_EQ(rot.compare(), 0U);
  ASSERT_FALSE(rot.finds_damage());
  std::uint64_t seed = 77;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
  };
  std::size_t with_names = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    const auto segment = static_cast<unsigned>(1 + random(Rot::kSegments));
    const std::uint64_t offset = random(Rot::kSegmentSize);
    const auto bit = static_cast<unsigned>(random(8));
    SCOPED_TRACE(::testing::Message() << "segment " << segment << ", offset " << offset << ", bit " << bit);
    rot.flip(segment, offset, bit);
    const std::size_t named = rot.compare();
    EXPECT_LE(named, 1U);
    with_names += named;
    rot.flip(segment, offset, bit);
    if (::testing::Test::HasFailure()) return;
  }
  // Most bytes belong to some message; the others are headers, tables, zeros and what has ended.
  EXPECT_GT(with_names, 400U);
}

// Of its end: LogStreamTest.end_with_a_frame_that_may_be_lost.
TEST(SpoolRot, names_a_damaged_copy_of_what_was_moved_wherever_in_its_segment_a_byte_changes) {
  Rot rot(true);
  ASSERT_EQ(rot.compare(), 0U);
  ASSERT_FALSE(rot.finds_damage());
  const auto segments = rot.cold_segments();
  ASSERT_EQ(segments.size(), 2U);
  std::size_t with_names = 0;
  for (unsigned i = 0; i < 400; ++i) {
    const unsigned segment = segments[i % 2];
    const std::uint64_t offset = journal::kFirstFrame + i * 841;
    const unsigned bit = i % 8;
    SCOPED_TRACE(::testing::Message() << "segment " << segment << ", offset " << offset << ", bit " << bit);
    rot.flip(segment, offset, bit);
    const std::size_t named = rot.compare();
    EXPECT_LE(named, 1U);
    with_names += named;
    rot.flip(segment, offset, bit);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(with_names, 150U);
}

// The table of a sealed segment knows the message; that its envelope cannot be read comes out when it is to be announced.
TEST(SpoolRot, a_start_names_a_message_whose_envelope_only_the_table_knows) {
  Machine machine(std::make_shared<io::SimWorld>(9));
  Station at(machine);
  at.open();
  at.accept("first");
  const MessageId damaged = at.accept("second", {.sender = "precious@example.org"});
  at.accept("third");
  at.close();
  machine.restart();
  const auto file =
      machine.files().open(at.options.directory.text + "/shard-0/segment-000001", {.write = true});
  ASSERT_TRUE(file);
  std::string bytes(Rot::kSegmentSize, '\0');
  ASSERT_TRUE(machine.files().read_at(file->handle, std::as_writable_bytes(std::span(bytes)), 0));
  const auto place = bytes.find("precious");
  ASSERT_NE(place, std::string::npos);
  ASSERT_TRUE(machine.files().write_at(file->handle, bytes_of("q"), place));
  machine.files().close(file->handle);

  at.open();
  ASSERT_TRUE(machine.turn_until([&] { return at.recorder.heard.size() == 2; }));
  ASSERT_TRUE(machine.turn_until([&] { return !at.spool->damaged_messages().empty(); }));
  EXPECT_THAT(at.spool->damaged_messages(), ::testing::ElementsAre(damaged));
  std::vector<std::string> named;
  machine.core().events().drain([&](const observe::EventView& event) {
    if (event.get(observe::EventKey::severity) == "error")
      named.emplace_back(event.get(observe::EventKey::queue_id));
  });
  EXPECT_THAT(named, ::testing::ElementsAre(to_string(damaged)));
  at.close();
}

}  // namespace
}  // namespace ringpost::spool::testing
