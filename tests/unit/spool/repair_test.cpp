// A damaged directory without its server: what is read, exported and mended.
#include "ringpost/spool/repair.hpp"

#include "ringpost/journal/format.hpp"

#include "unit/spool/damage_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RepairTest : public DamagedSpoolTest {};

TEST_P(RepairTest, reads_every_message_offline) {
  fill();
  std::uint64_t last_done = 0, last_total = 0;
  const auto archive = Archive::open(machine->files(), at->options.directory.text,
                                     [&](std::uint64_t done, std::uint64_t total) {
                                       EXPECT_LE(done, total);
                                       EXPECT_GE(done, last_done);
                                       last_done = done, last_total = total;
                                     });
  ASSERT_TRUE(archive) << archive.error().text;
  EXPECT_EQ(last_done, last_total);
  EXPECT_FALSE((*archive)->inspection().damaged());
  EXPECT_EQ(text_of_message(**archive, plain), "plain text");
  EXPECT_EQ(text_of_message(**archive, large), std::string(700'000, 'l'));
  EXPECT_FALSE((*archive)->contains(ended));
  const auto stored = (*archive)->read(tried);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->envelope.reverse_path(), "from@example.org");
  EXPECT_EQ(stored->outcomes[0].state, RecipientState::pending);
  EXPECT_EQ(stored->outcomes[1].state, RecipientState::bounced);
  EXPECT_EQ(stored->outcomes[1].attempts, 2U);
}

TEST_P(RepairTest, dumps_every_record_in_words) {
  fill();
  std::vector<std::string> lines;
  std::vector<InspectedShard> shards;
  ASSERT_TRUE(dump(
      machine->files(), at->options.directory.text,
      [&](const DumpedRecord& record) { lines.push_back(record.text); }, shards));
  EXPECT_THAT(lines, Contains("envelope from <from@example.org> to <a@x.org> <b@x.org>"));
  EXPECT_THAT(lines, Contains("state 1:bounced/2"));
  EXPECT_THAT(lines, Contains(HasSubstr("of 700000 bytes in")));
  EXPECT_THAT(lines, Contains("done 0/1/1"));
  ASSERT_EQ(shards.size(), 1U);
  EXPECT_EQ(shards[0].report.records, lines.size());
}

TEST_P(RepairTest, finds_nothing_in_a_whole_spool_and_changes_nothing) {
  fill();
  EXPECT_THAT(mend(false), IsEmpty());
  EXPECT_THAT(mend(true), IsEmpty());
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), 3U);
}

TEST_P(RepairTest, makes_the_identity_from_the_segments) {
  fill();
  destroy("SPOOL", 0, 8192);
  EXPECT_FALSE(at->try_open());
  // Who only looks reads it all the same.
  const auto archive = Archive::open(machine->files(), at->options.directory.text);
  ASSERT_TRUE(archive) << archive.error().text;
  EXPECT_TRUE((*archive)->inspection().damaged());
  EXPECT_EQ((*archive)->inspection().messages(), 3U);
  EXPECT_EQ(mend(false).size(), 1U);
  machine->restart();
  EXPECT_FALSE(at->try_open());  // nothing was changed
  machine->restart();
  EXPECT_EQ(mend(true).size(), 1U);
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), 3U);
  EXPECT_GT(at->spool->next_id().epoch(), plain.epoch());
  EXPECT_EQ(at->body(large).value(), std::string(700'000, 'l'));
}

TEST_P(RepairTest, writes_lost_headers_anew_and_takes_bad_tables_away) {
  fill();
  destroy("shard-0/segment-000001", 0, journal::kFirstFrame);
  EXPECT_THAT(mend(false), Contains(HasSubstr("its header is written anew")));
  EXPECT_THAT(mend(true), Contains(HasSubstr("its header is written anew")));
  EXPECT_THAT(mend(true), IsEmpty());
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), 3U);
  EXPECT_FALSE(at->spool->contains(ended));
  EXPECT_EQ(at->spool->recovery().damages, 0U);
}

TEST_P(RepairTest, copies_damaged_bytes_away_and_leaves_the_frames_alone) {
  fill();
  const auto archive = Archive::open(machine->files(), at->options.directory.text);
  ASSERT_TRUE(archive);
  destroy("shard-0/segment-000001", journal::kFirstFrame + 60, 30);
  const auto told = mend(true);
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told, Contains(HasSubstr("are copied to")));
  const auto names = machine->files().list(path("damaged"));
  ASSERT_TRUE(names);
  EXPECT_FALSE(names->empty());
  at->open();
  EXPECT_TRUE(at->spool->contains(plain));
}

TEST_P(RepairTest, refuses_beside_a_running_server) {
  fill();
  at->open();
  const auto done = repair(machine->files(), at->options.directory.text, true, [](std::string_view) {});
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().text, HasSubstr("running"));
}

INSTANTIATE_TEST_SUITE_P(Backends, RepairTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::spool::testing
