#include "ringpost/spool/inspect.hpp"

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

class InspectTest : public SpoolTest {
 protected:
  Result<Inspection> look() {
    found.clear();
    return inspect(machine->files(), at->options.directory.text,
                   [this](const InspectedMessage& message) { found[message.id.value] = message; });
  }
  std::string bytes_of_file(const std::string& path) {
    auto& files = machine->files();
    const auto file = files.open(path, {});
    if (!file) return {};
    std::string bytes(1 << 20, '\0');
    const auto size = files.read_at(file->handle, std::as_writable_bytes(std::span(bytes)), 0);
    files.close(file->handle);
    bytes.resize(size.value_or(0));
    return bytes;
  }
  std::map<std::uint64_t, InspectedMessage> found;
};

TEST_P(InspectTest, counts_what_is_in_the_queue_and_writes_nothing) {
  at->open();
  const MessageId plain = at->accept("plain text");
  const MessageId tried = at->accept("tried", {.recipients = {"a@x.org", "b@x.org"}});
  const MessageId large = at->accept(std::string(700'000, 'l'), {.in_pieces = true});
  at->record(tried, 1, RecipientState::delivered);
  at->record(at->accept("ended"), 0, RecipientState::delivered);
  at->close();
  machine->restart();
  const std::string segment = at->options.directory.text + "/shard-0/segment-000001";
  const std::string before = bytes_of_file(segment);
  ASSERT_FALSE(before.empty());
  const auto seen = look();
  ASSERT_TRUE(seen) << seen.error().text;
  EXPECT_EQ(seen->messages(), 3U);
  EXPECT_FALSE(seen->damaged());
  EXPECT_EQ(seen->epoch, 1U);
  ASSERT_EQ(seen->shards.size(), 1U);
  EXPECT_EQ(seen->shards[0].tried, 1U);
  EXPECT_EQ(seen->shards[0].large, 1U);
  EXPECT_EQ(seen->shards[0].body_bytes, 700'015U);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[plain.value].size, 10U);
  EXPECT_EQ(found[tried.value].recipients, 2U);
  EXPECT_EQ(found[tried.value].pending, 1U);
  EXPECT_EQ(found[large.value].size, 700'000U);
  EXPECT_EQ(bytes_of_file(segment), before);
}

TEST_P(InspectTest, finds_damage) {
  at->open();
  const MessageId hurt = at->accept("a text that will be hurt");
  at->accept("another");
  at->close();
  machine->restart();
  const std::string path = at->options.directory.text + "/shard-0/segment-000001";
  const std::size_t place = bytes_of_file(path).find("will be hurt");
  ASSERT_NE(place, std::string::npos);
  auto& files = machine->files();
  const auto file = files.open(path, {.write = true});
  ASSERT_TRUE(file);
  const std::byte wrong{0};
  ASSERT_TRUE(files.write_at(file->handle, {&wrong, 1}, place));
  ASSERT_TRUE(files.sync(file->handle));
  files.close(file->handle);
  const auto seen = look();
  ASSERT_TRUE(seen);
  EXPECT_TRUE(seen->damaged());
  EXPECT_EQ(seen->messages(), 2U);
  EXPECT_EQ(seen->shards[0].without_body, 1U);
  // The server starts all the same, and says what it cannot deliver.
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), 2U);
  const auto body = at->body(hurt);
  ASSERT_FALSE(body);
  EXPECT_EQ(body.error().kind, ErrorKind::permanent);
}

TEST_P(InspectTest, refuses_a_directory_without_a_spool) {
  EXPECT_FALSE(inspect(machine->files(), machine->directory()));
}

INSTANTIATE_TEST_SUITE_P(Backends, InspectTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::spool::testing
