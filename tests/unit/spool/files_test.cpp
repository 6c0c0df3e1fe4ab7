// Files that are not what the spool made them: the server and the tools say the same of each, and read all others.
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/journal/format.hpp"

#include "spool/identity.hpp"
#include "unit/spool/damage_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kFirst = "shard-0/segment-000001";

class FilesTest : public DamagedSpoolTest {
 protected:
  // As a killed server leaves it: the segment is open.
  void fill_open() {
    at->open();
    plain = at->accept("plain text");
    for (int i = 0; i < 40; ++i) at->accept(std::string(10'000, 'm'));
    const std::string open = bytes_of_file(kFirst);
    at->close();
    machine->restart();
    write_file(kFirst, open);
  }
};

TEST_P(FilesTest, a_file_that_was_cut_short_is_damaged_and_no_torn_tail) {
  fill_open();
  cut(kFirst, 300'000);
  const Inspection seen = look();
  EXPECT_TRUE(seen.damaged());
  EXPECT_LT(seen.messages(), 41U);
  EXPECT_THAT(texts(seen.shards[0].report),
              Contains(HasSubstr("cut short: it has 300000 bytes and was made with 1048576")));
  at->open();
  EXPECT_EQ(at->spool->recovery().damages, seen.shards[0].report.damages);
  EXPECT_TRUE(at->spool->contains(plain));
  EXPECT_EQ(at->recorder.heard.size(), seen.messages());
  at->reopen();
  EXPECT_GT(at->spool->recovery().damages, 0U);  // until somebody has looked at it
}

TEST_P(FilesTest, a_sealed_file_that_was_cut_short_is_damaged) {
  fill();
  cut(kFirst, journal::kFirstFrame + 8192);
  EXPECT_TRUE(look().damaged());
}

TEST_P(FilesTest, repair_settles_for_what_is_left_of_a_cut_file) {
  for (const bool sealed : {false, true}) {
    sealed ? fill() : fill_open();
    cut(kFirst, sealed ? journal::kFirstFrame + 8192 : 300'000);
    const auto messages = look().messages();
    EXPECT_THAT(mend(false), Contains(HasSubstr("bytes are missing at its end")));
    EXPECT_TRUE(look().damaged());
    EXPECT_THAT(mend(true), Contains(HasSubstr("bytes are missing at its end")));
    EXPECT_THAT(mend(true), IsEmpty());
    const Inspection after = look();
    EXPECT_THAT(texts(after.shards[0].report), Each(Not(HasSubstr("cut short"))));
    EXPECT_EQ(after.messages(), messages);
    at->open();
    EXPECT_EQ(at->recorder.heard.size(), messages);
    at->close();
    machine->restart();
  }
}

TEST_P(FilesTest, a_copy_of_a_segment_sends_nothing_twice) {
  fill();
  ASSERT_TRUE(machine->files().make_directory(path("shard-1")));
  write_file("shard-1/segment-000050", bytes_of_file(kFirst));
  write_file("shard-0/segment-000050", bytes_of_file(kFirst));
  const Inspection seen = look();
  EXPECT_TRUE(seen.damaged());
  EXPECT_EQ(seen.messages(), 3U);
  ASSERT_EQ(seen.shards.size(), 2U);
  for (const InspectedShard& shard : seen.shards)
    EXPECT_THAT(texts(shard.report),
                Contains(HasSubstr("a copy: its header says segment-000001 of shard 0")));
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), 3U);
  EXPECT_EQ(at->spool->recovery().damages, 2U);
}

TEST_P(FilesTest, only_exact_names_are_those_of_segments) {
  fill();
  for (const char* name : {"segment-1", "segment-0000001", "segment-+00001", "segment-000001.bak"})
    write_file(std::string("shard-0/") + name, bytes_of_file(kFirst));
  const Inspection seen = look();
  EXPECT_TRUE(seen.damaged());
  EXPECT_EQ(seen.messages(), 3U);
  EXPECT_EQ(seen.shards[0].report.damages, 4U);
  EXPECT_THAT(texts(seen.shards[0].report), Contains("segment-1 is no name of a segment; left alone"));
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), 3U);
  EXPECT_EQ(at->spool->recovery().damages, 4U);
}

TEST_P(FilesTest, what_is_no_file_or_directory_is_named_and_all_else_is_read) {
  fill();
  ASSERT_TRUE(machine->files().make_directory(path("shard-0/segment-000070")));
  write_file("shard-7", "no directory");
  write_file("shard-01", "no name");
  if (GetParam() != "sim") {
    ASSERT_EQ(mkfifo(path("shard-0/segment-000071").c_str(), 0600), 0);
    ASSERT_EQ(symlink("nowhere", path("shard-0/segment-000072").c_str()), 0);
    ASSERT_EQ(symlink("nowhere", path("shard-8").c_str()), 0);
  }
  const std::size_t files = GetParam() == "sim" ? 1 : 3;
  const Inspection seen = look();
  EXPECT_TRUE(seen.damaged());
  EXPECT_EQ(seen.messages(), 3U);
  ASSERT_EQ(seen.shards.size(), 1U);
  EXPECT_EQ(seen.shards[0].report.damages, files);
  EXPECT_THAT(seen.left_alone, Contains(HasSubstr("shard-7 is no directory")));
  EXPECT_THAT(seen.left_alone, Contains(HasSubstr("shard-01 is no name of a shard")));
  EXPECT_EQ(mend(true).size(), files + seen.left_alone.size());
  at->open();
  EXPECT_EQ(at->recorder.heard.size(), 3U);
  EXPECT_EQ(at->spool->recovery().damages, files);
}

TEST_P(FilesTest, a_directory_without_a_spool_is_refused_with_a_mend) {
  const auto refusal = [&](const std::string& directory) {
    std::vector<InspectedShard> shards;
    const auto dumped = dump(machine->files(), directory, [](const DumpedRecord&) {}, shards);
    const auto mended = repair(machine->files(), directory, true, [](std::string_view) {});
    const auto seen = inspect(machine->files(), directory);
    EXPECT_FALSE(dumped || mended || seen);
    EXPECT_EQ(dumped.error().text, seen.error().text);
    EXPECT_EQ(mended.error().text, seen.error().text);
    return seen.error().text;
  };
  EXPECT_THAT(refusal(machine->directory() + "/none"), HasSubstr("; name the directory of the spool"));
  ASSERT_TRUE(machine->files().make_directory(machine->directory() + "/empty"));
  EXPECT_THAT(refusal(machine->directory() + "/empty"), HasSubstr("is no spool"));
  EXPECT_TRUE(machine->files().list(machine->directory() + "/empty")->empty());
}

TEST_P(FilesTest, a_spool_of_a_newer_version_is_touched_by_nobody) {
  fill();
  Identity newer{.version = kIdentityVersion + 1, .epoch = 9, .spool_id = 77};
  seal(newer);
  std::string slots = bytes_of_file("SPOOL");
  std::memcpy(slots.data() + kIdentitySlot, &newer, sizeof newer);
  write_file("SPOOL", slots);
  EXPECT_FALSE(inspect(machine->files(), at->options.directory.text));
  const auto mended = repair(machine->files(), at->options.directory.text, true, [](std::string_view) {});
  ASSERT_FALSE(mended);
  EXPECT_THAT(mended.error().text, HasSubstr("written by a newer version; use"));
  EXPECT_FALSE(at->try_open());
  EXPECT_EQ(bytes_of_file("SPOOL"), slots);
}

TEST_P(FilesTest, a_repair_that_refuses_leaves_no_identity_behind) {
  fill();
  ASSERT_TRUE(machine->files().unlink(path("SPOOL")));
  for (const std::string& name : *machine->files().list(path("shard-0")))
    write_file("shard-0/" + name, std::string(1 << 20, 'x'));
  EXPECT_FALSE(repair(machine->files(), at->options.directory.text, true, [](std::string_view) {}));
  EXPECT_FALSE(machine->files().open(path("SPOOL"), {}));
}

TEST_P(FilesTest, what_repair_makes_belongs_to_the_owner_of_the_spool) {
  if (GetParam() == "sim" || geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  fill();
  ASSERT_TRUE(machine->files().unlink(path("SPOOL")));
  destroy(kFirst, journal::kFirstFrame + 60, 30);
  ASSERT_EQ(chown(path("").c_str(), 65534, 65534), 0);
  EXPECT_FALSE(mend(true).empty());
  for (const char* name : {"SPOOL", "damaged"}) {
    struct stat facts{};
    ASSERT_EQ(stat(path(name).c_str(), &facts), 0) << name;
    EXPECT_EQ(facts.st_uid, 65534U) << name;
    EXPECT_EQ(facts.st_gid, 65534U) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, FilesTest, ::testing::Values("auto", "sim"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::spool::testing
